"""The losses of matching and of words, divided such that ranks and accumulation do not change them."""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import cross_entropy

from ._checks import Real
from ._gather import gather_rows, world_size
from ._rows import IGNORED


def matching_loss(
    logits: Float[Tensor, "pairs 2"], matched: Int[Tensor, " pairs"], *, group: Any = None
) -> Float[Tensor, ""]:
    """Cross-entropy per pair of all ranks, such that the mean over ranks is that of the joined batch.

    Args:
        logits: scores of `apart` and `together`.
        matched: 1 where image and text belong together.
        group: process group; None is the default one.

    >>> round(matching_loss(torch.zeros(3, 2), torch.tensor([1, 0, 0])).item(), 4)
    0.6931
    """
    count = gather_rows(torch.tensor([len(logits)], device=logits.device), group=group).sum()
    return cross_entropy(logits.float(), matched, reduction="sum") * world_size(group) / count


def word_loss(
    logits: Float[Tensor, "batch words vocabulary"], labels: Int[Tensor, "batch words"], count: Real | None
) -> Float[Tensor, ""]:
    """The summed cross-entropy of the labels that are not -100, divided by `count` (None: by how many there are).

    Raises:
        ValueError: there is nothing to divide by.
    """
    divisor = int((labels != IGNORED).sum()) if count is None else count
    if divisor <= 0:
        raise ValueError(f"the loss is divided by the words to be predicted, and there are {divisor}")
    total = cross_entropy(
        logits.flatten(0, 1).float(), labels.flatten(), reduction="sum", ignore_index=IGNORED
    )
    return total / divisor


def needed(name: str, value: Any) -> Any:
    """The value; refuses None, naming what an objective lacks.

    Raises:
        ValueError: the value is None.
    """
    if value is None:
        raise ValueError(f"an objective with a weight above 0 needs {name}")
    return value
