"""A worker's round through the plan: takes the trials nobody else holds, one after the other."""

import traceback
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch

from ablation_runner.events import emit
from ablation_runner.failure import TrialFailedError, cause_of, record_failure
from ablation_runner.leases import Lease, LostLeaseError, take_part, try_lease
from ablation_runner.plan import TrainedTrial, read_plan
from ablation_runner.storage.store import RunFolder
from ablation_runner.study import Configuration
from ablation_runner.trial._ranks import agreed, checked
from ablation_runner.trial._run_trial import Tell, run_trial
from ablation_runner.trial._test_weights import test_weights
from ablation_runner.trial.engine.engine import start_distributed
from ablation_runner.trial.inputs.material import Material, load_material, material_key
from ablation_runner.trial.testing.evaluate import Read


def work(path: Path, *, tell: Tell | None = None) -> None:
    """Runs every trial of the plan that is neither finished nor held by another worker, here or on another machine.

    What this worker has lost, because it stood still for long, it drops; it then looks again whether others have it.

    Args:
        path: the run's folder.
        tell: called with the name and fields of every event; None writes them to standard output.
    """
    rank, _ = start_distributed()
    run = RunFolder(path)
    trials = [trial for trial in read_plan(run.plan_file) if isinstance(trial, TrainedTrial)]
    torch.set_num_threads(trials[0].engine.threads)
    tell = (tell or emit) if rank == 0 else _say_nothing
    read = _reader(run, tell)
    with take_part(run.live) if rank == 0 else nullcontext():
        lost = trials
        while lost:
            lost = [trial for trial in lost if not _is_done_with(trial, run, read, trials, tell)]


def _is_done_with(
    trial: TrainedTrial, run: RunFolder, read: Read, trials: list[TrainedTrial], tell: Any
) -> bool:
    """Runs a trial where nobody else does; false where it was lost on the way."""
    folder = run.trial(trial.name)
    with try_lease(folder.lease_file) if torch.distributed.get_rank() == 0 else nullcontext() as lease:
        if not agreed(lease is not None and folder.record() is None):
            return True
        try:
            _run_one(trial, run, read, trials, tell, lease)
        except LostLeaseError as error:
            tell("lost", trial=trial.name, cause=str(error))
            return False
    return True


def _reader(run: RunFolder, tell: Any) -> Read:
    """What a configuration reads; what has been read stays in memory."""
    materials: dict[str, Material] = {}

    def read(configuration: Configuration, seed: int) -> Material:
        key = material_key(configuration, seed)
        if key not in materials:
            materials[key] = load_material(configuration, seed, run.features, tell)
        return materials[key]

    return read


def _run_one(
    trial: TrainedTrial,
    run: RunFolder,
    read: Read,
    trials: list[TrainedTrial],
    tell: Any,
    lease: Lease | None,
) -> None:
    try:
        if trial.weights is not None:
            test_weights(trial, run, read, tell, checked(lease))
        else:
            run_trial(trial, run, read, trials, tell, checked(lease))
    except LostLeaseError:
        raise
    except Exception as error:  # whatever it is becomes the trial's recorded cause; the study goes on
        traceback.print_exc()
        if lease is None or lease.is_mine():
            record_failure(trial, run, cause_of(error))
            tell("failed", trial=trial.name, cause=cause_of(error))
        if torch.distributed.get_world_size() > 1 and not isinstance(error, TrialFailedError):
            raise  # the other ranks may be waiting in a collective: only the launcher can end them


def _say_nothing(event: str, **fields: Any) -> None:
    """What ranks other than the first tell."""
