"""Which stored features the trials of some plans read."""

import json
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from ablation_runner.plan import TrainedTrial, Trial
from ablation_runner.study import Configuration, Variant
from vlm_tasks import create_task

_SPLITS = ("train", "validation", "test")
_NAMES = ("name", "image_size", "feature_layer", "final_norm")


class NeededFeatures:
    """Tells the feature stores that trials read from those that nobody needs.

    A store is known by its encoder and its images. Weights are not compared, so a store that other weights made
    counts as needed: rather a store too many than one too few.
    """

    def __init__(self, trials: Sequence[Trial], *, unfinished: bool) -> None:
        """Reads the tasks' images.

        Args:
            trials: of all plans.
            unfinished: some of them have still to be trained, so that a store may be in the making.
        """
        self._unfinished = unfinished
        configurations = [
            read
            for trial in trials
            if isinstance(trial, TrainedTrial)
            and not trial.configuration.model.is_of_transformers  # whose processor reads images itself
            for read in (trial.configuration, *trial.conditions.values())
        ]
        self._needed = {
            store for configuration in configurations for store in _encoders_and_images(configuration)
        }

    def hold(self, store: Path) -> bool:
        """Whether a store is needed."""
        try:
            index = json.loads((store / "index.json").read_text(encoding="utf-8"))
            spec, images = index["key"]["spec"], {name for shard in index["shards"] for name in shard["ids"]}
            return (_encoder(spec), frozenset(images)) in self._needed
        except (OSError, ValueError, KeyError, TypeError):
            return self._unfinished


def _encoders_and_images(configuration: Configuration) -> Iterator[tuple[str, frozenset[str]]]:
    images = _images(configuration.data.task.model_dump_json(), configuration.data.limit)
    for member in configuration.encoder.members:
        spec = member.own_spec()
        yield _encoder({key: getattr(spec, key) for key in _NAMES}), images


def _encoder(spec: dict[str, Any]) -> str:
    """What names an encoder's features, as JSON writes it."""
    return json.dumps([spec[key] for key in _NAMES])


@cache
def _images(task: str, limit: int | None) -> frozenset[str]:
    """Images of a task, which is given as JSON so that it can be remembered."""
    named = Variant.model_validate_json(task)
    made = create_task(named.name, **named.options())
    items = [made.items(split) for split in _SPLITS]
    return frozenset(
        name for frame in items for name in (frame if limit is None else frame.head(limit))["image_id"]
    )
