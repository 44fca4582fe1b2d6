"""A study whose arms a command trains, run from its file to its report."""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import ablation_stats as stats
from ablation_runner import StudyError, prepare
from ablation_runner.analysis import analyze
from ablation_runner.cleaning.recovery import forget_failure
from ablation_runner.own_trainer._work import work
from ablation_runner.plan import write_plan
from ablation_runner.report import scale_of
from ablation_runner.report._answer import cautions
from ablation_runner.report._rows import arm_rows, known_facts
from ablation_runner.running.pipeline import run_study
from ablation_runner.running.progress import Progress
from ablation_runner.status import trial_status
from ablation_runner.storage.files import write_frame

OwnStudy = Callable[..., Path]


def worked_off(study: Path) -> Any:
    """The study after one worker's round, which runs in this process."""
    prepared = prepare(str(study), runs=study.parent / "runs")
    write_plan(prepared.folder.plan_file, prepared.trials, prepared.arms)
    work(prepared.folder.path)
    return prepared


def out_of(prepared: Any, trial: Any) -> Path:
    """The folder that a trial's command leaves its results in."""
    return prepared.folder.stage(trial.stages[0]).out


def records(prepared: Any) -> dict[tuple[str, int], dict[str, Any]]:
    return {(trial.arm, trial.seed): prepared.folder.trial(trial.name).record() for trial in prepared.trials}


def test_the_report_judges_what_the_command_left(own_study: OwnStudy) -> None:
    prepared = worked_off(own_study())
    found = analyze(prepared)
    scale = scale_of(found.metric)
    by_hand = {
        ("clip", 0): lambda item: item % 10 > 0, ("clip", 1): lambda item: (item + 1) % 10 > 0,
        ("pixels", 0): lambda item: item * 7 % 3 > 0, ("pixels", 1): lambda item: (item * 7 + 1) % 3 > 0,
    }  # fmt: skip
    rows = pl.DataFrame(
        [
            {"arm": arm, "seed": seed, "item": item, "cluster": item // 2, "value": float(right(item))}
            for (arm, seed), right in by_hand.items()
            for item in range(30)
        ]
    )
    (expected,) = stats.paired_differences(rows, baseline="pixels", arms=["clip"])
    clip = found.arms[1].difference
    assert (clip.estimate, clip.low) == pytest.approx((expected.estimate, expected.ci_low))
    assert [arm.name for arm in found.arms] == ["pixels", "clip", "blind"]
    assert found.arms[2].is_blind
    assert found.questions == 30
    assert found.images == 15
    assert not found.arms[0].convergence_known
    assert found.arms[0].parameters == 0
    assert found.arms[0].invalid is None
    assert any("blind control, made by images: paired → shuffled," in said for said in cautions(found, scale))
    assert list(known_facts(arm_rows(found, scale))) == ["Training time", "Seeds"]
    assert any("Convergence not known" in finding.text for finding in found.audit)


def test_equivalence_needs_the_blind_arm(own_study: OwnStudy, own_text: str) -> None:
    claim = own_text.replace('kind = "better"', 'kind = "equivalent"\nmargin = 0.9')
    with_control, without = claim, claim.replace('[blind]\nimages = "shuffled"\n', "")
    found = [analyze(worked_off(own_study(text))).claims[0] for text in (with_control, without)]
    assert found[0].reason.startswith("The control blind")  # loses less than this margin
    assert found[1].verdict == "not informative"
    assert found[1].reason.startswith("No positive control")


def test_a_finished_trial_is_not_repeated_and_a_failed_one_goes_on_in_its_folder(own_study: OwnStudy) -> None:
    once = 'mark = out / "mark"\nif encoder == "clip" and not mark.exists():\n    mark.touch()\n    sys.exit("later")'
    study = own_study(before=f'(out / "runs").open("a").write("x")\n{once}')
    prepared = worked_off(study)
    assert {key: record["status"] for key, record in records(prepared).items() if key[0] == "clip"} == {
        ("clip", 0): "failed", ("clip", 1): "failed",
    }  # fmt: skip
    for trial in prepared.trials:
        forget_failure(prepared.folder.trial(trial.name))
    work(prepared.folder.path)
    assert {record["status"] for record in records(prepared).values()} == {"finished"}
    runs = {trial.arm: (out_of(prepared, trial) / "runs").read_text() for trial in prepared.trials}
    assert runs == {"pixels": "x", "clip": "xx", "blind": "x"}
    seconds = [analyze(prepared).arms[arm].train_seconds for arm in (0, 1)]
    assert seconds[0] is not None
    assert seconds[1] is None  # nobody knows how long its first run took


def test_results_that_are_read_otherwise_are_not_made_again(own_study: OwnStudy, own_text: str) -> None:
    marked = '(out / "runs").open("a").write("x")'
    one_seed = own_text.replace("[0, 1]", "[0]")
    wrong = worked_off(own_study(one_seed.replace("items.csv", "itemz.csv"), before=marked))
    assert {record["status"] for record in records(wrong).values()} == {"failed"}
    right = worked_off(own_study(one_seed, before=marked))
    (beside := right.source.with_name("beside.toml")).write_text(one_seed, encoding="utf-8")
    for prepared in (right, worked_off(beside)):
        assert {record["status"] for record in records(prepared).values()} == {"finished"}
        assert [(out_of(prepared, trial) / "runs").read_text() for trial in prepared.trials] == ["x"] * 3


@pytest.mark.parametrize(
    "spoiled", ['lines[0] = "item,cluster,score"', 'lines[1:] = lines[1:] if seed else ["99,9,1"]']
)
def test_results_that_cannot_be_used_are_made_again(own_study: OwnStudy, spoiled: str) -> None:
    once = f'if encoder == "clip" and not (out / "runs").exists():\n    {spoiled}\n(out / "runs").open("a").write("x")'
    prepared = worked_off(own_study(before=once))
    failed = [
        trial for trial in prepared.trials if records(prepared)[trial.arm, trial.seed]["status"] == "failed"
    ]
    assert {trial.arm for trial in failed} == {"clip"}
    for trial in failed:
        forget_failure(prepared.folder.trial(trial.name))
    work(prepared.folder.path)
    assert {record["status"] for record in records(prepared).values()} == {"finished"}
    runs = {trial.name: (out_of(prepared, trial) / "runs").read_text() for trial in prepared.trials}
    assert runs == {trial.name: "xx" if trial in failed else "x" for trial in prepared.trials}


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ('print("step 1"); sys.exit("no such encoder")', r"ended with exit code 1: no such encoder; what it printed: .*command\.log"),
        ("raise ValueError('two\\nlines')", r"ended with exit code 1: lines; what it printed"),
        ("import os; os.kill(os.getpid(), 9)", r"was killed by SIGKILL; what it printed"),
        ("sys.exit(0)", r"ended without an error and left no items\.csv"),
        ('lines[0] = "item,cluster,score"', r"no column 'value'; the file has"),
        ("lines.append(lines[1])", r"its results cannot be used: .*item"),
        ("lines.pop()", r"it was tested on other items than pixels-seed0-\w+: 1 that .* has, and this one has not, such as '29'"),
    ],
)  # fmt: skip
def test_a_trial_that_fails_says_why_and_the_others_go_on(
    own_study: OwnStudy, own_text: str, before: str, expected: str
) -> None:
    one_seed = own_text.replace("[0, 1]", "[0]")
    found = records(worked_off(own_study(one_seed, before=f'if encoder == "clip":\n    {before}')))
    assert found["clip", 0]["status"] == "failed"
    assert re.search(expected, found["clip", 0]["cause"])
    assert found["pixels", 0]["status"] == found["blind", 0]["status"] == "finished"


