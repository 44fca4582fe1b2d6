"""Checks of a caller's input: each says the rule and the value, none repairs."""

import difflib
from collections.abc import Collection, Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

SHOWN = 5
# Larger scores overflow when they are squared and summed.
LARGEST_SCORE = 1e100


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
    if not (np.isfinite(value) and value > 0):
        raise ValueError(f"{what} must be a finite number above 0, got {value!r}")


def finite_vector(values: ArrayLike, *, what: str, least: int = 1) -> NDArray[np.float64]:
    """`values` as a one-axis float array, refused if not finite or too short.

    Raises:
        ValueError: more than one axis, fewer than `least` values, NaN or infinity.
    """
    vector = np.asarray(values, dtype=np.float64)
    if vector.ndim != 1:
        raise ValueError(f"{what} must have one axis, got shape {vector.shape}")
    if vector.size < least:
        raise ValueError(f"{what} must hold at least {least} value(s), got {vector.size}")
    if not (np.abs(vector) <= LARGEST_SCORE).all():
        where = np.flatnonzero(~(np.abs(vector) <= LARGEST_SCORE))
        raise ValueError(
            f"{what} must be finite and at most {LARGEST_SCORE:g} in size; not so at positions {sample(where.tolist())}"
        )
    return vector


def label_codes(labels: ArrayLike, size: int, *, what: str) -> NDArray[np.int64]:
    """Dense codes of `size` labels, in the order of the sorted labels.

    Raises:
        ValueError: another number of labels, or a label that is missing (None or NaN).
    """
    given = np.asarray(labels)
    if given.shape != (size,):
        raise ValueError(f"{what} must label every one of {size} values, got shape {given.shape}")
    missing = np.zeros(size, dtype=bool)
    if given.dtype.kind == "f":
        missing = np.isnan(given)
    elif given.dtype.kind == "O":
        missing = np.array(
            [each is None or (isinstance(each, float) and np.isnan(each)) for each in given.tolist()],
            dtype=bool,
        )
    if missing.any():
        raise ValueError(
            f"{what} must have no missing label; positions {sample(np.flatnonzero(missing))} have none"
        )
    return np.unique(given, return_inverse=True)[1].astype(np.int64)


def paired_vectors(
    a: ArrayLike, b: ArrayLike, *, least: int = 2
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two finite vectors of equal length, paired by position.

    Raises:
        ValueError: the lengths differ, or either vector is refused by `finite_vector`.
    """
    first, second = finite_vector(a, what="a", least=least), finite_vector(b, what="b", least=least)
    if first.size != second.size:
        raise ValueError(f"a and b must pair one to one, got {first.size} and {second.size} values")
    return first, second
