"""The texture of each patch: its mean and its entropy, for any grid."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from relevance_allocator._groups import GROUPS, check_groups, texture_channels
from relevance_allocator._texture import texture_array

# Normalised texture beyond this many deviations falls into the outermost bins.
_SPAN = 3.0


class PatchTexture(NamedTuple):
    """What the ways of knowing need of an image's pixels: 26 numbers per patch, small enough to be stored.

    Attributes:
        means: mean of each texture channel in each patch, raster order.
        entropies: Shannon entropy of each channel's values in each patch, 0..1 (1: all bins equally full).
        groups: the texture groups, in the order of the channels.
    """

    means: Float[Tensor, "batch tokens channels"]
    entropies: Float[Tensor, "batch tokens channels"]
    groups: tuple[str, ...]


def check_grid(height: int, width: int, grid: tuple[int, int]) -> None:
    """Refuses a grid that has no patch, or patches without a pixel.

    Raises:
        ValueError: the image is smaller than the grid, or a side of the grid below 1.

    >>> check_grid(28, 28, (4, 4))
    """
    if not (1 <= grid[0] <= height and 1 <= grid[1] <= width):
        raise ValueError(
            f"an image of {height}x{width} pixels cannot be cut into a grid of {grid[0]}x{grid[1]} patches"
        )


def coverage(
    pixels: int, cells: int, *, device: torch.device | None = None
) -> Float[Tensor, "{cells} {pixels}"]:
    """Weights that average `pixels` into `cells`, every pixel weighing the same; rows sum to 1.

    Args:
        pixels: length of one side.
        cells: cells along it; need not divide `pixels`.
        device: where the weights go.

    Raises:
        ValueError: there are more cells than pixels, or none.

    >>> coverage(3, 2) * 3
    tensor([[2., 1., 0.],
            [0., 1., 2.]])
    """
    if not 1 <= cells <= pixels:
        raise ValueError(f"a grid needs 1..{pixels} cells along a side of {pixels} pixels, got {cells}")
    edges = torch.arange(cells + 1, device=device, dtype=torch.float64) * (pixels / cells)
    start = torch.arange(pixels, device=device, dtype=torch.float64)
    overlap = torch.minimum(edges[1:, None], start + 1) - torch.maximum(edges[:-1, None], start)
    return (overlap.clamp(min=0) * (cells / pixels)).float()


def pool_texture(
    texture: Float[Tensor, "batch channels height width"], grid: tuple[int, int]
) -> Float[Tensor, "batch tokens channels"]:
    """Mean texture of each cell of a grid in raster order; every pixel weighs the same, whatever the sizes.

    Args:
        texture: as `texture_array` gives it.
        grid: rows and columns.

    Raises:
        ValueError: the grid has more cells along a side than the image has pixels.

    >>> pool_texture(torch.arange(4.0).reshape(1, 1, 2, 2), (1, 2)).flatten()
    tensor([1., 2.])
    """
    rows, columns = (
        coverage(side, cells, device=texture.device).to(texture.dtype)
        for side, cells in zip(texture.shape[2:], grid, strict=True)
    )
    return (rows @ texture @ columns.T).flatten(2).transpose(1, 2)


def _patch_of_pixel(
    height: int, width: int, grid: tuple[int, int], device: torch.device
) -> Int[Tensor, "{height} {width}"]:
    """The patch that holds each pixel's centre."""
    rows = ((torch.arange(height, device=device) * 2 + 1) * grid[0]) // (2 * height)
    columns = ((torch.arange(width, device=device) * 2 + 1) * grid[1]) // (2 * width)
    return rows[:, None] * grid[1] + columns


def patch_entropy(
    texture: Float[Tensor, "batch channels height width"], grid: tuple[int, int], *, bins: int = 16
) -> Float[Tensor, "batch tokens channels"]:
    """Shannon entropy of each channel's histogram in each patch, divided by log(bins): 0 flat, 1 all bins full.

    Args:
        texture: normalised texture; `bins` equal bins span -3..3 deviations, values beyond fall into the outermost.
        grid: rows and columns.
        bins: 2 or more.

    Raises:
        ValueError: fewer than 2 bins, or more cells along a side than pixels.

    >>> patch_entropy(torch.tensor([[[[-1.0, 1.0, 0.0, 0.0]]]]), (1, 2), bins=4).flatten()
    tensor([0.5000, 0.0000])
    """
    if bins < 2:
        raise ValueError(f"entropy needs at least 2 bins, got {bins}")
    batch, channels, height, width = texture.shape
    check_grid(height, width, grid)
    tokens = grid[0] * grid[1]
    patch = _patch_of_pixel(height, width, grid, texture.device)
    slot = (torch.arange(batch, device=texture.device)[:, None, None] * tokens + patch) * bins
    entropies = []
    for channel in range(channels):  # one channel at a time keeps the index small
        code = ((texture[:, channel] + _SPAN) * (bins / (2 * _SPAN))).long().clamp(0, bins - 1)
        counts = torch.bincount((slot + code).flatten(), minlength=batch * tokens * bins)
        share = counts.view(batch, tokens, bins).to(texture.dtype)
        share = share / share.sum(-1, keepdim=True)
        entropies.append(torch.special.entr(share).sum(-1) / math.log(bins))
    return torch.stack(entropies, -1)


def patch_texture(
    pixels: Float[Tensor, "batch 3 height width"],
    grid: tuple[int, int],
    *,
    groups: Sequence[str] = tuple(GROUPS),
    fixation: Float[Tensor, "batch 2"] | None = None,
    bins: int = 16,
) -> PatchTexture:
    """Mean and entropy of the texture in each patch: all that the query-blind ways of knowing need of an image.

    Args:
        pixels: gamma-encoded sRGB, 0..1.
        grid: rows and columns of the patches.
        groups: texture groups, see `texture_array`.
        fixation: (y, x) in 0..1 where the gaze rests; None is the centre.
        bins: of the histograms, 2 or more.

    Raises:
        ValueError: the image is smaller than the grid, pixels outside 0..1, a bad group, fixation or bins.

    >>> patch_texture(torch.rand(2, 3, 28, 28), (4, 4)).means.shape
    torch.Size([2, 16, 13])
    """
    check_grid(pixels.shape[2], pixels.shape[3], grid)
    texture = texture_array(pixels, groups=groups, fixation=fixation)
    return PatchTexture(pool_texture(texture, grid), patch_entropy(texture, grid, bins=bins), tuple(groups))


def select_groups(texture: PatchTexture, groups: Sequence[str]) -> PatchTexture:
    """The same texture with some of its groups only, in the order given.

    Args:
        texture: a stored or fresh texture.
        groups: groups to keep, all of them in `texture`.

    Raises:
        ValueError: a group is unknown, named twice, or not in `texture`.

    >>> select_groups(patch_texture(torch.rand(1, 3, 8, 8), (2, 2)), ["lab"]).means.shape
    torch.Size([1, 4, 3])
    """
    check_groups(groups)
    missing = [group for group in groups if group not in texture.groups]
    if missing:
        raise ValueError(f"the texture lacks {', '.join(missing)}; it holds {', '.join(texture.groups)}")
    have = texture_channels(texture.groups)
    kept = [have.index(channel) for channel in texture_channels(groups)]
    return PatchTexture(texture.means[..., kept], texture.entropies[..., kept], tuple(groups))
