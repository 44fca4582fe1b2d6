"""What an allocation says, how it becomes tokens, and what it kept."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from token_budget import Cells, VisualTokens, merge, select


class Allocation(NamedTuple):
    """Where the tokens of each image went.

    Attributes:
        levels: per patch the side of the square of patches that its token averages: 1 full detail, 2, 4; 0 dropped.
        cell: per patch the output token that holds it, in raster order of the tokens' first patches; -1 dropped.
        budgets: tokens asked for.
        achieved: tokens given.
    """

    levels: Int[Tensor, "batch tokens"]
    cell: Int[Tensor, "batch tokens"]
    budgets: Int[Tensor, " batch"]
    achieved: Int[Tensor, " batch"]


def per_image(budget: int | Int[Tensor, " batch"], batch: int, device: torch.device) -> Int[Tensor, " batch"]:
    """The budget of each image.

    Raises:
        ValueError: no whole number, or a tensor of another shape or not of integers.

    >>> per_image(3, 2, torch.device("cpu"))
    tensor([3, 3])
    """
    if not isinstance(budget, Tensor):
        if type(budget) is not int:  # True would pass for 1
            raise ValueError(f"budget must be an integer or {batch} integers, got {budget!r}")
        return torch.full((batch,), budget, device=device)
    if budget.shape != (batch,) or budget.is_floating_point() or budget.dtype == torch.bool:
        raise ValueError(
            f"budget must be an integer or {batch} integers, got {budget.dtype} {tuple(budget.shape)}"
        )
    return budget.to(device)


def check_budgets(
    budgets: Int[Tensor, " batch"], lowest: Int[Tensor, " batch"], highest: Int[Tensor, " batch"]
) -> None:
    """Refuses budgets that cannot be met.

    Raises:
        ValueError: a budget is below what its image needs at least, or above the tokens there are.

    >>> check_budgets(torch.tensor([3]), torch.tensor([1]), torch.tensor([4]))
    """
    for image in ((budgets < lowest) | (budgets > highest)).nonzero().flatten().tolist():
        raise ValueError(
            f"the budget of image {image} must lie in {int(lowest[image])}..{int(highest[image])}, "
            f"got {int(budgets[image])}"
        )


def numbered(leader: Int[Tensor, "batch tokens"]) -> Int[Tensor, "batch tokens"]:
    """Output tokens in raster order, from the first patch (leader) of the group that each patch belongs to.

    Args:
        leader: per patch the lowest patch index of its group; -1 where the patch is dropped.

    >>> numbered(torch.tensor([[0, 0, -1, 3]]))
    tensor([[ 0,  0, -1,  1]])
    """
    first = leader == torch.arange(leader.shape[1], device=leader.device)
    number = first.long().cumsum(1) - 1
    return torch.where(leader < 0, -1, number.gather(1, leader.clamp(min=0)))


def apply_allocation(tokens: VisualTokens, allocation: Allocation) -> VisualTokens:
    """The tokens that an allocation gives: kept as they are, averaged into squares, or dropped.

    Positions and extras follow; sizes say how many patches a token stands for. Images that get fewer tokens than
    the largest of the batch are padded, with a mask.

    Args:
        tokens: the tokens that were allocated.
        allocation: made for them.

    Raises:
        ValueError: the allocation was made for another number of images or tokens.

    >>> from token_budget import visual_tokens
    >>> from relevance_allocator import allocate_top_k
    >>> tokens = visual_tokens(torch.arange(3.0).reshape(1, 3, 1))
    >>> apply_allocation(tokens, allocate_top_k(torch.tensor([[0.2, 0.1, 0.9]]), 2)).features.flatten()
    tensor([0., 2.])
    """
    if allocation.cell.shape != tokens.mask.shape:
        raise ValueError(
            f"the allocation is for tokens {tuple(allocation.cell.shape)}, these are {tuple(tokens.mask.shape)}"
        )
    count = int(allocation.achieved.max())
    places = torch.arange(count, device=tokens.mask.device)
    valid = places < allocation.achieved[:, None]
    if (allocation.levels > 1).any():
        return merge(tokens, Cells(allocation.cell, count), valid=valid)
    kept_first = (allocation.cell < 0).sort(dim=1, stable=True).indices[:, :count]
    return select(tokens, kept_first.masked_fill(~valid, 0), valid)


def kept_detail(allocation: Allocation, wanted: Float[Tensor, "batch tokens"]) -> Float[Tensor, " batch"]:
    """Recall: the share of `wanted` that was kept at full detail, 0..1; NaN where nothing was wanted.

    Args:
        allocation: levels of each patch.
        wanted: how much of each patch was wanted, 0 or more, as `region_coverage` gives it.

    Raises:
        ValueError: other shapes, or a negative or non-finite `wanted`.

    >>> from relevance_allocator import allocate_top_k
    >>> kept_detail(allocate_top_k(torch.tensor([[0.2, 0.1, 0.9]]), 1), torch.tensor([[1.0, 0.0, 3.0]]))
    tensor([0.7500])
    """
    if wanted.shape != allocation.levels.shape or not (wanted >= 0).all() or not wanted.isfinite().all():
        raise ValueError(f"wanted must be finite, 0 or more, of shape {tuple(allocation.levels.shape)}")
    return (wanted * (allocation.levels == 1)).sum(1) / wanted.sum(1)
