"""A worker's round through a plan: what becomes of a trial that fails, or is lost, on the way."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ablation_runner import prepare
from ablation_runner.failure import TrialFailedError
from ablation_runner.leases import try_lease
from ablation_runner.plan import Trial
from ablation_runner.storage.store import RunFolder
from ablation_runner.work_off import Check, work_off

OwnStudy = Callable[..., Path]
Planned = tuple[RunFolder, Trial]


@pytest.fixture
def planned(own_study: OwnStudy) -> Planned:
    prepared = prepare(str(own_study()), runs=Path("runs"))
    return prepared.folder, prepared.trials[0]


def rounds(planned: Planned, strike: Callable[[], None]) -> list[str]:
    """The events of a round in which a trial is struck and fails, as often as it is run."""
    run, trial = planned
    told: list[str] = []

    def fail(_: Trial, check: Check) -> None:
        told.append("ran")
        if len(told) == 1:
            strike()
        raise TrialFailedError("why")

    work_off([trial], run, fail, lambda event, **_: told.append(event))
    return told


def test_a_failure_is_recorded(planned: Planned) -> None:
    run, trial = planned
    assert rounds(planned, lambda: None) == ["ran", "failed"]
    record = run.trial(trial.name).record()
    assert record
    assert (record["status"], record["cause"]) == ("failed", "why")


def test_a_trial_that_was_lost_while_it_failed_and_is_free_again_is_run_again(planned: Planned) -> None:
    run, trial = planned
    assert rounds(planned, run.trial(trial.name).lease_file.unlink) == ["ran", "ran", "failed"]


def test_the_failure_of_a_trial_that_somebody_else_has_by_now_is_theirs_to_find(planned: Planned) -> None:
    run, trial = planned
    lease = run.trial(trial.name).lease_file
    others = try_lease(lease)

    def taken_over() -> None:
        lease.unlink()
        assert others.__enter__()

    assert rounds(planned, taken_over) == ["ran"]
    assert run.trial(trial.name).record() is None
    others.__exit__(None, None, None)


def test_what_is_lost_before_a_write_is_told_and_not_recorded(planned: Planned) -> None:
    run, trial = planned
    told: list[str] = []

    def lose(_: Trial, check: Check) -> None:
        if told:
            return
        check()
        run.trial(trial.name).lease_file.unlink()
        check()

    work_off([trial], run, lose, lambda event, **_: told.append(event))
    assert told == ["lost"]
    assert run.trial(trial.name).record() is None
