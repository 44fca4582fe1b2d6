"""Where the answer lies: boxes to relevance, and how much of them an allocation kept."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from relevance_allocator._calibrate import check_scores

Boxes = Sequence[Sequence[float]]
"""Boxes (left, top, right, bottom) in 0..1 of one image."""


def _overlap(low: Tensor, high: Tensor, cells: int) -> Float[Tensor, "boxes cells"]:
    edges = torch.arange(cells + 1, dtype=torch.float64) / cells
    return (torch.minimum(edges[1:], high[:, None]) - torch.maximum(edges[:-1], low[:, None])).clamp(
        min=0
    ) * cells


def _check_boxes(boxes: Boxes, image: int) -> Float[Tensor, "boxes 4"]:
    for box in boxes:
        if len(box) != 4 or not (0 <= box[0] < box[2] <= 1 and 0 <= box[1] < box[3] <= 1):
            raise ValueError(
                f"a region is (left, top, right, bottom) in 0..1 with left < right, top < bottom; image {image} has {list(box)}"
            )
    return torch.tensor([list(box) for box in boxes], dtype=torch.float64).reshape(-1, 4)


def region_coverage(
    regions: Sequence[Boxes], grid: tuple[int, int], *, device: torch.device | None = None
) -> Float[Tensor, "batch tokens"]:
    """Share of each patch that its image's most covering box takes up, 0..1, in raster order.

    Args:
        regions: per image its boxes (left, top, right, bottom) in 0..1; an image without a box gives 0 throughout.
        grid: rows and columns.
        device: where the result goes.

    Raises:
        ValueError: a box outside 0..1 or without area.

    >>> region_coverage([[(0.0, 0.0, 0.75, 0.5)]], (2, 2))
    tensor([[1.0000, 0.5000, 0.0000, 0.0000]])
    """
    covered = torch.zeros(len(regions), grid[0] * grid[1])
    for image, boxes in enumerate(regions):
        box = _check_boxes(boxes, image)
        if len(box):
            rows = _overlap(box[:, 1], box[:, 3], grid[0])
            columns = _overlap(box[:, 0], box[:, 2], grid[1])
            covered[image] = torch.einsum("kr,kc->krc", rows, columns).amax(0).flatten().float()
    return covered.to(device)


def region_loss(
    scores: Float[Tensor, "batch tokens"],
    wanted: Float[Tensor, "batch tokens"],
    *,
    mask: Bool[Tensor, "batch tokens"] | None = None,
) -> Float[Tensor, ""]:
    """Cross-entropy of the softmax of the scores against where the answer lies; trains a scorer from known regions.

    Args:
        scores: raw scores of a way of knowing, any real unit.
        wanted: how much of each patch is wanted, 0 or more, as `region_coverage` gives it; images in which nothing
            is wanted count for nothing.
        mask: real tokens; None means all.

    Raises:
        ValueError: shapes differ, scores that are not finite, `wanted` below 0 or not finite, or no image of the
            batch wants anything.

    >>> region_loss(torch.tensor([[9.0, 0.0]]), torch.tensor([[1.0, 0.0]])) < 0.01
    tensor(True)
    """
    if wanted.shape != scores.shape or not (wanted >= 0).all() or not wanted.isfinite().all():
        raise ValueError(f"wanted must be finite, 0 or more, of the scores' shape {tuple(scores.shape)}")
    check_scores("scores", scores, torch.ones_like(scores, dtype=torch.bool) if mask is None else mask)
    if mask is not None:
        scores, wanted = scores.masked_fill(~mask, -torch.inf), wanted.masked_fill(~mask, 0.0)
    total = wanted.sum(1)
    known = total > 0
    if not known.any():
        raise ValueError("no image of the batch has a region: there is nothing to learn from")
    chance = scores.log_softmax(1).masked_fill(wanted == 0, 0.0)
    return -((wanted * chance).sum(1) / total.clamp(min=torch.finfo(total.dtype).tiny))[known].mean()
