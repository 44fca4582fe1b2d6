"""All that a way of knowing may look at, and the check that it is there."""

from collections.abc import Sequence
from typing import NamedTuple

import torch

from relevance_allocator._patches import PatchTexture
from relevance_allocator._query import Query
from relevance_allocator._regions import Boxes
from token_budget import VisualTokens


class Scene(NamedTuple):
    """All that a way of knowing may look at.

    Attributes:
        tokens: the encoder's tokens.
        texture: of the same patches.
        query: the question.
        regions: per image the boxes that hold the answer; for the oracle only.
        generator: for the random control only.
    """

    tokens: VisualTokens
    texture: PatchTexture | None = None
    query: Query | None = None
    regions: Sequence[Boxes] | None = None
    generator: torch.Generator | None = None


def one_grid(tokens: VisualTokens) -> tuple[int, int]:
    """The grid that all images of the batch share.

    Raises:
        ValueError: the tokens form no grid, or grids that differ.

    >>> from token_budget import visual_tokens
    >>> one_grid(visual_tokens(torch.zeros(1, 6, 4), grids=torch.tensor([[2, 3]])))
    (2, 3)
    """
    if tokens.grids is None:
        raise ValueError("the tokens form no grid; levels, layout and regions need the encoder's grid")
    if not (tokens.grids == tokens.grids[0]).all():
        raise ValueError(f"the images of a batch must share one grid, got {tokens.grids.tolist()}")
    rows, columns = tokens.grids[0].tolist()
    return rows, columns


def check_needs(name: str, needs: Sequence[str], scene: Scene) -> None:
    """Refuses a scene that lacks what a way of knowing looks at.

    Args:
        name: one of `list_ways()`.
        needs: as its options name them.
        scene: what there is.

    Raises:
        ValueError: names what is missing, or what is of another number of images or patches than the tokens.
    """
    have = {
        "texture": scene.texture is not None,
        "query": scene.query is not None,
        "regions": scene.regions is not None,
        "generator": scene.generator is not None,
        "attention": "attention" in scene.tokens.extras,
        "joint": "joint" in scene.tokens.extras,
        "positions": scene.tokens.positions is not None,
        "grid": scene.tokens.grids is not None,
    }
    missing = [need for need in needs if not have[need]]
    if missing:
        raise ValueError(f"way {name!r} needs {' and '.join(missing)}, which the scene lacks")
    check_same_images(scene)


def check_same_images(scene: Scene) -> None:
    """Refuses a texture, questions or regions of other images than the tokens.

    Raises:
        ValueError: another number of images or patches.

    >>> from token_budget import visual_tokens
    >>> check_same_images(Scene(visual_tokens(torch.zeros(1, 6, 4)), regions=[[]]))
    """
    shape = tuple(scene.tokens.mask.shape)
    if scene.texture is not None and scene.texture.means.shape[:2] != shape:
        raise ValueError(
            f"the texture is of {tuple(scene.texture.means.shape[:2])} patches, the tokens are {shape}"
        )
    for name, count in (
        ("questions", None if scene.query is None else len(scene.query.mask)),
        ("lists of regions", None if scene.regions is None else len(scene.regions)),
    ):
        if count not in (None, shape[0]):
            raise ValueError(f"there are {shape[0]} images and {count} {name}; each image needs its own")
