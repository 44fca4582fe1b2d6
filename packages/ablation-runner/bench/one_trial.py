"""A trial of a built-in study with what it reads, as the benches take it apart."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from ablation_runner import Prepared, prepare
from ablation_runner.plan import Trial, training_stages
from ablation_runner.storage.store import RunFolder
from ablation_runner.study import Stage
from ablation_runner.trial.engine.engine import start_distributed
from ablation_runner.trial.inputs.batches import BatchPlan
from ablation_runner.trial.inputs.feed import Feed
from ablation_runner.trial.inputs.material import Material, load_material
from ablation_runner.trial.training.stage_weights import stage_model
from ablation_runner.trial.training.train import batch_plan, stage_feed
from vlm_fusion import VisionLanguageModel

STUDY = "fusion-method"
_RANKS = {"RANK", "LOCAL_RANK", "WORLD_SIZE"}


@dataclass(frozen=True, kw_only=True)
class OneTrial:
    """A trial, its last stage, and what it reads."""

    trial: Trial
    stage: Stage
    material: Material
    run: RunFolder

    @property
    def feed(self) -> Feed:
        """What turns rows into forward passes."""
        return stage_feed(self.trial, self.stage, self.material)

    @property
    def batches(self) -> BatchPlan:
        """The rows of every step."""
        return batch_plan(self.trial, self.stage.training, self.material)

    def model(self) -> VisionLanguageModel:
        """A fresh model, the same every time."""
        return stage_model(self.trial, self.material, None)

    def of_arm(self, trial: Trial) -> "OneTrial":
        """The same for another arm, which reads the same."""
        (*_, stage) = training_stages(trial.configuration)
        return replace(self, trial=trial, stage=stage)


def planned(runs: Path, overrides: Sequence[str] = ()) -> Prepared:
    """The study, planned below a folder."""
    return prepare(STUDY, runs=runs, overrides=overrides)


def one_trial(study: Prepared, trial: Trial) -> OneTrial:
    """A trial with its data and features, which are extracted first where they are not stored."""
    start_distributed()
    torch.set_num_threads(trial.engine.threads)
    (*_, stage) = training_stages(trial.configuration)
    material = load_material(trial.configuration, trial.seed, study.folder.features, _say_nothing)
    return OneTrial(trial=trial, stage=stage, material=material, run=study.folder)


def own_world() -> dict[str, str]:
    """The environment of a process that starts a world of ranks of its own, whatever this one has joined."""
    kept = {name: value for name, value in os.environ.items() if name not in _RANKS}
    return kept | {"OMP_NUM_THREADS": "1", "DS_ACCELERATOR": "cpu"}


def _say_nothing(event: str, **fields: Any) -> None:
    """Nobody listens to the events."""
