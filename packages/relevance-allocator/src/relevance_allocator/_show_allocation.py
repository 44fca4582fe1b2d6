"""What an allocation kept, drawn over its image."""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from PIL import Image, ImageDraw

from relevance_allocator._allocation import Allocation
from relevance_allocator._drawing import captioned, draw_regions, enlarged
from relevance_allocator._regions import Boxes

_DIM = {0: 0.12, 1: 1.0, 2: 0.7, 4: 0.4}
# Sky blue, orange and reddish purple of Okabe and Ito's palette: told apart with any colour vision.
_EDGE = {1: (86, 180, 233), 2: (230, 159, 0), 4: (204, 121, 167)}
_NAMES = {1: "full (blue)", 2: "of 2x2 (orange)", 4: "of 4x4 (purple)"}


def show_allocation(
    image: Image.Image, allocation: Allocation, grid: tuple[int, int], *, item: int = 0, regions: Boxes = ()
) -> Image.Image:
    """The image as its tokens see it: one frame per token, coarser squares darker and averaged, dropped patches dark.

    Blue frames are patches at full detail, orange 2x2 and purple 4x4 averages; the line below counts them.

    Args:
        image: any mode and size; small ones are enlarged.
        allocation: of a batch.
        grid: rows and columns.
        item: which image of the batch, 0..batch-1.
        regions: boxes (left, top, right, bottom) in 0..1 to draw in white.

    Raises:
        ValueError: no such item, or a grid that does not hold the allocation's patches.

    >>> import torch
    >>> from relevance_allocator import allocate_levels
    >>> show_allocation(Image.new("RGB", (64, 64)), allocate_levels(torch.rand(1, 64), 16, (8, 8)), (8, 8)).height
    342
    """
    if not 0 <= item < len(allocation.cell):
        raise ValueError(f"item must be in 0..{len(allocation.cell) - 1}, got {item}")
    if allocation.cell.shape[1] != grid[0] * grid[1]:
        raise ValueError(f"a grid of {grid[0]}x{grid[1]} does not hold {allocation.cell.shape[1]} patches")
    base = np.asarray(enlarged(image), dtype=float)
    levels = allocation.levels[item].cpu().numpy().reshape(grid)
    cells = allocation.cell[item].cpu().numpy().reshape(grid)
    picture, used = _as_seen(base, levels, cells)
    draw_regions(picture, regions)
    parts = [f"{used.count(level)} {name}" for level, name in _NAMES.items() if level in used]
    asked = int(allocation.budgets[item])
    return captioned(picture, foot=[f"{len(used)} tokens of {asked}: {', '.join(parts)}"])


def _as_seen(
    base: Float[ndarray, "height width 3"],
    levels: Int[ndarray, "rows columns"],
    cells: Int[ndarray, "rows columns"],
) -> tuple[Image.Image, list[int]]:
    """The picture, and the level of every token."""
    rows = np.linspace(0, base.shape[0], cells.shape[0] + 1).round().astype(int)
    columns = np.linspace(0, base.shape[1], cells.shape[1] + 1).round().astype(int)
    seen, frames = base * _DIM[0], []
    for cell in range(int(cells.max()) + 1):
        y, x = np.nonzero(cells == cell)
        top, bottom = int(rows[y.min()]), int(rows[y.max() + 1])
        left, right = int(columns[x.min()]), int(columns[x.max() + 1])
        level = int(levels[y[0], x[0]])
        area = base[top:bottom, left:right]
        seen[top:bottom, left:right] = _DIM[level] * (area if level == 1 else area.mean((0, 1)))
        frames.append(((left, top, right - 1, bottom - 1), level))
    picture = Image.fromarray(seen.round().clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    for corners, level in frames:
        draw.rectangle(corners, outline=_EDGE[level])
    return picture, [level for _, level in frames]
