"""The width at which a connector costs what another one does."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from token_budget import VisualTokens

from ._checks import require_member
from ._cost import count_macs, count_parameters, example_tokens
from ._create import create_connector
from ._options import connector_options


class Width(NamedTuple):
    """A width, the connector's options with it, and what the connector and what stands beside it cost."""

    width: int
    options: dict[str, Any]
    cost: int


class Fusing(nn.Module):
    """A late connector together with its work on the words, to be counted as one.

    Args:
        connector: has a method `fuse`.
    """

    def __init__(self, connector: nn.Module) -> None:
        super().__init__()
        self.connector: Any = connector

    def forward(self, tokens: VisualTokens, words: int) -> Float[Tensor, "batch {words} width"]:
        """The states of `words` words, which don't matter, after they have met the image."""
        seen = self.connector(tokens)
        hidden = seen.features[:, :1].expand(-1, words, -1)
        return torch.as_tensor(self.connector.fuse(hidden, seen.features, seen.mask))


def connector_cost(
    connector: nn.Module,
    *,
    measure: str,
    vision_width: int,
    image_tokens: int,
    text_tokens: int | None = None,
) -> int:
    """Parameters, or multiply-accumulates over one image (and one text where they meet in it), of a connector.

    Gated cross-attention's MACs are those of its keys and values; what its blocks do to the words is not counted.

    Args:
        connector: may stand on the meta device.
        measure: `parameters` or `macs`.
        vision_width: units of the tokens that come in.
        image_tokens: tokens of the image.
        text_tokens: words of the text; late fusion's MACs grow with it, nobody else's.

    Raises:
        ValueError: the measure is unknown, or late fusion's MACs are asked for without a text.
    """
    require_member("connector_cost", "measure", measure, ("macs", "parameters"))
    if measure == "parameters":
        return count_parameters(connector)
    tokens = example_tokens(image_tokens, vision_width)
    if getattr(connector, "shape", "prefix") != "late":
        return count_macs(connector, tokens)
    if text_tokens is None:
        raise ValueError("late fusion works on every word, so its macs need text_tokens")
    return count_macs(Fusing(connector), tokens, text_tokens)


def solve_width(
    name: str,
    *,
    target: int,
    measure: str,
    vision_width: int,
    language_width: int,
    image_tokens: int,
    text_tokens: int | None = None,
    beside: int = 0,
    tolerance: float = 0.01,
    **options: Any,
) -> Width:
    """The width at which a connector, with what stands beside it, comes within `tolerance` of a cost.

    Widths are multiples of the heads. Where that is too coarse, the feed-forward's hidden units, or the width of the
    values where there is no feed-forward, are fitted too, and stand in the options that come back.

    Args:
        name: a connector with an option `width`.
        target: the cost to be met, `beside` included.
        measure: `parameters` or `macs`.
        vision_width: units of the tokens that come in.
        language_width: units of the language model's word vectors.
        image_tokens: tokens of the image.
        text_tokens: words of the text, needed to match the MACs of late fusion.
        beside: cost of the rest of the model; 0 matches the connector alone.
        tolerance: greatest relative distance from the target.
        options: of the connector, without its width.

    Raises:
        ValueError: the connector has no width, the options hold one, or no width comes near enough.

    >>> solve_width("mlp", target=1000, measure="parameters", vision_width=8, language_width=8, image_tokens=4).width
    58
    """
    if "width" in options:
        raise ValueError(f"the width of {name} is solved for, so it cannot be given: {options['width']}")
    chosen = connector_options(name, **options)
    if not hasattr(chosen, "width"):
        raise ValueError(f"{name} has no width that could be solved for to match {measure}")

    def cost(found: dict[str, Any]) -> int:
        with torch.device("meta"):
            made = create_connector(name, vision_width=vision_width, language_width=language_width, **found)
        tokens: dict[str, Any] = {"image_tokens": image_tokens, "text_tokens": text_tokens}
        return beside + connector_cost(made, measure=measure, vision_width=vision_width, **tokens)

    step = least_common_step(chosen)
    width = step * nearest(lambda multiple: cost({**options, "width": multiple * step}), target)
    found = {**options, "width": width}
    finer = finer_steps(chosen, width)
    if abs(cost(found) - target) > tolerance * target and finer is not None:
        found |= finer(nearest(lambda number: cost({**found, **finer(number)}), target))
    reached = cost(found)
    if abs(reached - target) > tolerance * target:
        raise ValueError(
            f"no width of {name} comes within {tolerance:.1%} of {target} {measure}: the nearest, {width}, costs {reached}"
        )
    return Width(width, found, reached)


def least_common_step(options: Any) -> int:
    """What a width must be a multiple of: the heads, and 4 where position codes are added at that width."""
    heads = getattr(options, "heads", 1)
    coded = getattr(options, "positions", "none") == "sinusoidal"
    return heads if not coded or heads % 4 == 0 else heads * (4 if heads % 2 else 2)


def finer_steps(options: Any, width: int) -> Callable[[int], dict[str, Any]] | None:
    """The option, by a number from 1, whose steps change the cost less than those of the width; None without one."""
    if hasattr(options, "feed_forward_multiple"):
        return lambda units: {"feed_forward_multiple": units / width}
    if hasattr(options, "value_width"):
        return lambda slices: {"value_width": slices * options.heads}
    return None


def nearest(cost: Callable[[int], int], target: int) -> int:
    """The number, 1 or more, at which a growing cost is nearest to a target."""
    high = 1
    while cost(high) < target and high < 2**24:
        high *= 2
    low = max(1, high // 2)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if cost(middle) < target else (low, middle)
    return min((max(1, low - 1), low), key=lambda number: abs(cost(number) - target))
