"""Summaries of a table of scores runs x tasks: interquartile mean, optimality gap, mean and median of tasks."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ablation_stats._refuse import require_known, sample

Scores = NDArray[np.float64]

IQM_KINDS = ("floor", "fractional")


def iqm(scores: ArrayLike, *, kind: str = "floor") -> float:
    """The interquartile mean: the mean of the middle half of all scores, runs and tasks pooled.

    Agarwal et al., arXiv 2108.13264, section 4.3. It resists outliers as the median does and uses more of the data.

    Args:
        scores: any shape, usually `[runs, tasks]`, on one scale (normalise tasks first).
        kind: where the number of scores is no multiple of 4: "floor" drops floor(n / 4) scores at each end, as
            scipy's `trim_mean` and R's `mean(trim = 0.25)` do; "fractional" drops exactly a quarter by
            giving the two border scores a part of their weight.

    Raises:
        ValueError: unknown kind, no scores, or scores that are not finite.

    >>> iqm([0.0, 1.0, 2.0, 3.0, 100.0]), iqm([0.0, 1.0, 2.0, 3.0, 100.0], kind="fractional")
    (2.0, 2.0)
    """
    require_known(kind, IQM_KINDS, what="kind")
    ordered = np.sort(finite_scores(scores).ravel())
    return float(ordered @ iqm_weights(ordered.size, kind))


def optimality_gap(scores: ArrayLike, *, gamma: float = 1.0) -> float:
    """How far the scores fall short of `gamma` on average; scores beyond it count as `gamma`. Lower is better.

    Agarwal et al., arXiv 2108.13264, section 4.3.

    Args:
        scores: any shape, usually `[runs, tasks]`.
        gamma: the score at which a task counts as solved.

    Raises:
        ValueError: no scores, or numbers that are not finite.

    >>> optimality_gap([[0.5, 2.0], [1.0, 0.5]])
    0.25
    """
    return float(gap_of(require_gamma(gamma))(finite_scores(scores).reshape(1, -1)))


def iqm_weights(size: int, kind: str) -> Scores:
    """Weight of each of `size` scores in rising order; they sum to 1."""
    if kind == "floor":
        kept = np.zeros(size)
        kept[size // 4 : size - size // 4] = 1.0
    else:
        edges = np.clip(np.arange(size + 1), size / 4, size - size / 4)
        kept = np.diff(edges)
    return np.asarray(kept / kept.sum())


def mean_of_tasks(values: Scores) -> Scores:
    """Mean over runs and tasks of scores `[..., runs, tasks]`."""
    return np.asarray(values.mean(axis=(-2, -1)))


def median_of_tasks(values: Scores) -> Scores:
    """Median over tasks of the mean over runs, of scores `[..., runs, tasks]`."""
    return np.asarray(np.median(values.mean(axis=-2), axis=-1))


def gap_of(gamma: float) -> Callable[[Scores], Scores]:
    """The optimality gap of scores `[..., runs, tasks]` for this `gamma`."""
    return lambda values: np.asarray(gamma - np.minimum(values, gamma).mean(axis=(-2, -1)))


def require_gamma(gamma: float) -> float:
    """`gamma` itself.

    Raises:
        ValueError: it is not finite.
    """
    if not np.isfinite(gamma):
        raise ValueError(f"gamma must be finite, got {gamma!r}")
    return gamma


def finite_scores(scores: ArrayLike, *, axes: int | None = None, what: str = "scores") -> Scores:
    """`scores` as floats, with so many `axes` where a number is given.

    Raises:
        ValueError: another number of axes, no scores, NaN or infinity.
    """
    table = np.asarray(scores, dtype=np.float64)
    if axes is not None and table.ndim != axes:
        raise ValueError(f"{what} must have {axes} axes, got shape {table.shape}")
    if table.size == 0:
        raise ValueError(f"{what} must hold at least 1 score, got shape {table.shape}")
    if not np.isfinite(table).all():
        where = [tuple(map(int, each)) for each in np.argwhere(~np.isfinite(table))]
        raise ValueError(f"{what} must be finite; not so at {sample(where)}")
    return table
