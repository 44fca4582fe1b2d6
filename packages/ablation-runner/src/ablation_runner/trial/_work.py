"""A worker's round through a plan whose trials are trained here, alone or as one of several ranks."""

from pathlib import Path
from typing import Any

import torch

from ablation_runner.events import emit
from ablation_runner.plan import TrainedTrial, read_plan
from ablation_runner.storage.store import RunFolder
from ablation_runner.study import Configuration
from ablation_runner.trial._ranks import agreed
from ablation_runner.trial._run_trial import Tell, run_trial
from ablation_runner.trial._test_weights import test_weights
from ablation_runner.trial.engine.engine import start_distributed
from ablation_runner.trial.inputs.material import Material, load_material, material_key
from ablation_runner.trial.testing.evaluate import Read
from ablation_runner.work_off import Check, work_off


def work(path: Path, *, tell: Tell | None = None) -> None:
    """Runs every trial of the plan that is neither finished nor held by another worker, here or on another machine.

    Args:
        path: the run's folder.
        tell: called with the name and fields of every event; None writes them to standard output.
    """
    rank, ranks = start_distributed()
    run = RunFolder(path)
    trials = [trial for trial in read_plan(run.plan_file) if isinstance(trial, TrainedTrial)]
    torch.set_num_threads(trials[0].engine.threads)
    telling = (tell or emit) if rank == 0 else _say_nothing
    read = _reader(run, telling, trials[0].engine.precision)

    def run_one(trial: TrainedTrial, check: Check) -> None:
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        if trial.weights is not None:
            test_weights(trial, run, read, telling, check)
        else:
            run_trial(trial, run, read, trials, telling, check)

    work_off(trials, run, run_one, telling, rank=rank, ranks=ranks, agreed=agreed)


def _reader(run: RunFolder, tell: Any, precision: str) -> Read:
    """What a configuration reads; what has been read stays in memory."""
    materials: dict[str, Material] = {}

    def read(configuration: Configuration, seed: int) -> Material:
        key = material_key(configuration, seed)
        if key not in materials:
            materials[key] = load_material(configuration, seed, run.features, tell, precision=precision)
        return materials[key]

    return read


def _say_nothing(event: str, **fields: Any) -> None:
    """What ranks other than the first tell."""
