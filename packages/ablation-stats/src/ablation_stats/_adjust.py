"""p-values corrected for the number of claims tested with them."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ablation_stats._refuse import require_known
from ablation_stats._refuse_arrays import finite_vector

Vector = NDArray[np.float64]


def adjust_pvalues(p: ArrayLike, method: str = "holm") -> Vector:
    """Adjusted p-values, in the order given.

    Args:
        p: p-values of one family, 0..1.
        method: "bonferroni", "holm", "hochberg", "hommel" (family-wise error), "bh", "by" (false discovery rate).

    Raises:
        ValueError: a p outside 0..1 or not finite, no p at all, unknown method.

    >>> [round(float(each), 4) for each in adjust_pvalues([0.04, 0.01, 0.03])]
    [0.06, 0.03, 0.06]
    """
    require_known(method, tuple(METHODS), what="method")
    values = finite_vector(p, what="p")
    if values.min() < 0 or values.max() > 1:
        raise ValueError(f"p must lie in 0..1, got {values[(values < 0) | (values > 1)].tolist()}")
    order = np.argsort(values, kind="stable")
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(METHODS[method](values[order]), 1.0)
    return adjusted


def _bonferroni(p: Vector) -> Vector:
    return p * p.size


def _holm(p: Vector) -> Vector:
    return np.maximum.accumulate(p * np.arange(p.size, 0, -1))


def _hochberg(p: Vector) -> Vector:
    return _running_minimum(p * np.arange(p.size, 0, -1))


def _hommel(p: Vector) -> Vector:
    """Hommel 1988 in Wright's 1992 form: the largest Simes p over all subsets that hold each hypothesis."""
    size = p.size
    adjusted = np.full(size, (size * p / np.arange(1, size + 1)).min())
    for m in range(size - 1, 1, -1):
        low, high = p[: size - m + 1], p[size - m + 1 :]
        smallest = (m * high / np.arange(2, m + 1)).min()
        subset = np.concatenate([np.minimum(m * low, smallest), np.zeros(m - 1)])
        subset[size - m + 1 :] = subset[size - m]
        adjusted = np.maximum(adjusted, subset)
    return np.asarray(np.maximum(adjusted, p))


def _bh(p: Vector) -> Vector:
    return _running_minimum(p * p.size / np.arange(1, p.size + 1))


def _by(p: Vector) -> Vector:
    ranks = np.arange(1, p.size + 1)
    return _running_minimum(p * p.size * float((1 / ranks).sum()) / ranks)


def _running_minimum(p: Vector) -> Vector:
    return np.minimum.accumulate(p[::-1])[::-1]


METHODS: dict[str, Callable[[Vector], Vector]] = {
    "bonferroni": _bonferroni,
    "holm": _holm,
    "hochberg": _hochberg,
    "hommel": _hommel,
    "bh": _bh,
    "by": _by,
}
