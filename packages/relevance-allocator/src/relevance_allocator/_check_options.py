"""What must hold of an allocator's options, field by field. Free of torch."""

from collections.abc import Mapping, Sequence
from typing import Any

from relevance_allocator._groups import CONTENT, check_groups
from relevance_allocator._names import Number, check_counts, check_fraction, check_known
from relevance_allocator._way_options import way_options

NEUTRAL = {"compress_particularize": 0.5, "exploit_explore": 0.0, "focus_diversify": 0.0}
"""The value at which each tension has no effect."""


def check_tensions(values: Mapping[str, Number]) -> None:
    """Refuses unknown tensions and values outside 0..1.

    Raises:
        ValueError: the name of a tension is unknown, or its value outside 0..1.

    >>> check_tensions({"focus_diversify": 0.0})
    """
    for name, value in values.items():
        check_known("tension", name, NEUTRAL)
        check_fraction(name, value)


def check_ways(ways: Sequence[str], options: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuses ways of knowing that are unknown, repeated or none, and options that they do not have.

    Raises:
        ValueError: names the rule and the value.

    >>> check_ways(["participatory"], {"participatory": {"rank": 16}})
    """
    if not ways or len(set(ways)) < len(ways):
        raise ValueError(f"an allocator needs one or more ways of knowing, each once; got {list(ways)}")
    for name in options:
        check_known("way in way_options", name, ways)
    for name in ways:
        if ":" not in name:
            way_options(name, options.get(name))


def check_texture(ways: Sequence[str], texture: Sequence[str]) -> None:
    """Refuses a texture without content where a way of knowing looks at nothing else.

    Raises:
        ValueError: names the way.

    >>> check_texture(["propositional"], ["rgb", "position"])
    """
    check_groups(texture)
    for name in ("propositional", "perspectival"):
        if name in ways and not set(texture) & set(CONTENT):
            raise ValueError(
                f"{name} looks at the texture groups {', '.join(CONTENT)}; got {', '.join(texture)} only"
            )


def check_tension(name: str, value: str | Number) -> None:
    """Refuses a tension that is neither learned, off, nor a number in 0..1.

    Raises:
        ValueError: names the tension and the value.

    >>> check_tension("focus_diversify", "learned")
    """
    if isinstance(value, str):
        check_known(name, value, ("learned", "off"))
    else:
        check_fraction(name, value)


def check_weighting(weighting: str | Sequence[Number], ways: int) -> None:
    """Refuses weights of the ways that are no distribution over them.

    Raises:
        ValueError: an unknown name, another number of weights than ways, a negative one, or all 0.

    >>> check_weighting((0.0, 0.25, 0.75), 3)
    """
    if isinstance(weighting, str):
        check_known("weighting", weighting, ("equal", "learned"))
        return
    for weight in weighting:
        check_fraction("a weight", weight)
    if len(weighting) != ways or not abs(sum(weighting) - 1) < 1e-6:
        raise ValueError(
            f"weighting needs a weight for each of {ways} ways, together 1; got {list(weighting)}"
        )


def check_fixed_amount(compress_particularize: str | Number, lowest: int | None, highest: int | None) -> None:
    """Refuses what would be without effect under a fixed amount.

    Raises:
        ValueError: compress_particularize is not off, or a range is given.

    >>> check_fixed_amount("off", None, None)
    """
    if compress_particularize != "off":
        raise ValueError(
            'compress_particularize needs amount "priced": a fixed amount leaves it without effect; '
            f'set it to "off", got {compress_particularize!r}'
        )
    if lowest is not None or highest is not None:
        raise ValueError('lowest and highest belong to amount "priced"; the amount is "fixed"')


def check_priced_amount(lowest: int, budget: int, highest: int, placement: str) -> None:
    """Refuses a range that does not hold the mean budget, and the oracle, which takes what it needs.

    Raises:
        ValueError: names the rule and the value.

    >>> check_priced_amount(72, 144, 288, "top-k")
    """
    if placement == "oracle":
        raise ValueError('placement "oracle" takes what the regions need: set amount to "fixed"')
    check_counts(lowest=lowest, highest=highest)
    if not lowest <= budget <= highest:
        raise ValueError(f"need lowest <= budget <= highest, got {lowest}, {budget} and {highest}")
