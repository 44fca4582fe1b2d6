"""Signs that a training run means nothing: it stops, and says why."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from ablation_runner.failure import TrialFailedError
from ablation_runner.study import Engine

# Steps in a row: a loss scale of 2**16 that halves every other time is at its least long before.
_OVERFLOWS = 40


def check_loss(loss: float, *, step: int) -> None:
    """Nothing, where a loss is a positive number.

    Raises:
        TrialFailedError: it is not finite, or exactly zero (no answer token was seen).
    """
    if not math.isfinite(loss) or loss == 0.0:
        raise TrialFailedError(f"the loss is {loss} at step {step}")


def check_gradient(norm: float | None, *, step: int) -> None:
    """Nothing, where the gradient's norm is a positive number; None where the engine has none.

    Raises:
        TrialFailedError: it is not finite, or exactly zero (nothing is trained).
    """
    if norm is not None and (not math.isfinite(norm) or norm == 0.0):
        raise TrialFailedError(f"the gradient's norm is {norm} at step {step}")


def check_update(norm: float | None, engine: Engine, *, overflows: int, step: int) -> None:
    """Nothing, where a step has changed the weights, or was left out because float16 overflowed.

    Args:
        norm: of the gradient.
        engine: how it is trained.
        overflows: steps in a row, this one included, that DeepSpeed has left out.
        step: optimizer steps done.

    Raises:
        TrialFailedError: the gradient is not finite or exactly zero, in float16 at every loss scale.
    """
    if engine.precision == "float16" and 0 < overflows <= _OVERFLOWS:
        return
    check_gradient(norm, step=step)


def check_ranks_agree(fingerprints: Mapping[str, str]) -> None:
    """Nothing, where all ranks start from the same weights.

    Raises:
        TrialFailedError: they do not; rank and weight are named. (DeepSpeed would silently take rank 0's.)
    """
    everyone: list[Any] = [None] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(everyone, dict(fingerprints))
    for rank, theirs in enumerate(everyone):
        for name, digest in theirs.items():
            if digest != everyone[0][name]:
                raise TrialFailedError(f"rank {rank} starts with another {name} than rank 0")


def check_batch_norm(model: nn.Module) -> None:
    """Nothing, where no batch norm would be trained on the images of one rank alone.

    Raises:
        TrialFailedError: it would be, so that the number of ranks changed the result.
    """
    ranks = torch.distributed.get_world_size()
    trained = [each for each in model.modules() if isinstance(each, nn.modules.batchnorm._BatchNorm)]
    if ranks > 1 and any(each.training for each in trained):
        raise TrialFailedError(
            f"batch norm in the encoder would see the images of one of {ranks} ranks alone: train it with one "
            f'process, or with training.encoder = "norm-only" or "lora"'
        )


def curve_digest(curve: Sequence[Mapping[str, Any]]) -> str:
    """A digest of a training curve; no two seeds of an arm should have the same."""
    return hashlib.sha256(json.dumps(list(curve), sort_keys=True).encode()).hexdigest()[:16]


def check_seeds_differ(digest: str, seed: int, others: Mapping[int, str]) -> None:
    """Nothing, where the losses are those of no other seed of the arm.

    Args:
        digest: of this trial's curve.
        seed: its own.
        others: seed to digest, of the arm's finished trials.

    Raises:
        TrialFailedError: another seed has the very same losses, so that the seed has no effect.
    """
    for other, theirs in others.items():
        if other != seed and theirs == digest:
            raise TrialFailedError(
                f"seeds {other} and {seed} have exactly the same losses: the seed has no effect"
            )
