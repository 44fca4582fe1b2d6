"""A worker's round through a plan of commands: takes the trials nobody else holds, one after the other."""

import traceback
from pathlib import Path

from ablation_runner.events import emit
from ablation_runner.failure import TrialFailedError, cause_of, record_failure
from ablation_runner.leases import Lease, LostLeaseError, take_part, try_lease
from ablation_runner.own_trainer._run import Tell, run_trial
from ablation_runner.plan import CommandTrial, read_plan
from ablation_runner.storage.store import RunFolder


def work(path: Path, *, tell: Tell | None = None) -> None:
    """Runs every trial of the plan that is neither finished nor held by another worker, here or on another machine.

    Args:
        path: the run's folder.
        tell: called with the name and fields of every event; None writes them to standard output.
    """
    run, tell = RunFolder(path), tell or emit
    trials = [trial for trial in read_plan(run.plan_file) if isinstance(trial, CommandTrial)]
    with take_part(run.live):
        lost = trials
        while lost:
            lost = [trial for trial in lost if not _is_done_with(trial, run, trials, tell)]


def _is_done_with(trial: CommandTrial, run: RunFolder, trials: list[CommandTrial], tell: Tell) -> bool:
    """Runs a trial where nobody else does; false where it was lost because this worker stood still for long."""
    folder = run.trial(trial.name)
    with try_lease(folder.lease_file) as lease:
        if lease is None or folder.record() is not None:
            return True
        try:
            _run_one(trial, run, [other for other in trials if other is not trial], lease, tell)
        except LostLeaseError as error:
            tell("lost", trial=trial.name, cause=str(error))
            return False
    return True


def _run_one(
    trial: CommandTrial, run: RunFolder, others: list[CommandTrial], lease: Lease, tell: Tell
) -> None:
    try:
        run_trial(trial, run, others, tell, lease.check)
    except LostLeaseError:
        raise
    except Exception as error:  # noqa: BLE001 (whatever it is becomes the trial's recorded cause)
        if not isinstance(error, TrialFailedError):
            traceback.print_exc()
        lease.check()  # else the cause is for whoever has the trial now to find
        record_failure(trial, run, cause_of(error))
        tell("failed", trial=trial.name, cause=cause_of(error))
