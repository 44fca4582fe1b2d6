"""The ways of knowing behind one call: a scene goes in, a raw score per token comes out."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from relevance_allocator import _way_options
from relevance_allocator._blind import class_attention, perspectival, propositional
from relevance_allocator._participatory import Participatory, joint_similarity
from relevance_allocator._regions import region_coverage
from relevance_allocator._scene import Scene, check_needs, one_grid

Way = Callable[[Scene], Float[Tensor, "batch tokens"]]


class ParticipatoryWay(nn.Module):
    """`Participatory` on a scene."""

    def __init__(self, coupling: Participatory, *, needs: Sequence[str]) -> None:
        """Takes the trained part, and what it looks at: the texture or not."""
        super().__init__()
        self.coupling, self.needs = coupling, tuple(needs)

    def forward(self, scene: Scene) -> Float[Tensor, "batch tokens"]:
        """Raw scores."""
        check_needs("participatory", self.needs, scene)
        texture = scene.texture if "texture" in self.needs else None
        scores: Tensor = self.coupling(scene.tokens, scene.query, texture)
        return scores


def _centre(scene: Scene) -> Float[Tensor, "batch tokens"]:
    distance: Tensor = (cast(Tensor, scene.tokens.positions) - 0.5).norm(dim=-1)
    return -distance


def _random(scene: Scene) -> Float[Tensor, "batch tokens"]:
    assert scene.generator is not None  # check_needs has seen to it
    mask, where = scene.tokens.mask, scene.generator.device
    return torch.rand(mask.shape, generator=scene.generator, device=where).to(mask.device)


def _build_participatory(
    options: _way_options.Participatory, dim: int, query_dim: int | None, channels: int
) -> Way:
    if query_dim is None:
        raise ValueError("participatory needs query_dim, the width of the question's token embeddings")
    if options.texture and not channels:
        raise ValueError("participatory joins the texture: it needs texture_channels, or texture=False")
    coupling = Participatory(
        dim,
        query_dim,
        texture_channels=channels if options.texture else 0,
        rank=options.rank,
        heads=options.heads,
        hidden=options.hidden,
    )
    return ParticipatoryWay(coupling, needs=options.needs)


BUILDERS: Mapping[str, Callable[[Any, int, int | None, int], Way]] = {
    "centre": lambda *_: _centre,
    "class-attention": lambda *_: lambda scene: class_attention(scene.tokens.extras["attention"]),
    "joint-similarity": lambda options, *_: (
        lambda scene: joint_similarity(scene.tokens, scene.query, opposite=options.opposite)
    ),
    "oracle": lambda *_: (
        lambda scene: region_coverage(scene.regions, one_grid(scene.tokens), device=scene.tokens.mask.device)
    ),
    "participatory": _build_participatory,
    "perspectival": lambda options, *_: (
        lambda scene: perspectival(scene.texture, one_grid(scene.tokens), scales=options.scales)
    ),
    "propositional": lambda *_: lambda scene: propositional(scene.texture),
    "random": lambda *_: _random,
    "uniform": lambda *_: lambda scene: torch.zeros_like(scene.tokens.mask, dtype=torch.float32),
}


def create_way(
    name: str,
    options: Mapping[str, Any] | None = None,
    *,
    dim: int,
    query_dim: int | None = None,
    texture_channels: int = 0,
) -> Way:
    """A way of knowing: called with a `Scene` it gives a raw score per token, higher for more relevant.

    Args:
        name: one of `list_ways()`; or `package.module:Name`, called with `dim`, `query_dim`, `texture_channels` and
            the options as keywords, which returns such a callable (an `nn.Module` if it is to be trained).
        options: values for the fields of its options.
        dim: width of the visual tokens.
        query_dim: width of the question's token embeddings.
        texture_channels: channels of the texture.

    Raises:
        ValueError: an unknown name or option, a value out of range, or a width that the way needs is missing.

    >>> from token_budget import visual_tokens
    >>> create_way("uniform", dim=4)(Scene(visual_tokens(torch.zeros(1, 2, 4))))
    tensor([[0., 0.]])
    """
    if ":" in name:
        return _own(name)(dim=dim, query_dim=query_dim, texture_channels=texture_channels, **(options or {}))
    checked = _way_options.way_options(name, options)
    way = BUILDERS[name](checked, dim, query_dim, texture_channels)
    return way if isinstance(way, nn.Module) else _checked(name, checked.needs, way)


def _checked(name: str, needs: Sequence[str], way: Way) -> Way:
    def score(scene: Scene) -> Float[Tensor, "batch tokens"]:
        check_needs(name, needs, scene)
        return way(scene)

    return score


def _own(name: str) -> Callable[..., Way]:
    module_name, _, attribute = name.partition(":")
    try:
        found: Callable[..., Way] = getattr(import_module(module_name), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"{name!r} names no way of knowing: {error}") from error
    return found
