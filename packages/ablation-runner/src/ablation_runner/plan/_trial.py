"""A trial as it is planned: one arm under one seed, trained here or by a command."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ablation_runner.plan._checkpoints import Weights
from ablation_runner.plan._stages import training_stages
from ablation_runner.storage.store import content_hash
from ablation_runner.study import Command, Configuration, Engine, OwnSettings


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One arm under a seed.

    Attributes:
        name: folder name; ends with the hash of everything that determines the result.
        configuration: everything that determines it besides seed and engine.
        engine: how it is trained.
        processes: ranks that train it together from now on; no part of its name.
        metric: what its predictions are scored by.
        conditions: name to the configuration it is tested under; as it was trained first.
        stages: a key for each stage of its training that trials can share.
    """

    name: str
    arm: str
    seed: int
    configuration: Configuration | OwnSettings
    engine: Engine | Command
    processes: int
    metric: str
    conditions: Mapping[str, Configuration | OwnSettings]
    stages: tuple[str, ...]

    @property
    def steps(self) -> int:
        """What its progress is counted in."""
        return 1


@dataclass(frozen=True, kw_only=True)
class TrainedTrial(Trial):
    """A trial that is trained in stages, or takes weights that are there, and is tested under every condition here.

    Attributes:
        weights: what is tested where nothing is trained; there are no stages then.
    """

    configuration: Configuration
    engine: Engine
    conditions: Mapping[str, Configuration]
    weights: Weights | None = None

    @property
    def random_seed(self) -> int:
        """What everything random is drawn from: the seed, or one of a replicate's own that belongs to it."""
        return random_seed(self.seed, replicate=self.configuration.replicate)

    @property
    def steps(self) -> int:
        """Optimizer steps of all stages."""
        return sum(stage.training.steps for stage in training_stages(self.configuration))


@dataclass(frozen=True, kw_only=True)
class CommandTrial(Trial):
    """A trial that is one run of a command; it counts as one step."""

    configuration: OwnSettings
    engine: Command
    conditions: Mapping[str, OwnSettings]


def random_seed(seed: int, *, replicate: int) -> int:
    """The seed of initial weights, order of the data and everything else that a trial draws.

    Args:
        seed: the study's.
        replicate: 0 leaves it as it is; any other gives a seed of its own, below 2^63.

    >>> random_seed(3, replicate=0)
    3
    >>> random_seed(3, replicate=1) == random_seed(4, replicate=1)
    False
    """
    return int(content_hash({"seed": seed, "replicate": replicate}), 16) >> 1 if replicate else seed


def trial_name(arm: str, seed: int, content: str) -> str:
    """The name of a trial's folder.

    Args:
        arm: its arm.
        seed: its seed.
        content: hash of everything that determines the result.

    >>> trial_name("CLIP, frozen", 0, "0123456789abcdef")
    'CLIP-frozen-seed0-01234567'
    """
    folder = re.sub(r"[^A-Za-z0-9._=]+", "-", arm).strip("-.")[:80] or "arm"
    return f"{folder}-seed{seed}-{content[:8]}"
