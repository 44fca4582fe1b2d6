"""A small copy of a study, to see that all of its arms work."""

from typing import Any

from ablation_runner.study import Study

_STEPS = 2
_ITEMS = 64
_SEEDS = 2


def smoke_copy(study: Study) -> Study:
    """The study with two steps per stage, in the baseline as in grouped levels, on 64 items and two seeds, or one look more."""
    raw = study.model_dump()
    if study.seeds_as_needed:
        raw["seeds"] |= {"min": _SEEDS, "max": _SEEDS + 1}
    else:
        raw["seeds"] = raw["seeds"][:_SEEDS]
    _shrink(raw)
    raw["baseline"]["data"]["limit"] = _ITEMS
    return type(study).model_validate(raw)


def _shrink(node: Any) -> None:
    """Makes every training in a study's tables a short one, wherever it stands."""
    if isinstance(node, list):
        for each in node:
            _shrink(each)
    if not isinstance(node, dict):
        return
    if "training.steps" in node:
        node["training.steps"] = _STEPS
    training = node.get("training")
    if isinstance(training, dict) and "steps" in training:
        training |= {"steps": _STEPS, "validations": 1}
        training["images_per_step"] = min(4, training.get("images_per_step", 4))
    for value in node.values():
        _shrink(value)
