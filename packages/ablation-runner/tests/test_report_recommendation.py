"""What the report recommends to take, and when it recommends nothing."""

import dataclasses
import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

import ablation_stats as stats
from ablation_runner.analysis import analyze
from ablation_runner.analysis._recommend import _is_within, cheaper_arms
from ablation_runner.errors import StudyError
from ablation_runner.report import write_report
from ablation_runner.report._numbers import scale_of
from ablation_runner.report._recommendation import recommendation
from ablation_runner.results import COSTS, StudyResults
from ablation_runner.study import Budget

MADE = runpy.run_path(str(Path(__file__).with_name("test_report_made_run.py")))
SHARE = scale_of("exact_match")
CLAIM = '\n[[claims]]\ntext = "4 is enough"\narm = "budget-4"\nkind = "not-worse"\nmargin = 0.03\n'
STUDY = MADE["STUDY"].split("[conditions]")[0] + CLAIM
Run = Callable[..., StudyResults]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A study whose arms are right with the chances given."""

    def made(study: str = STUDY, **chance: float) -> StudyResults:
        right = {"blind": 0.3, "four": 0.7, "sixteen": 0.7, "sixty_four": 0.7} | chance
        names = {"budget-4": "four", "budget-16": "sixteen", "budget-64": "sixty_four", "blind": "blind"}
        prepared = MADE["make_run"](
            tmp_path, study, score=lambda arm, condition, seed: right[names[arm]], asked=1800
        )
        return analyze(prepared)

    return made


def said(study: StudyResults) -> str:
    section = recommendation(study, SHARE)
    assert section is not None
    return " ".join(section.text).replace("\u00a0", " ")


def test_a_cheaper_arm_that_holds_the_baselines_score_is_recommended_with_its_cost(run: Run) -> None:
    study = run()
    assert study.recommendation is not None
    assert study.recommendation.arm == "budget-4"
    assert (
        "Take budget-4: of the arms shown to lose less than 3.0 points against the baseline budget-16"
        in said(study)
    )
    assert (
        "MACs per question 1.2 M (−33 %), parameters 300 k (the same), visual tokens 4 (−75 %), training time 24 s (−33 %)"
        in said(study)
    )


def test_nothing_is_recommended_where_no_cheaper_arm_holds_the_score(run: Run) -> None:
    study = run(four=0.6)
    assert study.recommendation is not None
    assert study.recommendation.arm is None
    assert said(study).startswith(
        "None can be recommended in place of the baseline budget-16: no arm is shown to be better"
    )


def test_an_arm_shown_to_be_better_is_recommended_where_no_cheaper_one_holds_its_score(run: Run) -> None:
    study = run(sixty_four=0.8)
    assert study.recommendation is not None
    assert (study.recommendation.arm, study.recommendation.reference) == ("budget-64", "budget-64")
    assert "none of the 2 cheaper arms is shown to lose less than 3.0 points against it" in said(study)


def test_a_measured_time_counts_as_lower_only_beyond_what_it_varies(run: Run) -> None:
    reference, arm = run().arms[0], run().arms[1]
    own = reference.train_seconds
    for share, cheaper in ((0.85, True), (0.95, False)):
        timed = dataclasses.replace(arm, train_seconds=own * share)
        assert bool(cheaper_arms([timed], reference, "train_seconds")) is cheaper


def test_the_candidates_are_those_that_ablation_stats_tests(run: Run, tmp_path: Path) -> None:
    study = run(STUDY.replace("0.03", "0.1"), sixty_four=0.8, sixteen=0.75)
    rows = MADE["pl"].concat(
        [MADE["pl"].read_parquet(path) for path in (tmp_path / "made" / "trials").glob("*/items.parquet")]
    ).filter(MADE["pl"].col("arm") != "blind").drop("task", "metric", "condition")  # fmt: skip
    costs = {arm.name: float(arm.macs) for arm in study.arms if not arm.is_blind}
    found, tests = stats.cheapest_non_inferior(rows, costs=costs, reference="budget-64", margin=0.1)
    assert study.recommendation is not None
    assert study.recommendation.arm == found.arm == "budget-16"
    assert [(each.arm, each.p_adjusted) for each in study.recommendation.candidates] == [
        (each.arm, pytest.approx(each.p_adjusted)) for each in tests
    ]


def test_nothing_is_recommended_where_the_blind_control_keeps_up(run: Run) -> None:
    study = run(blind=0.7)
    assert said(study) == (
        "None can be recommended: the study cannot tell even the blind control from the baseline, "
        "so it could not have seen a loss."
    )


def test_nothing_is_recommended_beyond_the_budget(run: Run) -> None:
    study = run(STUDY + "\n[recommendation.budget]\nvisual_tokens = 16\nmacs = 1.3e6\n", sixty_four=0.8)
    assert study.recommendation is not None
    assert (study.recommendation.arm, study.recommendation.reference) == ("budget-4", "budget-16")
    assert said(study).startswith(
        "Not considered, as not known to be within the budget (at most MACs per question 1.3 M and visual tokens 16): "
        "budget-16 and budget-64. Take budget-4: of the arms shown to lose less than 3.0 points against the baseline budget-16"
    )


def test_a_cost_that_is_not_known_is_within_no_budget(run: Run) -> None:
    study = run()
    unknown = dataclasses.replace(study.arms[1], train_seconds=None, macs=0)
    assert _is_within(unknown, {"visual_tokens": 4})
    assert not _is_within(unknown, {"visual_tokens": 4, "macs": 1e12})
    assert not _is_within(unknown, {"train_seconds": 1e12})


def test_the_costs_of_a_budget_are_those_of_the_report() -> None:
    assert list(Budget.model_fields) == list(COSTS)


def test_an_arm_left_out_is_compared_but_not_recommended(run: Run) -> None:
    study = run(STUDY + '\n[recommendation]\nleave_out = ["budget-64"]\n', four=0.6, sixty_four=0.8)
    assert study.recommendation is not None
    assert (study.recommendation.arm, study.recommendation.reference) == (None, "budget-16")
    assert said(study).startswith(
        "Not considered, as the study says that nobody could use it: budget-64. "
        "None can be recommended in place of the baseline budget-16: no other arm is shown to be better"
    )
    assert next(arm for arm in study.arms if arm.name == "budget-64").difference is not None


def test_there_is_no_recommendation_where_every_other_arm_is_left_out(run: Run) -> None:
    assert run(STUDY + '\n[recommendation]\nleave_out = ["budget-4", "budget-64"]\n').recommendation is None


def test_a_budget_below_nothing_and_an_unknown_arm_are_refused(run: Run) -> None:
    with pytest.raises(StudyError, match=r"recommendation\.budget\.macs"):
        run(STUDY + "\n[recommendation.budget]\nmacs = 0\n")
    with pytest.raises(StudyError, match=r"recommendation\.leave_out\.0: unknown arm 'budget-5'.*budget-"):
        run(STUDY + '\n[recommendation]\nleave_out = ["budget-5"]\n')


def test_a_study_without_a_margin_has_no_recommendation(run: Run, tmp_path: Path) -> None:
    study = run(STUDY.replace(CLAIM, ""))
    assert study.recommendation is None
    assert 'id="recommendation"' not in write_report(study, tmp_path / "report").read_text()


def test_the_page_markdown_and_latex_show_it(run: Run, tmp_path: Path) -> None:
    page = write_report(run(), tmp_path / "report")
    assert page.read_text().index('id="recommendation"') < page.read_text().index('id="claims"')
    assert "## Recommendation" in (page.parent / "report.md").read_text()
    assert "Shown to hold the score" in (page.parent / "tables.tex").read_text()
