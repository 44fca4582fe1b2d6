"""How much each way of knowing should count, found on images whose answers' regions are known."""

from collections.abc import Iterator, Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from relevance_allocator._allocation import kept_detail
from relevance_allocator._names import check_counts
from relevance_allocator._top_k import allocate_top_k


def _mixtures(ways: int, parts: int) -> Iterator[tuple[int, ...]]:
    """Every way to give `parts` equal parts to the ways."""
    if ways == 1:
        yield (parts,)
        return
    for first in range(parts + 1):
        for rest in _mixtures(ways - 1, parts - first):
            yield (first, *rest)


def fit_weights(
    maps: Mapping[str, Float[Tensor, "batch tokens"]],
    wanted: Float[Tensor, "batch tokens"],
    budget: int,
    *,
    parts: int = 20,
) -> dict[str, float]:
    """The weights of the ways of knowing under which the most of the answers' regions is kept; together 1.

    Every mixture in steps of 1/parts is tried, each way alone among them: on the images given no single way does
    better. Use validation images, and report the recall on others. Of equal mixtures the most even one is taken.

    Args:
        maps: relevance by way of knowing, 0..1 (`Allocated.maps`).
        wanted: how much of each patch is wanted, 0 or more, as `region_coverage` gives it; images in which nothing
            is wanted count for nothing.
        budget: tokens kept, 1..tokens.
        parts: 1 or more; with three ways 20 means 231 mixtures.

    Raises:
        ValueError: no way, fewer than 1 part, no image that wants anything, or what `allocate_top_k` refuses.

    >>> maps = {"blind": torch.tensor([[0.0, 1.0, 0.3]]), "asked": torch.tensor([[1.0, 0.2, 0.0]])}
    >>> fit_weights(maps, torch.tensor([[1.0, 0.0, 0.0]]), 1, parts=4)
    {'blind': 0.25, 'asked': 0.75}
    """
    check_counts(parts=parts)
    if not maps:
        raise ValueError("fit_weights weighs one way of knowing or more, got none")
    known = wanted.sum(1) > 0
    if not known.any():
        raise ValueError("no image wants anything: there is nothing to fit the weights to")
    stacked, wanted = torch.stack([one[known] for one in maps.values()]), wanted[known]

    def merit(mixture: tuple[int, ...]) -> tuple[float, int]:
        share = stacked.new_tensor(mixture) / parts
        kept = allocate_top_k(torch.einsum("w,wbn->bn", share, stacked), budget)
        return kept_detail(kept, wanted).double().mean().item(), -sum(part**2 for part in mixture)

    best = max(_mixtures(len(maps), parts), key=merit)
    return {name: part / parts for name, part in zip(maps, best, strict=True)}
