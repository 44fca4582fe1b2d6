"""The ways of knowing and their controls: names, options and what they need. Free of torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from relevance_allocator._names import check_counts, check_known, check_switch


@dataclass(frozen=True, kw_only=True)
class Propositional:
    """Local Shannon entropy of the texture; no options."""

    needs: ClassVar[tuple[str, ...]] = ("texture",)


@dataclass(frozen=True, kw_only=True)
class Perspectival:
    """Centre-surround contrast of the texture.

    Attributes:
        scales: radii of the surrounds in patches, 1 or more each.
    """

    needs: ClassVar[tuple[str, ...]] = ("texture", "grid")
    scales: tuple[int, ...] = (1, 2, 4)

    def __post_init__(self) -> None:
        """Checks the scales."""
        object.__setattr__(self, "scales", tuple(self.scales))
        if not self.scales:
            raise ValueError("perspectival needs one scale or more, got none")
        for scale in self.scales:
            check_counts(scale=scale)


@dataclass(frozen=True, kw_only=True)
class ClassAttention:
    """Perspectival, as the encoder sees it: the attention of its class token; no options."""

    needs: ClassVar[tuple[str, ...]] = ("attention",)


@dataclass(frozen=True, kw_only=True)
class Participatory:
    """Trained low-rank cross-attention between question tokens and visual tokens.

    Attributes:
        rank: sum of the heads' widths, a multiple of `heads`.
        heads: 1 or more.
        hidden: width of the layer before the keys, 1 or more.
        texture: whether the texture's means join the features.
    """

    rank: int = 32
    heads: int = 4
    hidden: int = 64
    texture: bool = True

    def __post_init__(self) -> None:
        """Checks the widths."""
        check_counts(rank=self.rank, heads=self.heads, hidden=self.hidden)
        check_switch(texture=self.texture)
        if self.rank % self.heads:
            raise ValueError(f"heads must divide rank, got rank {self.rank} and {self.heads} heads")

    @property
    def needs(self) -> tuple[str, ...]:
        """What it looks at besides the tokens."""
        return ("query", "texture") if self.texture else ("query",)


@dataclass(frozen=True, kw_only=True)
class JointSimilarity:
    """Participatory without training: cosine in the joint space of a CLIP-type encoder.

    Attributes:
        opposite: rank by the negative cosine.
    """

    needs: ClassVar[tuple[str, ...]] = ("joint", "query")
    opposite: bool = False

    def __post_init__(self) -> None:
        """Checks the switch."""
        check_switch(opposite=self.opposite)


@dataclass(frozen=True, kw_only=True)
class Random:
    """Control: noise from the caller's generator; no options."""

    needs: ClassVar[tuple[str, ...]] = ("generator",)


@dataclass(frozen=True, kw_only=True)
class Centre:
    """Control: nearness to the centre of the image; no options."""

    needs: ClassVar[tuple[str, ...]] = ("positions",)


@dataclass(frozen=True, kw_only=True)
class Uniform:
    """Control: everything is equally relevant; no options."""

    needs: ClassVar[tuple[str, ...]] = ()


@dataclass(frozen=True, kw_only=True)
class Oracle:
    """Upper bound: the share of each patch that the answer's regions cover; no options."""

    needs: ClassVar[tuple[str, ...]] = ("grid", "regions")


WAYS: dict[str, type[Any]] = {
    "centre": Centre,
    "class-attention": ClassAttention,
    "joint-similarity": JointSimilarity,
    "oracle": Oracle,
    "participatory": Participatory,
    "perspectival": Perspectival,
    "propositional": Propositional,
    "random": Random,
    "uniform": Uniform,
}


CONTROLS = ("centre", "oracle", "random", "uniform")
"""Ways that do not look at what the image shows."""


def looks_at_content(name: str) -> bool:
    """Whether a way of knowing looks at what the image shows; of ways of one's own that is not known.

    >>> looks_at_content("participatory"), looks_at_content("centre"), looks_at_content("my_package:Way")
    (True, False, False)
    """
    return name in WAYS and name not in CONTROLS


def list_ways() -> list[str]:
    """Names of the ways of knowing and their controls, sorted.

    >>> list_ways()[:2]
    ['centre', 'class-attention']
    """
    return sorted(WAYS)


def way_options(name: str, options: Mapping[str, Any] | None = None) -> Any:
    """The checked options of a way of knowing.

    Args:
        name: one of `list_ways()`.
        options: values for the fields of its options; the others keep their defaults.

    Raises:
        ValueError: an unknown name, an unknown option or a value out of range.

    >>> way_options("participatory", {"rank": 16})
    Participatory(rank=16, heads=4, hidden=64, texture=True)
    """
    check_known("way of knowing", name, WAYS)
    kind = WAYS[name]
    for option in options or {}:
        check_known(f"option of {name}", option, kind.__dataclass_fields__)
    return kind(**(options or {}))
