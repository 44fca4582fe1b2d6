"""Checks that the option dataclasses share. Free of torch, so that a study is validated at once."""

from collections.abc import Collection, Sequence
from difflib import get_close_matches
from math import inf

Number = int | float
"""A real number; spelt out, because shape checkers take `float` literally."""


def check_known(name: str, value: str, known: Collection[str]) -> None:
    """Refuses a name that is not in the table, and offers the nearest.

    Args:
        name: what the value is, for the message.
        value: the name given.
        known: the names there are.

    Raises:
        ValueError: `value` is not one of `known`.

    >>> check_known("texture group", "labb", ["lab", "rgb"])
    Traceback (most recent call last):
    ValueError: unknown texture group 'labb'; nearest: 'lab'; there are: lab, rgb
    """
    if value not in known:
        near = get_close_matches(str(value), sorted(known), n=1, cutoff=0.4)
        hint = f"; nearest: {near[0]!r}" if near else ""
        raise ValueError(f"unknown {name} {value!r}{hint}; there are: {', '.join(sorted(known))}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def check_fraction(name: str, value: Number) -> None:
    """Refuses a number outside 0..1.

    Raises:
        ValueError: `value` is outside 0..1, or no number.

    >>> check_fraction("focus_diversify", 0.5)
    """
    if not (_is_number(value) and 0 <= value <= 1):
        raise ValueError(f"{name} must be a number in 0..1, got {value!r}")


def check_at_least(lowest: Number, **values: Number) -> None:
    """Refuses numbers below a bound.

    Raises:
        ValueError: one of them is below `lowest`, infinite, or no number.

    >>> check_at_least(1, strength=4.0)
    """
    for name, value in values.items():
        if not (_is_number(value) and lowest <= value < inf):
            raise ValueError(f"{name} must be a number of {lowest} or more, got {value!r}")


def check_positive(**values: Number) -> None:
    """Refuses numbers that are not above 0.

    Raises:
        ValueError: one of them is 0, negative, infinite, or no number.

    >>> check_positive(softness=0.1)
    """
    for name, value in values.items():
        if not (_is_number(value) and 0 < value < inf):
            raise ValueError(f"{name} must be a number above 0, got {value!r}")


def check_counts(**values: int) -> None:
    """Refuses what is not a whole number of 1 or more.

    Raises:
        ValueError: one of them is below 1 or no whole number.

    >>> check_counts(rank=4)
    """
    for name, value in values.items():
        if not (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
            raise ValueError(f"{name} must be a whole number of 1 or more, got {value!r}")


def check_switch(**values: bool) -> None:
    """Refuses what is neither true nor false.

    Raises:
        ValueError: one of them is neither.

    >>> check_switch(cover=True)
    """
    for name, value in values.items():
        if value is not True and value is not False:
            raise ValueError(f"{name} must be true or false, got {value!r}")


def names_of(what: str, names: Sequence[str]) -> tuple[str, ...]:
    """Names as a tuple, as a study's file gives a list of them.

    Raises:
        ValueError: a single string, or something other than strings in it.

    >>> names_of("ways", ["random"])
    ('random',)
    """
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{what} must be a list of names, got {names!r}")
    return tuple(names)
