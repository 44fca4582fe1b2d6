"""Checks of a caller's arrays: each says the rule and the value, none repairs."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ablation_stats._refuse import sample

# Larger scores overflow when they are squared and summed.
LARGEST_SCORE = 1e100


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
