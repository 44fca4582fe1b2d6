"""Methods that drop visual tokens between the layers of a decoder: names, options, stages. Imports no torch."""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ._names import named_options


class Stage(NamedTuple):
    """From `layer` on (counted from 0), `keep` of the prompt's visual tokens remain.

    Attributes:
        layer: the first layer that sees fewer tokens, 1 and up.
        keep: a share of all visual tokens of the prompt (float, 0..1) or a number of tokens (int).
    """

    layer: int
    keep: float | int


def kept_count(keep: float | int, visual: int) -> int:  # noqa: PYI041 - the two mean different things
    """How many of `visual` tokens remain: an int as it is, a share rounded half up.

    Raises:
        ValueError: an int above `visual`; it is never clamped.

    >>> kept_count(0.5, 577), kept_count(64, 577)
    (289, 64)
    """
    if isinstance(keep, float):
        return math.floor(keep * visual + 0.5)
    if keep > visual:
        raise ValueError(f"cannot keep {keep} of {visual} visual tokens")
    return keep


def _check(stages: tuple[Stage, ...]) -> None:
    if not stages:
        raise ValueError("at least one stage is needed")
    layers = [stage.layer for stage in stages]
    if layers != sorted(set(layers)) or layers[0] < 1:
        raise ValueError(
            f"layers must rise and start at 1 or later (attention has to be read first), got {layers}"
        )
    for stage in stages:
        if stage.keep < 0 or (isinstance(stage.keep, float) and stage.keep > 1):
            raise ValueError(f"keep is a share in 0..1 or a number of tokens from 0, got {stage.keep}")
    for before, after in itertools.pairwise(stages):
        if type(before.keep) is not type(after.keep) or after.keep > before.keep:
            raise ValueError(
                f"keep must not rise and be all shares or all numbers, got {[s.keep for s in stages]}"
            )


@dataclass(frozen=True, kw_only=True)
class FastV:
    """One drop early on, by the last prompt token's attention in the layer before (FastV, arXiv:2403.06764).

    The last token's row is the criterion of the released code. The paper's text names the average over all tokens, of
    which most are image tokens that come too early to see the question.

    Attributes:
        layer: the first layer that sees fewer tokens (the paper's K = 2 leaves layers 0 and 1 whole).
        keep: a share of the visual tokens, 1 - R in the paper, or a number of them.
    """

    layer: int = 2
    keep: float | int = 0.5

    def __post_init__(self) -> None:
        _check(self.stages)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """What remains from which layer on."""
        return (Stage(self.layer, self.keep),)


@dataclass(frozen=True, kw_only=True)
class PyramidDrop:
    """Drops in stages, by the last prompt token's attention at the end of each stage (arXiv:2410.17247).

    Attributes:
        layers: the first layer of each later stage; the default is the paper's for 32 layers.
        keep: what remains from each of those layers on, shares or numbers of the prompt's visual tokens.
    """

    layers: tuple[int, ...] = (8, 16, 24)
    keep: tuple[float | int, ...] = (0.5, 0.25, 0.125)

    def __post_init__(self) -> None:
        if len(self.layers) != len(self.keep):
            raise ValueError(f"one keep for each layer: {len(self.layers)} layers, {len(self.keep)} keeps")
        _check(self.stages)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """What remains from which layer on."""
        return tuple(Stage(*pair) for pair in zip(self.layers, self.keep, strict=True))


@dataclass(frozen=True, kw_only=True)
class VTW:
    """No visual token from a layer on (visual tokens withdrawal, arXiv:2405.05803).

    Attributes:
        layer: the first layer without visual tokens; half of the layers in the paper, 16 of 32.
    """

    layer: int = 16

    def __post_init__(self) -> None:
        _check(self.stages)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """What remains from which layer on."""
        return (Stage(self.layer, 0),)


DecoderMethod = FastV | PyramidDrop | VTW
DECODER_METHODS: dict[str, type[DecoderMethod]] = {"fastv": FastV, "pyramid-drop": PyramidDrop, "vtw": VTW}


def list_decoder_methods() -> list[str]:
    """Names of all methods of `prune_decoder`, sorted.

    >>> list_decoder_methods()
    ['fastv', 'pyramid-drop', 'vtw']
    """
    return sorted(DECODER_METHODS)


def decoder_options(method: str, options: Mapping[str, Any] | None = None) -> DecoderMethod:
    """The checked options of a decoder method, without importing torch.

    Raises:
        ValueError: no such method, no such option, or a value out of its range.

    >>> decoder_options("fastv", {"keep": 64}).stages
    (Stage(layer=2, keep=64),)
    """
    chosen: DecoderMethod = named_options("decoder method", method, DECODER_METHODS, options)
    return chosen
