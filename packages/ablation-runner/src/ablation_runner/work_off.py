"""A worker's round through a plan: takes the trials nobody else holds, one after the other, whoever trains them."""

import traceback
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import TypeVar

from ablation_runner.failure import TrialFailedError, cause_of, record_failure
from ablation_runner.leases import Lease, LostLeaseError, take_part, try_lease
from ablation_runner.plan import Trial
from ablation_runner.storage.store import RunFolder

Agreed = Callable[[bool], bool]
Check = Callable[[], None]
AnyTrial = TypeVar("AnyTrial", bound=Trial)


def work_off(
    trials: Sequence[AnyTrial],
    run: RunFolder,
    run_trial: Callable[[AnyTrial, Check], None],
    tell: Callable[..., None],
    *,
    rank: int = 0,
    ranks: int = 1,
    agreed: Agreed = bool,
) -> None:
    """Runs every trial that is neither finished nor held by another worker, here or on another machine.

    What this worker has lost, because it stood still for long, it drops; it then looks again whether others have it.

    Args:
        trials: of the plan.
        run: the study's folder.
        run_trial: runs one to its record; calls what it is given before it writes anything.
        tell: called with an event's name and fields.
        rank: of this process among those that run a trial together. The first one holds its lease.
        ranks: how many they are.
        agreed: gives all of them what the first one says.
    """

    def is_done_with(trial: AnyTrial) -> bool:
        folder = run.trial(trial.name)
        with try_lease(folder.lease_file) if rank == 0 else nullcontext() as lease:
            if not agreed(lease is not None and folder.record() is None):
                return True
            lost = False
            try:
                run_trial(trial, checked(lease, agreed))
            except LostLeaseError as error:
                lost = True
                tell("lost", trial=trial.name, cause=str(error))
            except Exception as error:  # whatever it is becomes the trial's recorded cause; the study goes on
                lost = lease is not None and not lease.is_mine()
                _fail(trial, run, error, tell, is_mine=not lost)
                if ranks > 1 and not isinstance(error, TrialFailedError):
                    raise  # the other ranks may be waiting in a collective: only the launcher can end them
            return not agreed(lost)

    with take_part(run.live) if rank == 0 else nullcontext():
        left = list(trials)
        while left:
            left = [trial for trial in left if not is_done_with(trial)]


def _fail(
    trial: Trial, run: RunFolder, error: Exception, tell: Callable[..., None], *, is_mine: bool
) -> None:
    """Records why a trial failed, unless somebody else has it, who will find it too."""
    if not isinstance(error, TrialFailedError):
        traceback.print_exc()
    if is_mine:
        record_failure(trial, run, cause_of(error))
        tell("failed", trial=trial.name, cause=cause_of(error))


def checked(lease: Lease | None, agreed: Agreed) -> Check:
    """What every rank calls before anything is written: refuses on all of them where the first has lost its lease.

    Args:
        lease: the first rank's; None on the others.
        agreed: gives all of them what the first one says.
    """

    def check() -> None:
        """Refuses.

        Raises:
            LostLeaseError: somebody else has taken the work over.
        """
        if not agreed(lease is not None and lease.is_mine()):
            raise LostLeaseError(
                "taken over by another worker while this one stood still; what it had done is dropped"
            )

    return check
