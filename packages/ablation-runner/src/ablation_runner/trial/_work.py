"""A worker's round through the plan: takes the trials nobody else holds, one after the other."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from ablation_runner.events import emit
from ablation_runner.files import write_json
from ablation_runner.locks import try_lock
from ablation_runner.plan import Trial, read_plan
from ablation_runner.store import RunFolder
from ablation_runner.study import Configuration
from ablation_runner.trial._engine import start_distributed
from ablation_runner.trial._failure import TrialFailedError
from ablation_runner.trial._material import Material, load_material, material_key
from ablation_runner.trial._ranks import agreed
from ablation_runner.trial._run_trial import Read, run_trial


def work(path: Path) -> None:
    """Runs every trial of the plan that is neither finished nor held by another worker.

    Args:
        path: the run's folder.
    """
    rank, _ = start_distributed()
    run = RunFolder(path)
    trials = read_plan(run.plan_file)
    torch.set_num_threads(trials[0].engine.threads)
    tell = emit if rank == 0 else _say_nothing
    read = _reader(run, tell)
    for trial in trials:
        folder = run.trial(trial.name)
        with try_lock(folder.lock_file) if rank == 0 else _no_lock() as mine:
            if agreed(mine and folder.record() is None):
                _run_one(trial, run, read, trials, tell)


def _reader(run: RunFolder, tell: Any) -> Read:
    """What a configuration reads; what has been read stays in memory."""
    materials: dict[str, Material] = {}

    def read(configuration: Configuration, seed: int) -> Material:
        key = material_key(configuration, seed)
        if key not in materials:
            materials[key] = load_material(configuration, seed, run.features, tell)
        return materials[key]

    return read


def _run_one(trial: Trial, run: RunFolder, read: Read, trials: list[Trial], tell: Any) -> None:
    try:
        run_trial(trial, run, read, trials, tell)
    except Exception as error:  # whatever it is becomes the trial's recorded cause; the study goes on
        traceback.print_exc()
        cause = str(error) if isinstance(error, TrialFailedError) else f"{type(error).__name__}: {error}"
        _record_failure(trial, run, cause.splitlines()[0])
        tell("failed", trial=trial.name, cause=cause.splitlines()[0])
        if torch.distributed.get_world_size() > 1 and not isinstance(error, TrialFailedError):
            raise  # the other ranks may be waiting in a collective: only the launcher can end them


def _record_failure(trial: Trial, run: RunFolder, cause: str) -> None:
    record = {"trial": trial.name, "arm": trial.arm, "seed": trial.seed, "status": "failed", "cause": cause}
    write_json(run.trial(trial.name).record_file, record)


@contextmanager
def _no_lock() -> Iterator[bool]:
    yield False


def _say_nothing(event: str, **fields: Any) -> None:
    """What ranks other than the first tell."""
