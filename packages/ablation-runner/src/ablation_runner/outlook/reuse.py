"""What a study finds already done: finished trials, stages of training, stored features."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ablation_runner.cleaning.needed_features import NeededFeatures
from ablation_runner.plan import TrainedTrial, Trial, training_stages
from ablation_runner.running.pipeline import is_finished
from ablation_runner.running.prepared import Prepared
from ablation_runner.status import steps_reached
from ablation_runner.storage.store import RunFolder


@dataclass(frozen=True, kw_only=True)
class PlannedStage:
    """A stage of training that trials which are left to run need.

    Attributes:
        key: its folder below runs/stages.
        name: as the study calls it.
        trials: those that share it.
        steps: optimizer steps.
        done: of them; all where it is finished and reused, fewer where a checkpoint is gone on from.
    """

    key: str
    name: str
    trials: tuple[str, ...]
    steps: int
    done: int


@dataclass(frozen=True, kw_only=True)
class StoredFeatures:
    """A finished store that trials which are left to run read: its folder below runs/features, and its images."""

    key: str
    images: int


@dataclass(frozen=True, kw_only=True)
class Reuse:
    """What need not be done again.

    Attributes:
        trials: finished ones; they are not repeated.
        stages: of the trials that are left; those before a finished one are not needed and left out.
        features: stores that those trials read.
        steps: optimizer steps of the trials that are left, as if nothing were shared.
        steps_left: of them still to be done, each shared stage once.
    """

    trials: tuple[str, ...]
    stages: tuple[PlannedStage, ...]
    features: tuple[StoredFeatures, ...]
    steps: int
    steps_left: int


def find_reuse(prepared: Prepared) -> Reuse:
    """Looks at the files of the runs folder; writes nothing."""
    run = prepared.folder
    trials = [*prepared.tuning, *prepared.trials]
    left = [trial for trial in trials if not is_finished(run, trial)]
    trained = [trial for trial in left if isinstance(trial, TrainedTrial)]
    stages = tuple(_stages(run, trained))
    return Reuse(
        trials=tuple(trial.name for trial in trials if trial not in left),
        stages=stages,
        features=tuple(_features(run.features, left)),
        steps=sum(trial.steps for trial in trained),
        steps_left=sum(stage.steps - stage.done for stage in stages),
    )


def _stages(run: RunFolder, left: Sequence[TrainedTrial]) -> Iterator[PlannedStage]:
    """Every stage once: of each trial the last finished one and those after it."""
    sharing: dict[str, list[str]] = {}
    named = {}
    for trial in left:
        finished = [
            index for index, key in enumerate(trial.stages) if run.stage(key).record() is not None
        ] or [0]
        stages = zip(trial.stages, training_stages(trial.configuration), strict=True)
        for key, stage in list(stages)[finished[-1] :]:
            sharing.setdefault(key, []).append(trial.name)
            named[key] = stage
    for key, trials in sharing.items():
        steps = named[key].training.steps
        folder = run.stage(key)
        done = steps if folder.record() is not None else steps_reached(folder)[0]
        yield PlannedStage(key=key, name=named[key].name, trials=tuple(trials), steps=steps, done=done)


def _features(folder: Path, left: Sequence[Trial]) -> Iterator[StoredFeatures]:
    stores = sorted(path.parent for path in folder.glob("*/index.json"))
    if not left or not stores:
        return
    needed = NeededFeatures(left, unfinished=False)
    for store in stores:
        if needed.hold(store):
            index = json.loads((store / "index.json").read_text(encoding="utf-8"))
            images = {name for shard in index["shards"] for name in shard["ids"]}
            yield StoredFeatures(key=store.name, images=len(images))
