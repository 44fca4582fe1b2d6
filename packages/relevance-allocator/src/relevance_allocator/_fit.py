"""An allocator's price, fitted on training data."""

from collections.abc import Iterable

import torch

from relevance_allocator._allocator import RelevanceAllocator
from relevance_allocator._names import Number
from relevance_allocator._price import TokenPrice, fit_price
from relevance_allocator._scene import Scene


@torch.no_grad()
def fit_allocator(
    allocator: RelevanceAllocator, scenes: Iterable[Scene], *, tolerance: Number = 0.02
) -> TokenPrice:
    """Fits the price at which the training images get the allocator's mean budget, and freezes it there.

    Args:
        allocator: with amount `priced`, its scorers as they will be used; left in the mode it was in.
        scenes: batches of training images with their questions, all with the same number of token places.
        tolerance: how far from the mean budget the mean may be, as a share of it.

    Raises:
        ValueError: no scene, an amount that is not priced, or a mean that cannot be met.
    """
    options = allocator.options
    if options.amount != "priced":
        raise ValueError(f'only amount "priced" has a price to fit, got {options.amount!r}')
    pairs = [(allocator.values(scene), scene.tokens.mask) for scene in scenes]
    if not pairs:
        raise ValueError("a price is fitted on at least one batch of scenes, got none")
    values, mask = (torch.cat(parts) for parts in zip(*pairs, strict=True))
    lowest, highest = options.price_range
    price = fit_price(values, options.budget, lowest=lowest, highest=highest, mask=mask, tolerance=tolerance)
    allocator.set_price(price)
    return price
