"""Relevance over its image, as a heat map."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from relevance_allocator._drawing import beside, captioned, draw_regions, enlarged, heat_colours
from relevance_allocator._names import Number
from relevance_allocator._regions import Boxes


def overlay(
    image: Image.Image,
    relevance: Float[Tensor, " tokens"],
    grid: tuple[int, int],
    *,
    opacity: Number = 0.65,
    regions: Boxes = (),
) -> Image.Image:
    """The image in grey under a heat map of one relevance map: dark blue 0, yellow 1; save it as PNG with `.save`.

    Args:
        image: any mode and size; small ones are enlarged.
        relevance: of each patch, 0..1, raster order; calibrated, so that the colours are comparable.
        grid: rows and columns.
        opacity: of the heat map, 0..1.
        regions: boxes (left, top, right, bottom) in 0..1 to draw in white.

    Raises:
        ValueError: relevance outside 0..1 or of another number than the grid holds, or an opacity outside 0..1.

    >>> import torch
    >>> overlay(Image.new("RGB", (64, 64)), torch.rand(16), (4, 4)).size
    (320, 320)
    """
    if relevance.numel() != grid[0] * grid[1]:
        raise ValueError(f"a grid of {grid[0]}x{grid[1]} does not hold {relevance.numel()} patches")
    if not ((relevance >= 0) & (relevance <= 1)).all():
        raise ValueError("relevance must lie in 0..1: calibrate it first")
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity must lie in 0..1, got {opacity!r}")
    base = enlarged(image).convert("L").convert("RGB")  # colour is left to the relevance
    colours = heat_colours(relevance.detach().cpu().double().numpy().reshape(grid))
    heat = Image.fromarray(colours.round().astype(np.uint8)).resize(base.size, Image.Resampling.NEAREST)
    result = Image.blend(base, heat, opacity)
    draw_regions(result, regions)
    return result


def overlays(
    image: Image.Image,
    maps: Mapping[str, Float[Tensor, " tokens"]],
    grid: tuple[int, int],
    *,
    regions: Boxes = (),
) -> Image.Image:
    """The image and a heat map of each way of knowing side by side, each with its name, and the scale of colours.

    Args:
        image: any mode and size.
        maps: name -> relevance of each patch, 0..1.
        grid: rows and columns.
        regions: boxes to draw in white.

    Raises:
        ValueError: as `overlay`.

    >>> import torch
    >>> overlays(Image.new("RGB", (64, 64)), {"salience": torch.rand(16)}, (4, 4)).size
    (648, 364)
    """
    plain = enlarged(image)
    draw_regions(plain, regions)
    heats = {name: overlay(image, one, grid, regions=regions) for name, one in maps.items()}
    return captioned(beside({"image": plain, **heats}), scale=True)
