"""Pixel shuffle: each square of neighbouring tokens as one wide token."""

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from ._fields import take
from ._merge import widen
from ._select import blank
from ._visual_tokens import VisualTokens


def stack_neighbours(tokens: VisualTokens, factor: int) -> VisualTokens:
    """Each square of `factor` x `factor` tokens as one token, its features one after the other in raster order.

    Nothing is lost: the channels grow as the tokens get fewer (Shi et al., arXiv 1609.05158, section 3.2, read
    backwards; InternVL 1.5, arXiv 2404.16821, section 3.1). Positions and extras are averaged by the tokens' sizes,
    and sizes add up. The result is a grid again, without class token, whose width would no longer fit.

    No decision hangs on a feature or a mask, so tokens on the meta device can be counted through it.

    Args:
        tokens: in grids whose rows and columns `factor` divides; grids may differ from image to image.
        factor: side of the square, 1 and up.

    Raises:
        ValueError: the tokens form no grid, the factor is below 1 or does not divide a grid, or an extra does not
            hold floating numbers.

    >>> from token_budget import visual_tokens
    >>> four = visual_tokens(torch.arange(4.0).reshape(1, 4, 1), grids=torch.tensor([[2, 2]]))
    >>> stack_neighbours(four, 2).features
    tensor([[[0., 1., 2., 3.]]])
    """
    if tokens.grids is None:
        raise ValueError("stacking neighbours needs tokens on a grid (tokens.grids)")
    if factor < 1:
        raise ValueError(f"factor must be 1 or more, got {factor}")
    if bool((tokens.grids % factor).any()):
        raise ValueError(f"factor {factor} must divide every grid, got {tokens.grids.tolist()}")
    for name, extra in tokens.extras.items():
        if not extra.dtype.is_floating_point:
            raise ValueError(f"extras[{name!r}] cannot be averaged: it holds {extra.dtype}")
    source, valid = squares(tokens.grids, tokens.mask, factor)
    sizes = tokens.mask.float() if tokens.sizes is None else tokens.sizes.float()
    weights = blank(in_squares(sizes, source), ~valid)
    totals = weights.sum(2)
    shares = weights / totals.masked_fill(~valid, 1)[..., None]

    def mean(values: Tensor) -> Tensor:
        inside = widen(in_squares(values, source))
        averaged = (inside * shares.reshape(*shares.shape, *[1] * (inside.ndim - 3))).sum(2)
        return blank(averaged, ~valid).to(values.dtype)

    return VisualTokens(
        features=blank(in_squares(tokens.features, source).flatten(2), ~valid),
        mask=valid,
        positions=None if tokens.positions is None else mean(tokens.positions),
        sizes=totals,
        grids=tokens.grids // factor,
        cls=None,
        extras={name: mean(extra) for name, extra in tokens.extras.items()},
    )


def squares(
    grids: Int[Tensor, "batch 2"], mask: Bool[Tensor, "batch tokens"], factor: int
) -> tuple[Int[Tensor, "batch kept inside"], Bool[Tensor, "batch kept"]]:
    """Indices of the tokens of each square in raster order, and which squares are real.

    Args:
        grids: rows and columns of each image, which `factor` divides.
        mask: true where a token is real; the real ones are the grid, wherever the padding stands.
        factor: side of the square.
    """
    coarser = grids // factor
    square = torch.arange(int(coarser.prod(1).max()), device=mask.device)[:, None]
    inside = torch.arange(factor * factor, device=mask.device)
    columns = grids[:, 1, None, None].to(mask.device)
    row = square // (columns // factor) * factor + inside // factor
    raster = row * columns + square % (columns // factor) * factor + inside % factor
    exists = (square[:, 0] < coarser.prod(1)[:, None].to(mask.device))[..., None]
    raster = torch.where(exists, raster, 0).flatten(1)
    real_first = mask.sort(dim=1, descending=True, stable=True).indices
    source = real_first.gather(1, raster).reshape(len(mask), -1, factor * factor)
    return source, exists[..., 0] & in_squares(mask, source).all(2)


def in_squares(values: Tensor, source: Int[Tensor, "batch kept inside"]) -> Tensor:
    """The values [batch, tokens, ...] at `source`, as [batch, kept, inside, ...]."""
    return take(values, source.flatten(1)).reshape(*source.shape, *values.shape[2:])
