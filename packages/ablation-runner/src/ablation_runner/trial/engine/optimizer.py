"""AdamW over the parts of a model, each with its learning rate and its schedule."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from ablation_runner.study import Engine, Training

# A short memory of the squared gradient, as transformers trained from scratch like.
_BETAS = (0.9, 0.98)
# What the parts are called below the heads of a Q-Former's objectives.
_PARTS = {"trunk": "connector"}


def make_optimizer(
    model: nn.Module, training: Training, engine: Engine
) -> tuple[torch.optim.AdamW, Callable[[Any], LambdaLR]]:
    """The optimizer, and what makes its schedule from the optimizer that DeepSpeed puts around it.

    Args:
        model: as the stage trains it.
        training: rates and schedules of the parts.
        engine: the schedule of the rest, and the warm-up.
    """
    groups = parameter_groups(model, training)
    schedules = [training.learning_rate_schedules.get(group.pop("part"), engine.schedule) for group in groups]
    factors: list[Callable[[int], float]] = [
        partial(
            learning_rate_factor,
            schedule=schedule,
            warmup=math.ceil(engine.warmup * training.steps),
            steps=training.steps,
        )
        for schedule in schedules
    ]
    return torch.optim.AdamW(groups, betas=_BETAS, fused=True), partial(LambdaLR, lr_lambda=factors)


def parameter_groups(model: nn.Module, training: Training) -> list[dict[str, Any]]:
    """A group for each part's matrices, which decay, and one for its biases, norms and gates, which do not.

    Parts that have neither a rate nor a schedule of their own share the groups of the rest, called "".
    """
    own = {*training.learning_rates, *training.learning_rate_schedules}
    groups: dict[tuple[str, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            first = name.partition(".")[0]
            part = _PARTS.get(first, first)
            groups.setdefault((part if part in own else "", parameter.ndim <= 1), []).append(parameter)
    return [
        {
            "params": members,
            "part": part,
            "lr": training.learning_rates.get(part, training.learning_rate),  # type: ignore[call-overload]
            "weight_decay": 0.0 if flat else training.weight_decay,
        }
        for (part, flat), members in sorted(groups.items(), key=lambda group: group[0])
    ]


def learning_rate_factor(step: int, *, schedule: str, warmup: int, steps: int) -> float:
    """What the peak learning rate is multiplied by.

    Args:
        step: optimizer steps done.
        schedule: `cosine` and `linear` fall to 0 at the last step, `constant` stays at 1.
        warmup: steps that rise linearly from 0.
        steps: of the whole training.

    >>> [learning_rate_factor(step, schedule="linear", warmup=2, steps=6) for step in range(7)]
    [0.0, 0.5, 1.0, 0.75, 0.5, 0.25, 0.0]
    """
    if step < warmup:
        return step / max(1, warmup)
    if schedule == "constant":
        return 1.0
    left = max(0, steps - step) / max(1, steps - warmup)
    return left if schedule == "linear" else 0.5 * (1.0 + math.cos(math.pi * (1.0 - left)))
