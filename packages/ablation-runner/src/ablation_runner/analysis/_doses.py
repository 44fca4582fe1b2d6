"""Which arms of a study differ in one number alone: factor by factor, the number and what it is called."""

from collections.abc import Iterator, Mapping
from operator import itemgetter
from typing import Any, NamedTuple

from ablation_runner.plan import PlannedArm
from ablation_runner.running.prepared import Prepared
from ablation_runner.study import Configuration
from vlm_tasks import create_task

QUANTITIES = {"tokens.budget": "visual tokens", "encoder.image_size": "image size in pixels"}
_HELD_OUT = "data.task.validation_images"  # what is not trained on: the dose is the rest
LEAST_DOSES = 3


class Doses(NamedTuple):
    """A factor, the number it varies in words, and that number of each of its arms, rising."""

    factor: str
    quantity: str
    of_arm: dict[str, float]


def find_doses(prepared: Prepared) -> Iterator[Doses]:
    """Every factor whose arms, alone among the factors, differ in one number, at least at three values."""
    for name, factor in prepared.study.factors.items():
        path = str(factor.path or factor.paths[0])
        arms = [arm for arm in prepared.arms if _moves_alone(arm, name, prepared.arms[0])]
        numbers = {arm.name: dict(_numbers(path, _value(arm, path))) for arm in arms}
        shared = [key for key in next(iter(numbers.values()), {}) if _is_dose(key, numbers)]
        if len(shared) == 1:
            doses = {arm: found[shared[0]] for arm, found in numbers.items()}
            quantity = QUANTITIES.get(shared[0], shared[0].rsplit(".", 1)[-1].replace("_", " "))
            if shared[0] == _HELD_OUT:
                doses, quantity = {arm.name: _training_images(arm) for arm in arms}, "training images"
            yield Doses(factor=name, quantity=quantity, of_arm=dict(sorted(doses.items(), key=itemgetter(1))))


def _moves_alone(arm: PlannedArm, factor: str, baseline: PlannedArm) -> bool:
    """Whether the arm is the design's and differs from the baseline in this factor alone, or is the baseline."""
    moved = {name for name, level in arm.levels.items() if level != baseline.levels.get(name)}
    return bool(arm.levels) and not arm.is_blind and moved <= {factor}


def _is_dose(key: str, numbers: Mapping[str, Mapping[str, float]]) -> bool:
    """Whether every arm has the number, each another, and there are enough of them."""
    values = [found[key] for found in numbers.values() if key in found]
    return LEAST_DOSES <= len(set(values)) == len(values) == len(numbers)


def _training_images(arm: PlannedArm) -> float:
    assert isinstance(arm.configuration, Configuration)  # a command's has no such path
    named = arm.configuration.data.task
    return float(len(create_task(named.name, **named.options()).image_ids("train")))


def _value(arm: PlannedArm, path: str) -> Any:
    """The arm's value at a dotted path, in plain values."""
    node: Any = arm.configuration.model_dump()
    for part in path.split("."):
        node = node[part]
    return node


def _numbers(path: str, value: Any) -> Iterator[tuple[str, float]]:
    """Dotted path and value of every number in a value; a variant's options are below its path."""
    if isinstance(value, dict):
        for key, inside in value.items():
            yield from _numbers(f"{path}.{key}", inside)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, float(value)
