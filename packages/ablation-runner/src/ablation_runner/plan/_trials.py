"""Trials of a study: every arm under every seed, each named by a hash of all that determines its result."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ablation_runner.errors import StudyError
from ablation_runner.plan._arm import PlannedArm
from ablation_runner.plan._checkpoints import Weights, find_weights
from ablation_runner.plan._command_trials import command_trials
from ablation_runner.plan._conditions import tested_under
from ablation_runner.plan._own_parts import own_sources
from ablation_runner.plan._stages import checkpoint_key, stage_keys
from ablation_runner.plan._trial import CommandTrial, TrainedTrial, Trial, random_seed, trial_name
from ablation_runner.storage.files import write_frame
from ablation_runner.storage.store import content_hash, source_digest
from ablation_runner.study import (
    Command,
    CommandStudy,
    Configuration,
    Engine,
    OwnSettings,
    Study,
    TrainedStudy,
)

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
_TESTED: Any = {
    "data": True,
    "encoder": True,
    "tokens": True,
    "model": {"allocator": True, "checkpoint": {"processor"}},
}


def plan_trials(study: Study, arms: tuple[PlannedArm, ...], *, processes: int, data: str) -> list[Trial]:
    """All trials under all seeds, every arm of the first seed before the second, so that an early stop leaves whole seeds.

    Args:
        study: the study.
        arms: its resolved arms.
        processes: ranks per trial.
        data: fingerprint of the data.
    """
    if isinstance(study, CommandStudy):
        return [*command_trials(study, arms, processes=processes, data=data)]
    assert isinstance(study, TrainedStudy)
    sources = source_digest(*_SOURCES)
    return [
        _trial(study, arm, seed, processes=processes, data=data, sources=sources)
        for seed in study.all_seeds
        for arm in arms
    ]


def _trial(
    study: TrainedStudy, arm: PlannedArm, seed: int, *, processes: int, data: str, sources: str
) -> TrainedTrial:
    assert isinstance(arm.configuration, Configuration)
    drawn = random_seed(seed, replicate=arm.configuration.replicate)
    configuration, weights = _with_weights(
        arm.name, arm.configuration, drawn, of_one=len(study.all_seeds) == 1
    )
    setting: dict[str, Any] = {
        "seed": drawn,
        "data": data,
        "sources": sources + own_sources(configuration),
    }
    stages: tuple[str, ...] = ()
    if weights is None:
        made = stages = stage_keys(configuration, study.engine, **setting)
    else:
        made = (checkpoint_key(configuration, study.engine, digest=weights.digest, **setting),)
    conditions = tested_under(study, arm.name, configuration)
    read = {name: condition.model_dump(include=_TESTED) for name, condition in conditions.items()}
    tested = content_hash({"stages": made, "metric": study.metric, "conditions": read})
    return TrainedTrial(
        name=trial_name(arm.name, seed, tested),
        arm=arm.name,
        seed=seed,
        configuration=configuration,
        engine=study.engine,
        processes=processes,
        metric=study.metric,
        conditions=conditions,
        stages=stages,
        weights=weights,
    )


def _with_weights(
    arm: str, configuration: Configuration, seed: int, *, of_one: bool
) -> tuple[Configuration, Weights | None]:
    """The arm's configuration, with the training of its checkpoint where it has one, and where its weights lie.

    Raises:
        StudyError: the weights are not there or do not fit, or one checkpoint is to stand for several seeds.
    """
    checkpoint = configuration.model.checkpoint
    if checkpoint is None:
        return configuration, None
    if checkpoint.run is None and not of_one:
        raise StudyError(
            f"arm {arm!r}: one checkpoint is one seed: set seeds to it alone, or name the run whose seeds have weights of "
            "their own"
        )
    try:
        weights, trained = find_weights(configuration, seed)
    except StudyError as error:
        raise StudyError(f"arm {arm!r}: {error}") from error
    return trained, weights


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
            "weights": json.dumps(asdict(trial.weights))
            if isinstance(trial, TrainedTrial) and trial.weights
            else None,
            "differences": json.dumps(differences.get(trial.arm, []), ensure_ascii=False),
        }
        for trial in trials
    ]
    write_frame(path, pl.DataFrame(rows))


def read_plan(path: Path) -> list[Trial]:
    """The trials of a written plan."""
    import polars as pl

    return [_read_trial(row) for row in pl.read_parquet(path).iter_rows(named=True)]


def starts_own_ranks(path: Path) -> bool:
    """Whether the trials of a written plan are commands, which start their ranks themselves."""
    return isinstance(read_plan(path)[0], CommandTrial)


def _read_trial(row: dict[str, Any]) -> Trial:
    engine, tested = json.loads(row["engine"]), json.loads(row["conditions"])
    common = {key: row[key] for key in ("arm", "seed", "processes", "metric")}
    common |= {"name": row["trial"], "stages": tuple(row["stages"])}
    if "command" in engine:
        return CommandTrial(
            configuration=OwnSettings.model_validate_json(row["configuration"]),
            engine=Command.model_validate(engine),
            conditions={name: OwnSettings.model_validate(each) for name, each in tested.items()},
            **common,
        )
    return TrainedTrial(
        configuration=Configuration.model_validate_json(row["configuration"]),
        engine=Engine.model_validate(engine),
        conditions={name: Configuration.model_validate(each) for name, each in tested.items()},
        weights=Weights(**json.loads(row["weights"])) if row.get("weights") else None,
        **common,
    )
