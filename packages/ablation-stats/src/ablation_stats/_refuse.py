"""Checks of a caller's names and numbers: each says the rule and the value, none repairs."""

import difflib
import math
from collections.abc import Collection, Iterable

SHOWN = 5


def sample(ids: Iterable[object]) -> str:
    """The first few of `ids` for an error message, and how many more there are."""
    listed = list(ids)
    text = ", ".join(str(each) for each in listed[:SHOWN])
    return text if len(listed) <= SHOWN else f"{text}, … ({len(listed)} in all)"


def require_known(name: object, known: Collection[object], *, what: str) -> None:
    """Raise for a `name` that is not one of `known`, with the nearest one that is.

    Raises:
        ValueError: `name` is not in `known`.
    """
    if name in known:
        return
    near = difflib.get_close_matches(str(name), [str(each) for each in known], n=1, cutoff=0.4)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"{what} must be one of {sample(sorted(map(str, known)))}, got {name!r}{hint}")


def require_level(level: float) -> None:
    """Raise unless `level` lies strictly between 0 and 1.

    Raises:
        ValueError: `level` is outside (0, 1).
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must lie strictly between 0 and 1, got {level!r}")


def require_positive(value: float, *, what: str) -> None:
    """Raise unless `value` is a finite number above zero.

    Raises:
        ValueError: `value` is not finite or not above zero.
    """
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{what} must be a finite number above 0, got {value!r}")
