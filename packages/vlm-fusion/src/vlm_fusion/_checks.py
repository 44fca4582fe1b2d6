"""The checks that every options dataclass shares: one rule, one message each. Free of torch."""

from collections.abc import Iterable
from difflib import get_close_matches
from math import isfinite

Real = int | float  # beartype does not take an int for a float
FEATURE_NORMS = ("none", "layer")
ACTIVATIONS = ("gelu", "relu", "silu", "swiglu")


def require_positive(owner: str, **values: object) -> None:
    """Refuses values that are no finite number above zero.

    Raises:
        ValueError: a value is zero or below, not finite, or no number.

    >>> require_positive("QFormerOptions", query_std=0.02)
    """
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, Real) or not isfinite(value):
            raise ValueError(f"{owner}: {name} must be a finite number, got {value!r}")
        if value <= 0:
            raise ValueError(f"{owner}: {name} must be above 0, got {value!r}")


def require_count(owner: str, **values: object) -> None:
    """Refuses values that are no whole number above zero.

    Raises:
        ValueError: a value is zero or below, or not whole.

    >>> require_count("MlpOptions", depth=2)
    """
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(f"{owner}: {name} must be a whole number, got {value!r}")  # noqa: TRY004  # the value is at fault
    require_positive(owner, **values)


def require_member(owner: str, name: str, value: object, allowed: Iterable[str]) -> None:
    """Refuses a value that is not among the allowed ones, naming the nearest.

    Raises:
        ValueError: the value is unknown.

    >>> require_member("QFormerOptions", "norm", "pre", ("pre", "post"))
    """
    choices = sorted(allowed)
    if value not in choices:
        near = get_close_matches(str(value), choices, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"{owner}: {name} must be one of {', '.join(choices)}, got {value!r}{hint}")


def require_divides(owner: str, divisor: int, width: int, what: str) -> None:
    """Refuses a number of heads that does not divide a width.

    Raises:
        ValueError: a remainder is left.

    >>> require_divides("QFormerOptions", 4, 96, "heads")
    """
    if width % divisor:
        raise ValueError(
            f"{owner}: {what} must divide the width, but {width} / {divisor} leaves {width % divisor}"
        )
