"""What the report says of seeds that were added as needed."""

import runpy
from pathlib import Path

import pytest

import ablation_stats as stats
from ablation_runner.analysis import analyze
from ablation_runner.report import write_report
from ablation_runner.results import StudyResults
from ablation_runner.running.prepared import Prepared
from ablation_runner.scores.paired_scores import PairedScores

HERE = Path(__file__)
NEEDED = runpy.run_path(str(HERE.with_name("test_seeds_as_needed.py")))
READER = runpy.run_path(str(HERE.with_name("test_report.py")))["Reader"]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    plans: list[Prepared] = NEEDED["rounds"](NEEDED["started"](tmp_path_factory.mktemp("needed")))
    return plans[-1]


@pytest.fixture(scope="module")
def found(ran: Prepared) -> StudyResults:
    return analyze(ran)


def test_each_arm_has_its_seeds_and_the_look_that_ended_them(found: StudyResults, tmp_path: Path) -> None:
    assert found.seeds_added is not None
    given = {arm.arm: (arm.seeds, arm.why) for arm in found.seeds_added.arms}
    assert given == {
        "budget-16": (6, "“More tokens are better.” was open until the last look after 6 seeds."),
        "budget-4": (3, "“Four tokens are worse.” was decided after 3 seeds."),
        "budget-9": (3, "The fewest: no locked claim needed more of it."),
        "budget-64": (6, "“More tokens are better.” was open until the last look after 6 seeds."),
        "blind": (3, "The fewest: no locked claim needed more of it."),
    }
    page = " ".join(READER(write_report(found, tmp_path / "report").read_text()).text.split())
    assert "Four tokens are worse.” was decided after 3 seeds." in page
    assert "Intervals are not corrected: each is that of a single look." in page
    assert "How many seeds each arm was given" in (tmp_path / "report" / "report.md").read_text()


def test_an_arm_that_a_claim_names_is_compared_on_all_its_seeds_and_corrected_for_looks(
    ran: Prepared, found: StudyResults
) -> None:
    arms = {arm.name: arm for arm in found.arms}
    scores = PairedScores(ran.study, ran.folder, ran.trials)
    cube = scores.pair("budget-64", "budget-16")
    assert cube is not None
    assert len(cube.seeds) == 6
    plain = stats.paired_difference(cube, arm="budget-64", baseline="budget-16")
    shown = arms["budget-64"]
    assert shown.difference is not None
    assert (shown.difference.estimate, shown.difference.low) == (plain.estimate, plain.ci_low)
    assert shown.p is not None
    assert plain.p_value is not None
    assert shown.p > plain.p_value


def test_what_no_look_chose_is_over_the_seeds_that_every_arm_has(ran: Prepared, found: StudyResults) -> None:
    rows = [
        stats_rows for stats_rows in found.by_type.iter_rows(named=True) if stats_rows["arm"] == "budget-64"
    ]
    mean = next(arm.mean for arm in found.arms if arm.name == "budget-64")
    scores = PairedScores(ran.study, ran.folder, [trial for trial in ran.trials if trial.seed < 3])
    cube = scores.pair("budget-64", "budget-16")
    assert cube is not None
    assert mean is not None
    assert mean.estimate == pytest.approx(cube.values[cube.index("budget-64")].mean())
    assert sum(row["estimate"] * row["items"] for row in rows) / 300 == pytest.approx(mean.estimate)
    plain = stats.paired_difference(
        scores.pair("budget-9", "budget-16"), arm="budget-9", baseline="budget-16"
    )
    assert next(arm.p for arm in found.arms if arm.name == "budget-9") == pytest.approx(plain.p_value)


def test_an_arm_that_ended_early_without_a_boundary_has_no_p(tmp_path: Path) -> None:
    prepared = NEEDED["started"](tmp_path)
    NEEDED["finish"](prepared)
    arms = {arm.name: arm for arm in analyze(prepared.plan_again()).arms}
    assert arms["budget-64"].difference is not None
    assert (arms["budget-64"].p, arms["budget-64"].p_adjusted) == (None, None)
    assert arms["budget-4"].p_adjusted is not None
    assert arms["budget-4"].p_adjusted < 0.05


def test_seeds_that_the_rule_did_not_ask_for_are_not_missed(found: StudyResults) -> None:
    assert not [finding for finding in found.audit if finding.check == "selective reporting"]
