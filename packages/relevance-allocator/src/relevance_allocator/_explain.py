"""One question about one image, explained in pictures."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from relevance_allocator._allocator import Allocated, RelevanceAllocator
from relevance_allocator._drawing import beside, captioned, draw_regions, enlarged
from relevance_allocator._overlay import overlay
from relevance_allocator._patches import PatchTexture, patch_texture
from relevance_allocator._query import Query
from relevance_allocator._regions import Boxes
from relevance_allocator._scene import one_grid
from relevance_allocator._show_allocation import show_allocation
from token_budget import VisualTokens


@torch.no_grad()
def explain(
    allocator: RelevanceAllocator,
    image: Image.Image | Float[Tensor, "3 height width"],
    tokens: VisualTokens,
    query: Query | None = None,
    *,
    texture: PatchTexture | None = None,
    regions: Sequence[Boxes] | None = None,
    budget: int | None = None,
    generator: torch.Generator | None = None,
) -> dict[str, Image.Image]:
    """Pictures by name: a heat map of each way of knowing, their combination, and what was kept at which level.

    The names are `image`, those of the allocator's ways of knowing, `relevance`, `allocation`, and `summary`, which has
    all of them side by side with the tensions in numbers. Save each with `.save("NAME.png")`.

    Args:
        allocator: in evaluation mode.
        image: as the encoder saw it (resized or cropped alike); a picture, or sRGB in 0..1.
        tokens: of this one image, with their grid.
        query: the question.
        texture: of the same patches, stored; None measures it on `image` if the allocator looks at it.
        regions: of this one image the boxes that hold the answer; drawn in white, and what the oracle looks at.
        budget: as for the allocator.
        generator: for the random control.

    Raises:
        ValueError: an allocator in training mode, tokens of several images, or what the allocator refuses.

    >>> from token_budget import grid_positions, visual_tokens
    >>> from relevance_allocator import create_allocator, query_tokens
    >>> tokens = visual_tokens(
    ...     torch.randn(1, 64, 8), grids=torch.tensor([[8, 8]]), positions=grid_positions(8, 8)[None]
    ... )
    >>> allocator = create_allocator("all-ways", dim=8, query_dim=6, budget=16, placement="levels").eval()
    >>> pictures = explain(allocator, torch.rand(3, 128, 128), tokens, query_tokens(torch.randn(1, 5, 6)))
    >>> list(pictures)
    ['image', 'propositional', 'perspectival', 'participatory', 'relevance', 'allocation', 'summary']
    """
    if allocator.training:
        raise ValueError("explain shows what is done at evaluation: call allocator.eval() first")
    if len(tokens.mask) != 1:
        raise ValueError(f"explain draws one image, got tokens of {len(tokens.mask)}")
    grid = one_grid(tokens)
    if texture is None and "texture" in allocator.options.needs:
        texture = patch_texture(_pixels(image).to(tokens.mask.device), grid, groups=allocator.options.texture)
    allocated = allocator(tokens, query, texture=texture, regions=regions, budget=budget, generator=generator)
    return _pictures(_picture(image), allocated, grid, regions[0] if regions else ())


def _pixels(image: Image.Image | Float[Tensor, "3 height width"]) -> Float[Tensor, "1 3 height width"]:
    if isinstance(image, Tensor):
        return image[None].float()
    return torch.from_numpy(np.array(image.convert("RGB"), dtype=np.float32) / 255).permute(2, 0, 1)[None]


def _picture(image: Image.Image | Float[Tensor, "3 height width"]) -> Image.Image:
    if not isinstance(image, Tensor):
        return image
    pixels = (image.float() * 255).round().clamp(0, 255).byte()
    return Image.fromarray(pixels.permute(1, 2, 0).cpu().numpy())


def _pictures(
    image: Image.Image, allocated: Allocated, grid: tuple[int, int], regions: Boxes
) -> dict[str, Image.Image]:
    plain = enlarged(image)
    draw_regions(plain, regions)
    maps = {name: one[0] for name, one in {**allocated.maps, "relevance": allocated.relevance}.items()}
    heats = {name: overlay(image, one, grid, regions=regions) for name, one in maps.items()}
    kept = show_allocation(image, allocated.allocation, grid, regions=regions)
    panels = {"image": plain, **heats, "allocation": kept}
    tensions = [
        f"{name.replace('_', '/')} {float(one):.2f}" for name, one in allocated.tensions._asdict().items()
    ]
    weights = [
        f"{name} {weight:.2f}"
        for name, weight in zip(allocated.maps, allocated.weights.tolist(), strict=True)
    ]
    notes = ["weights: " + ", ".join(weights), "tensions: " + ", ".join(tensions)]
    single = {name: captioned(heat, title=name, scale=True) for name, heat in heats.items()}
    summary = captioned(beside(panels), foot=notes, scale=True)
    return {"image": plain, **single, "allocation": kept, "summary": summary}
