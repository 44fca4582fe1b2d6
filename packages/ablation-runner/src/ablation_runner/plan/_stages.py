"""The chain of stages of a trial, each named by a hash of all that determines its weights."""

from collections.abc import Iterator
from typing import Any

from ablation_runner.storage.store import content_hash
from ablation_runner.study import Configuration, Engine, Stage
from ablation_runner.study._engine import UNHASHED

LAST = "answers"
CONFIGURATION, SEED = "configuration", "seed"  # in the header of a stage's weights


def training_stages(configuration: Configuration) -> tuple[Stage, ...]:
    """All stages of training in their order, the configuration's own training last; none where a checkpoint is tested."""
    if configuration.model.checkpoint is not None or configuration.training is None:
        return ()
    last = Stage(name=LAST, training=configuration.training)
    return (*configuration.before, last)


def weights_header(configuration: Configuration, stage: Stage, seed: int) -> dict[str, str]:
    """What a stage's weights say of themselves: the model, its training up to here, and the seed.

    Nothing is said by a stage on text alone, which models of different arms share.

    Args:
        configuration: of the trial.
        stage: one of its stages.
        seed: of the trial.
    """
    if stage.training.reads_text_alone:
        return {}
    stages = training_stages(configuration)
    reached = {"before": list(stages[: stages.index(stage)]), "training": stage.training}
    return {CONFIGURATION: configuration.model_copy(update=reached).model_dump_json(), SEED: str(seed)}


def stage_keys(
    configuration: Configuration,
    engine: Engine,
    *,
    seed: int,
    data: str,
    sources: str,
) -> tuple[str, ...]:
    """A key for each stage of `training_stages`: stages with the same key end in the same weights.

    Neither how many ranks train a stage nor how often it is saved is part of its key: it can go on with more or fewer.
    A stage on text alone depends on the language model and the questions only, so arms with different connectors or
    encoders share it.

    Args:
        configuration: the arm's.
        engine: how it is trained.
        seed: of the trial.
        data: fingerprint of the task.
        sources: digest of the code that trains.
    """
    setting = _setting(engine, seed=seed, data=data, sources=sources)
    return tuple(_keys(configuration, setting))


def checkpoint_key(configuration: Configuration, engine: Engine, *, digest: str, **setting: Any) -> str:
    """What stands in the place of stages where a checkpoint is tested: its bytes, and all that a test depends on.

    Args:
        configuration: the arm's.
        engine: its precision and threads are those of the test.
        digest: of the weights.
        setting: as for `stage_keys`.
    """
    model = configuration.model.model_dump(exclude={"checkpoint": {"run", "arm", "weights", "transformers"}})
    return content_hash({"weights": digest, "model": model, **_setting(engine, **setting)})


def _setting(engine: Engine, **setting: Any) -> dict[str, Any]:
    return {"engine": engine.model_dump(exclude=set(UNHASHED)), **setting}


def _keys(configuration: Configuration, setting: dict[str, Any]) -> Iterator[str]:
    read = configuration.model_dump(include={"data", "encoder", "tokens", "model"})
    del read["data"]["answers"]  # how they are taken afterwards
    text = {"data": read["data"] | {"images": None}, "language_model": read["model"]["language_model"]}
    before = ""
    for stage in training_stages(configuration):
        depends = text if stage.training.reads_text_alone else read
        before = content_hash(
            {"before": before, "depends": depends, "stage": stage.model_dump(exclude={"name"}), **setting}
        )
        yield before