def test_where_every_trial_failed_the_cause_of_one_is_told(own_study: OwnStudy) -> None:
    prepared = worked_off(own_study(before='sys.exit("no such encoder")'))
    with pytest.raises(
        StudyError,
        match=r"6 failed, such as pixels-seed0-\w+ \(.*: no such encoder;.* mended, run: ablate run",
    ):
        analyze(prepared)


def test_the_command_and_what_it_prints_are_in_the_trial_s_log(own_study: OwnStudy) -> None:
    prepared = worked_off(own_study(before='print("step 1", flush=True); print("careful", file=sys.stderr)'))
    folder = prepared.folder.stage(prepared.trials[0].stages[0])
    first, *printed = folder.log.read_text().splitlines()
    assert first.startswith("$ ")
    assert first.endswith(f"train.py --out {folder.out.resolve()} --seed 0 --encoder pixels --images=paired")
    assert sorted(printed) == ["careful", "step 1"]


def test_curves_and_costs_that_are_left_are_reported(own_study: OwnStudy) -> None:
    study = own_study(before='(out / "trial.json").write_text(\'{"parameters": 1200, "macs": 7}\')')
    prepared = prepare(str(study), runs=study.parent / "runs")
    for trial in prepared.trials:
        losses = {"step": [0, 80, 100], "split": ["validation"] * 3, "loss": [2.0, 1.0, 0.5]}
        write_frame(out_of(prepared, trial) / "train.parquet", pl.DataFrame(losses))
    found = analyze(worked_off(study))
    assert [(arm.parameters, arm.macs, arm.visual_tokens) for arm in found.arms] == [(1200, 7, 0)] * 3
    assert [arm.convergence_known for arm in found.arms] == [True] * 3
    assert not any(arm.converged for arm in found.arms)
    assert found.curves.height == 18


def test_a_program_that_is_not_there_is_named_before_anything_starts(
    own_study: OwnStudy, own_text: str
) -> None:
    study = own_study(own_text.replace(f"{sys.executable} train.py", "no-such-program train.py"))
    prepared = prepare(str(study), runs=study.parent / "runs")
    with pytest.raises(StudyError, match="no program 'no-such-program' here"):
        run_study(prepared, console=None)  # type: ignore[arg-type]
    assert not (study.parent / "runs").exists()


def test_what_is_left_is_told_by_the_trials_that_have_finished() -> None:
    progress = Progress(trials=3, steps={"a": 1, "b": 1, "c": 1}, workers=1)
    progress.take({"event": "trial", "trial": "a", "step": 0, "steps": 1})
    assert progress.seconds_left() is None
    progress.take({"event": "finished", "trial": "a", "score": 0.5, "seconds": 40.0})
    assert progress.seconds_left() == 80.0


def test_the_status_of_finished_trials_says_how_long_one_takes(own_study: OwnStudy) -> None:
    prepared = worked_off(own_study(before='if encoder == "clip": sys.exit(1)'))
    found = {trial.arm: trial_status(prepared.folder, trial) for trial in prepared.trials}
    assert (found["pixels"].step, found["clip"].step, found["clip"].steps) == (1, 0, 1)
    assert found["pixels"].seconds_per_step == pytest.approx(records(prepared)["pixels", 1]["train_seconds"])
    assert found["clip"].seconds_per_step is None
