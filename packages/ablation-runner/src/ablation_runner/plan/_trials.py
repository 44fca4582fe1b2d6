"""Trials of a study: every arm under every seed, each named by a hash of all that determines its result."""

import json
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ablation_runner.plan._arm import PlannedArm
from ablation_runner.store import content_hash, source_digest, write_frame
from ablation_runner.study import Configuration, Engine, Study

# What a trial imports, so what its result depends on.
_SOURCES = ("ablation_runner.trial", "token_budget", "vlm_encoders", "vlm_fusion", "vlm_tasks")


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One training run: an arm under a seed.

    Attributes:
        name: folder name; ends with the hash of everything that determines the result.
        processes: ranks that train it together.
        metric: what its predictions are scored by.
    """

    name: str
    arm: str
    seed: int
    configuration: Configuration
    engine: Engine
    processes: int
    metric: str


def plan_trials(study: Study, arms: tuple[PlannedArm, ...], *, processes: int, data: str) -> list[Trial]:
    """All trials, every arm of the first seed before the second, so that an early stop leaves whole seeds.

    Args:
        study: the study.
        arms: its resolved arms.
        processes: ranks per trial.
        data: fingerprint of the data.
    """
    sources = source_digest(*_SOURCES)
    trials = []
    for seed in study.seeds:
        for arm in arms:
            identity = {
                "configuration": arm.configuration.model_dump(),
                "engine": study.engine.model_dump(),
                "metric": study.metric,
                "seed": seed,
                "processes": processes,
                "data": data,
                "sources": sources,
            }
            trials.append(
                Trial(
                    name=f"{arm.name}-seed{seed}-{content_hash(identity)[:8]}",
                    arm=arm.name,
                    seed=seed,
                    configuration=arm.configuration,
                    engine=study.engine,
                    processes=processes,
                    metric=study.metric,
                )
            )
    return trials


def write_plan(path: Path, trials: list[Trial], arms: tuple[PlannedArm, ...]) -> None:
    """Writes the plan that workers read: a row per trial."""
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
            "differences": json.dumps(differences[trial.arm], ensure_ascii=False),
        }
        for trial in trials
    ]
    write_frame(path, pl.DataFrame(rows))


def read_plan(path: Path) -> list[Trial]:
    """The trials of a written plan."""
    return [
        Trial(
            name=row["trial"],
            arm=row["arm"],
            seed=row["seed"],
            configuration=Configuration.model_validate_json(row["configuration"]),
            engine=Engine.model_validate_json(row["engine"]),
            processes=row["processes"],
            metric=row["metric"],
        )
        for row in pl.read_parquet(path).iter_rows(named=True)
    ]
