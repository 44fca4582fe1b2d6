"""Commands beside each other on one study: each goes on until its own trials have records, whatever plan the others write."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ablation_runner import Prepared, prepare
from ablation_runner.plan import Trial, write_plan
from ablation_runner.pools import ThisMachine, WorkerEnd
from ablation_runner.running import missing
from ablation_runner.storage.records import write_record


@pytest.fixture
def study(tiny_study: Path, tmp_path: Path) -> Prepared:
    return prepare(str(tiny_study), runs=tmp_path / "runs")


def record(study: Prepared, trials: list[Trial]) -> None:
    for trial in trials:
        write_record(study.folder.trial(trial.name).record_file, {"status": "finished"}, files=[])


def rounds(study: Prepared, monkeypatch: pytest.MonkeyPatch, each: list[Callable[[], Any]]) -> int:
    """How many rounds the command takes where its workers do this and that in each; they end well."""
    taken = 0

    def ends(*given: Any) -> list[WorkerEnd]:
        nonlocal taken
        each[taken]()
        taken += 1
        return [WorkerEnd("0", 0, study.folder.log("0"))]

    monkeypatch.setattr(missing, "_ends", ends)
    missing._work_off(study, list(study.trials), workers=1, pool=ThisMachine(), on_event=lambda event: None)
    return taken


def test_a_plan_that_another_command_wrote_over_ours_is_written_again(
    study: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    fewer = list(study.trials)[:1]
    other = lambda: write_plan(study.folder.plan_file, fewer, study.arms)
    assert rounds(study, monkeypatch, [other, lambda: record(study, list(study.trials))]) == 2


def test_nothing_is_started_again_for_trials_that_another_command_has_finished(
    study: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    def finished_by_another(*given: Any) -> bool:
        record(study, list(study.trials))
        return True

    monkeypatch.setattr(missing, "_wait_for_others", finished_by_another)
    assert rounds(study, monkeypatch, [lambda: None]) == 1


def test_trials_that_nobody_can_run_end_the_command(study: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    assert rounds(study, monkeypatch, [lambda: None]) == 1
