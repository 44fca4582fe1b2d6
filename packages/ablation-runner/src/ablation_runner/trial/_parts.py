"""The parts of a model: which are trained, and whether what should change has changed and nothing else."""

import hashlib
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from ablation_runner.trial._failure import TrialFailedError


def train_parts(model: nn.Module, parts: Sequence[str]) -> list[str]:
    """Freezes every parameter outside `parts`; gives the names of those that train.

    A parameter that the model's own options freeze stays frozen.

    Raises:
        TrialFailedError: nothing trains.
    """
    trained = []
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(parameter.requires_grad and _part(name) in parts)
        if parameter.requires_grad:
            trained.append(name)
    if not trained:
        raise TrialFailedError(f"nothing of training.parts = {list(parts)} can be trained")
    return trained


def fingerprints(state: Mapping[str, Tensor], dtype: torch.dtype) -> dict[str, str]:
    """Name to a digest of the tensor's bytes, as they are in `dtype`."""
    return {
        name: hashlib.sha256(_bytes(tensor.detach().to(dtype))).hexdigest()[:16]
        for name, tensor in state.items()
    }


def check_changes(before: Mapping[str, str], after: Mapping[str, str], trained: Sequence[str]) -> None:
    """Nothing, where each trained part has changed and no other weight has.

    Args:
        before: digests of the weights when the stage began.
        after: and when it ended.
        trained: names of those that train.

    Raises:
        TrialFailedError: a frozen weight changed, or a part that trains did not.
    """
    changed = {name for name in before if before[name] != after[name]}
    leaked = sorted(changed - set(trained))
    if leaked:
        raise TrialFailedError(
            f"{leaked[0]} is frozen and was changed by training ({len(leaked)} weights in all)"
        )
    for part in sorted({_part(name) for name in trained}):
        if not any(_part(name) == part for name in changed):
            raise TrialFailedError(f"the {part} should train, and none of its weights changed")


def _part(name: str) -> str:
    return name.partition(".")[0]


def _bytes(tensor: Tensor) -> bytes:
    return tensor.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
