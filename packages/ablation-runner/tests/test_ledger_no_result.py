"""Claims of the ledger that a study's results say nothing of, and why."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from ledger_run import MLP, PERCEIVER, Q_FORMER, QUERIES, TIME, judged, run_of, write_run

from ablation_runner import StudyError
from ablation_runner.ledger import Verdict, judge_ledger, load_ledger
from ablation_runner.ledger._claim import Contrast
from ablation_runner.ledger._measure import measure
from ablation_runner.ledger._measured import Missing

MakeRun = Callable[..., Path]


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    return partial(write_run, tmp_path)


def test_a_study_without_a_run_says_how_to_run_it(make_run: MakeRun, tmp_path: Path) -> None:
    found = judged(tmp_path)[MLP]
    assert (found.verdict, found.measured) == (Verdict.NOT_RUN, None)
    assert found.command == f"ablate run fusion-method --runs {tmp_path}"
    assert judged(Path("runs"))[MLP].command == "ablate run fusion-method"


def test_a_run_without_a_finished_trial_is_not_run(make_run: MakeRun) -> None:
    runs = make_run()
    for record in (runs / "fusion-method" / "trials").glob("*/trial.json"):
        record.unlink()
    assert judged(runs)[MLP].verdict is Verdict.NOT_RUN


def test_an_arm_that_had_not_converged_makes_its_claims_not_informative(make_run: MakeRun) -> None:
    found = judged(make_run(falling="mlp"))
    assert (found[MLP].verdict, found[Q_FORMER].verdict) == (Verdict.NOT_INFORMATIVE,) * 2
    assert "mlp was still falling" in found[MLP].reason
    assert found[PERCEIVER].verdict is Verdict.EQUIVALENT
    assert found[TIME].verdict is Verdict.SAME


def test_a_blind_control_as_good_as_the_arms_makes_all_scores_not_informative(make_run: MakeRun) -> None:
    found = judged(make_run(blind=0.90))
    assert [found[text].verdict for text in (MLP, Q_FORMER, PERCEIVER)] == [Verdict.NOT_INFORMATIVE] * 3
    assert found[TIME].verdict is Verdict.SAME


def test_arms_that_score_the_same_on_every_item_are_not_informative(make_run: MakeRun) -> None:
    text = "gated-cross-attention against concatenation"
    rows = judge_ledger(load_ledger(), make_run(), section="fusion").judgements
    (found,) = (each for each in rows if each.claim.text == text and each.claim.metric == "vqav2_accuracy")
    assert (found.verdict, found.reason) == (
        Verdict.NOT_INFORMATIVE,
        "the arms score the same on every item under every seed",
    )


def test_one_seed_is_inconclusive(make_run: MakeRun) -> None:
    found = judged(make_run(seeds=1))
    assert {found[text].verdict for text in (MLP, PERCEIVER, TIME)} == {Verdict.INCONCLUSIVE}


def test_an_arm_without_a_finished_trial_is_not_run(make_run: MakeRun) -> None:
    runs = make_run()
    for path in (runs / "fusion-method" / "trials").glob("perceiver*/trial.json"):
        path.unlink()
    found = judged(runs)
    assert found[PERCEIVER].verdict is Verdict.NOT_RUN
    assert found[PERCEIVER].reason == "'perceiver-resampler' has no finished trial yet"
    assert found[PERCEIVER].command.startswith("ablate run fusion-method")
    assert found[MLP].verdict is Verdict.SAME


def test_an_arm_that_the_run_does_not_plan_is_not_comparable(make_run: MakeRun) -> None:
    contrast = Contrast(study="fusion-method", arm="mlp @ few-tokens", against="mlp")
    found = measure(contrast, run_of(make_run()), margin=1.0)
    assert found == Missing(reason="the run has no arm 'mlp @ few-tokens'")


def test_a_study_that_is_not_built_in_is_not_comparable(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ablation_runner.ledger._judge.built_in_studies", dict)
    found = judged(make_run())[QUERIES]
    assert found.verdict is Verdict.NOT_COMPARABLE
    assert found.reason == "no study yet: q-former-queries is not built in"


def test_a_broken_result_is_refused_by_the_name_of_its_file(make_run: MakeRun) -> None:
    runs = make_run()
    broken = next((runs / "fusion-method" / "trials").glob("mlp-*/items.parquet"))
    broken.write_bytes(broken.read_bytes()[:-20])
    with pytest.raises(StudyError, match=r"fusion-method: the files of a finished trial cannot be read"):
        judged(runs)
    (runs / "fusion-method" / "plan.parquet").write_bytes(b"")
    with pytest.raises(StudyError, match=r"plan\.parquet: cannot be read"):
        judged(runs)
