"""Trials of a study: every arm under every seed, each named by a hash of all that determines its result."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablation_runner.files import write_frame
from ablation_runner.plan._arm import PlannedArm, changed
from ablation_runner.plan._own_parts import own_sources
from ablation_runner.plan._stages import stage_keys, training_stages
from ablation_runner.store import content_hash, source_digest
from ablation_runner.study import AS_TRAINED, Configuration, Engine, Study

# What a trial imports, so what its result depends on.
_SOURCES = (
    "ablation_runner.trial",
    "relevance_allocator",
    "token_budget",
    "vlm_encoders",
    "vlm_fusion",
    "vlm_tasks",
)
# What a condition may set, so what a test depends on besides the weights.
_TESTED: Any = {"data": True, "encoder": True, "tokens": True, "model": {"allocator"}}


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One arm under a seed: trained in stages, tested under every condition.

    Attributes:
        name: folder name; ends with the hash of everything that determines the result.
        processes: ranks that train it together.
        metric: what its predictions are scored by.
        conditions: name to the configuration it is tested under; as it was trained first.
        stages: a key for each stage of its training; trials that share a key share the stage.
    """

    name: str
    arm: str
    seed: int
    configuration: Configuration
    engine: Engine
    processes: int
    metric: str
    conditions: dict[str, Configuration]
    stages: tuple[str, ...]

    @property
    def random_seed(self) -> int:
        """What everything random is drawn from: the seed, or one of a replicate's own that belongs to it."""
        return random_seed(self.seed, replicate=self.configuration.replicate)

    @property
    def steps(self) -> int:
        """Optimizer steps of all stages."""
        return sum(stage.training.steps for stage in training_stages(self.configuration))


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


def plan_trials(study: Study, arms: tuple[PlannedArm, ...], *, processes: int, data: str) -> list[Trial]:
    """All trials, every arm of the first seed before the second, so that an early stop leaves whole seeds.

    Args:
        study: the study.
        arms: its resolved arms.
        processes: ranks per trial.
        data: fingerprint of the data.
    """
    sources = source_digest(*_SOURCES)
    return [
        _trial(study, arm, seed, processes=processes, data=data, sources=sources)
        for seed in study.seeds
        for arm in arms
    ]


def _trial(study: Study, arm: PlannedArm, seed: int, *, processes: int, data: str, sources: str) -> Trial:
    stages = stage_keys(
        arm.configuration,
        study.engine,
        seed=random_seed(seed, replicate=arm.configuration.replicate),
        processes=processes,
        data=data,
        sources=sources + own_sources(arm.configuration),
    )
    conditions = {AS_TRAINED: arm.configuration} | {
        name: changed(arm.configuration, changes, where=f"conditions.{name}")
        for name, changes in study.conditions.items()
    }
    read = {name: condition.model_dump(include=_TESTED) for name, condition in conditions.items()}
    tested = content_hash({"stages": stages, "metric": study.metric, "conditions": read})
    return Trial(
        name=f"{_folder_name(arm.name)}-seed{seed}-{tested[:8]}",
        arm=arm.name,
        seed=seed,
        configuration=arm.configuration,
        engine=study.engine,
        processes=processes,
        metric=study.metric,
        conditions=conditions,
        stages=stages,
    )


def _folder_name(arm: str) -> str:
    """An arm's name as part of a file name on any system."""
    return re.sub(r"[^A-Za-z0-9._=]+", "-", arm).strip("-.")[:80] or "arm"


def write_plan(path: Path, trials: list[Trial], arms: tuple[PlannedArm, ...]) -> None:
    """Writes the plan that workers read: a row per trial."""
    import polars as pl  # only here and in `read_plan`: to plan and to look takes no time

    differences = {arm.name: [str(difference) for difference in arm.differences] for arm in arms}
    rows = [
        {
            "trial": trial.name,
            "arm": trial.arm,
            "seed": trial.seed,
            "processes": trial.processes,
            "metric": trial.metric,
            "configuration": trial.configuration.model_dump_json(),
            "engine": trial.engine.model_dump_json(),
            "conditions": json.dumps(
                {name: condition.model_dump() for name, condition in trial.conditions.items()}
            ),
            "stages": list(trial.stages),
            "differences": json.dumps(differences.get(trial.arm, []), ensure_ascii=False),
        }
        for trial in trials
    ]
    write_frame(path, pl.DataFrame(rows))


def read_plan(path: Path) -> list[Trial]:
    """The trials of a written plan."""
    import polars as pl

    return [
        Trial(
            name=row["trial"],
            arm=row["arm"],
            seed=row["seed"],
            configuration=Configuration.model_validate_json(row["configuration"]),
            engine=Engine.model_validate_json(row["engine"]),
            processes=row["processes"],
            metric=row["metric"],
            conditions={
                name: Configuration.model_validate(condition)
                for name, condition in json.loads(row["conditions"]).items()
            },
            stages=tuple(row["stages"]),
        )
        for row in pl.read_parquet(path).iter_rows(named=True)
    ]
