"""The knee of a dose-response curve as the breakpoint of two straight lines in log2 of the dose."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ablation_stats._refuse import sample
from ablation_stats._refuse_arrays import paired_vectors
from ablation_stats._result import Tabular

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class BrokenStick(Tabular):
    """Two lines that meet at the knee.

    Attributes:
        knee: dose at which they meet; log2_knee: its logarithm.
        score: height there.
        slope_before: score per doubling below the knee; slope_after: above it.
        rss: residual sum of squares; rss_line: that of one straight line.
    """

    knee: float
    log2_knee: float
    score: float
    slope_before: float
    slope_after: float
    rss: float
    rss_line: float


def knee_broken_stick(dose: ArrayLike, score: ArrayLike) -> BrokenStick:
    """The broken line in log2(dose) with the least squares, over all breakpoints between the second and the last but one dose.

    The minimum is exact: between two doses the best broken line is the two lines fitted apart, where they meet there,
    and otherwise the break lies on a dose (Hudson, JASA 61 (1966) 1097).

    Args:
        dose: distinct, above 0, at least 5.
        score: one per dose.

    Raises:
        ValueError: fewer than 5 doses, one twice or not above 0, or scores on one straight line, which has no knee.

    >>> round(knee_broken_stick([1, 2, 4, 8, 16, 32], [0.0, 0.1, 0.2, 0.3, 0.3, 0.3]).knee, 6)
    8.0
    """
    x, y = doses_and_scores(dose, score, least=5)
    found = broken_sticks(x, y[None])
    centred_x, centred_y = x - x.mean(), y - y.mean()
    slope = float(centred_x @ centred_y / (centred_x @ centred_x))
    rss_line = float(((centred_y - slope * centred_x) ** 2).sum())
    if rss_line - found.rss[0] <= 1e-10 * float(centred_y @ centred_y):
        raise ValueError("the scores lie on one straight line in log2(dose): there is no knee")
    return BrokenStick(
        knee=float(2.0 ** found.knee[0]),
        log2_knee=float(found.knee[0]),
        score=float(found.score[0]),
        slope_before=float(found.before[0]),
        slope_after=float(found.after[0]),
        rss=float(found.rss[0]),
        rss_line=rss_line,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class BrokenSticks:
    """The best broken line of every row: knee (log2 of the dose), height there, both slopes, residual sum of squares."""

    knee: Array
    score: Array
    before: Array
    after: Array
    rss: Array


def broken_sticks(x: Array, scores: Array) -> BrokenSticks:
    """Best broken lines through `scores [rows, doses]` at rising `x` (log2 of the dose)."""
    best = np.full((5, scores.shape[0]), np.inf)
    for at in range(1, x.size - 1):
        _keep_better(best, _break_on(x, scores, x[at]))
        if at > 1:
            _keep_better(best, _break_between(x, scores, at))
    return BrokenSticks(knee=best[1], score=best[2], before=best[3], after=best[4], rss=best[0])


def doses_and_scores(dose: ArrayLike, score: ArrayLike, *, least: int) -> tuple[Array, Array]:
    """log2 of the doses, rising, and the scores in that order.

    Raises:
        ValueError: fewer than `least`, a dose not above 0 or twice.
    """
    doses, scores = in_rising_order(dose, score, least=least)
    if (doses <= 0).any():
        raise ValueError(f"dose must be above 0, got {sample(doses[doses <= 0].tolist())}")
    return np.log2(doses), scores


def in_rising_order(dose: ArrayLike, score: ArrayLike, *, least: int) -> tuple[Array, Array]:
    """Distinct doses, rising, and the scores in that order.

    Raises:
        ValueError: fewer than `least`, or a dose twice.
    """
    doses, scores = paired_vectors(dose, score, least=least)
    order = np.argsort(doses, kind="stable")
    if (np.diff(doses[order]) == 0).any():
        raise ValueError(f"dose must name each dose once, got {sample(doses[order].tolist())}")
    return doses[order], scores[order]


def _keep_better(best: Array, found: Array) -> None:
    better = found[0] < best[0]
    best[:, better] = found[:, better]


def _break_on(x: Array, scores: Array, knee: float) -> Array:
    """Fit with the break at `knee`: residuals, knee, height, slopes."""
    design = np.stack([np.ones_like(x), x - knee, np.maximum(x - knee, 0.0)], axis=1)
    height, before, bend = np.linalg.pinv(design) @ scores.T
    rest = scores.T - design @ np.stack([height, before, bend])
    return np.stack([(rest**2).sum(axis=0), np.full(height.shape, knee), height, before, before + bend])


def _break_between(x: Array, scores: Array, at: int) -> Array:
    """Fit of separate lines left and right of `at`; infinitely bad where they do not meet between the two doses."""
    (left, before, rss_left), (right, after, rss_right) = (
        _line(x[side], scores[:, side]) for side in (slice(None, at), slice(at, None))
    )
    bend = before - after
    knee = np.divide(right - left, bend, out=np.full(bend.shape, np.nan), where=bend != 0)
    meets = (knee >= x[at - 1]) & (knee <= x[at])
    rss = np.where(meets, rss_left + rss_right, np.inf)
    return np.stack([rss, knee, left + before * knee, before, after])


def _line(x: Array, scores: Array) -> tuple[Array, Array, Array]:
    """Intercept, slope and residual sum of squares per row."""
    design = np.stack([np.ones_like(x), x], axis=1)
    intercept, slope = np.linalg.pinv(design) @ scores.T
    rest = scores.T - design @ np.stack([intercept, slope])
    return intercept, slope, (rest**2).sum(axis=0)
