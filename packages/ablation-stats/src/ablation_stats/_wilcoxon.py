"""Wilcoxon's signed-rank test, exact or normal, with zeros and ties handled as named."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ablation_stats._effect_size import differences
from ablation_stats._refuse import require_known, require_level
from ablation_stats._result import Estimate
from ablation_stats._student import SMALLEST_P, t_quantile
from ablation_stats._walsh import walsh_median, walsh_order

ALTERNATIVES = ("two-sided", "greater", "less")
ZEROS = ("wilcox", "pratt", "zsplit")
LARGEST_EXACT = 50
LARGEST_EXACT_FORCED = 300

Vector = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Wilcoxon(Estimate):
    """Signed-rank test: an `Estimate` of Hodges and Lehmann's shift.

    The interval is infinite where too few pairs leave every shift possible; the standard error is the interval's
    half width in normal units.

    Attributes:
        statistic: sum of the ranks of the positive differences (R's V).
        zeros: differences of 0; ties: whether ranks are shared.
        alternative: "two-sided", "greater" or "less"; `p_value` is of symmetry about 0 against it.
    """

    statistic: float
    zeros: int
    ties: bool
    alternative: str


def wilcoxon_signed_rank(
    a: ArrayLike,
    b: ArrayLike | None = None,
    *,
    alternative: str = "two-sided",
    zeros: str = "wilcox",
    method: str = "auto",
    correction: bool = False,
    level: float = 0.95,
) -> Wilcoxon:
    """Wilcoxon's signed-rank test of paired scores or of differences.

    Differences that should tie but differ in the last bits do not tie: round the scores first.

    Args:
        a: scores of the first arm, or differences.
        b: scores of the second, paired by position; None where `a` holds differences.
        alternative: "two-sided", "greater" (a above b) or "less".
        zeros: differences of 0 are dropped ("wilcox"), ranked and then dropped ("pratt"), or ranked and split
            between the signs ("zsplit"; their ranks count in the normal variance, as in scipy).
        method: "exact" (also with ties, conditional on them; to 300 pairs), "normal", or "auto": exact to 50
            pairs without ties or zeros.
        correction: continuity correction of the normal method.
        level: coverage of the interval of the shift.

    Raises:
        ValueError: unknown names, unequal lengths, values not finite, more than 300 pairs for "exact".

    >>> wilcoxon_signed_rank([1.0, 2.0, 3.0, -0.5]).p_value
    0.25
    """
    require_known(alternative, ALTERNATIVES, what="alternative")
    require_known(zeros, ZEROS, what="zeros")
    require_known(method, ("auto", "exact", "normal"), what="method")
    require_level(level)
    gaps = differences(a, b)
    n_zero = int(np.count_nonzero(gaps == 0))
    used = gaps[gaps != 0] if zeros == "wilcox" else gaps
    ranks = _midranks(np.abs(used))
    signs = np.sign(used)
    kept = ranks[signs != 0]
    positive = float(ranks[signs > 0].sum()) + (
        float(ranks[signs == 0].sum()) / 2 if zeros == "zsplit" else 0.0
    )
    ties = bool(np.unique(np.abs(used)).size < used.size)
    exact = method == "exact" or (
        method == "auto" and not ties and n_zero == 0 and used.size <= LARGEST_EXACT
    )
    if exact and used.size > LARGEST_EXACT_FORCED:
        raise ValueError(
            f"an exact test takes at most {LARGEST_EXACT_FORCED} pairs, got {used.size}; use 'normal'"
        )
    warnings: tuple[str, ...] = ()
    if kept.size == 0:
        p, warnings = 1.0, ("Every difference is 0: nothing is tested.",)
    elif exact:
        offset = float(ranks[signs == 0].sum()) / 2 if zeros == "zsplit" else 0.0
        p = _exact_p(kept, positive - offset, alternative)
    else:
        p = _normal_p(ranks, kept, signs, positive, alternative, zeros, correction)
    low, high = _shift_interval(gaps, level)
    if kept.size and low == high:
        warnings = (
            "Every difference is the same: the interval has no width and does not say how sure the shift is.",
        )
    if np.isinf(low):
        said = f"With {gaps.size} pairs no shift can be excluded at this level: the interval is infinite."
        warnings = (*warnings, said)
    return Wilcoxon(
        name="a - b",
        estimate=walsh_median(gaps),
        se=(high - low) / 2 / t_quantile(0.5 + level / 2, np.inf),
        df=None,
        n_clusters=gaps.size,
        n_seeds=1,
        unit="item",
        ci_low=low,
        ci_high=high,
        level=level,
        statistic=positive,
        p_value=min(1.0, max(p, SMALLEST_P)),
        n_items=gaps.size,
        zeros=n_zero,
        ties=ties,
        alternative=alternative,
        method=f"Wilcoxon ({'exact' if exact else 'normal'}, zeros {zeros})",
        warnings=warnings,
    )


def _midranks(values: Vector) -> Vector:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2.0)[inverse])


def _exact_p(ranks: Vector, positive: float, alternative: str) -> float:
    """P over all signs of these ranks, by counting sums of doubled ranks (whole numbers even with ties)."""
    doubled = np.round(2 * ranks).astype(np.int64)
    total = int(doubled.sum())
    chances = np.zeros(total + 1)
    chances[0] = 1.0
    for rank in doubled:
        moved = chances[: total + 1 - rank] / 2
        chances /= 2
        chances[rank:] += moved
    at = round(2 * positive)
    upper, lower = float(chances[at:].sum()), float(chances[: at + 1].sum())
    return {"greater": upper, "less": lower, "two-sided": 2 * min(upper, lower)}[alternative]


def _normal_p(
    ranks: Vector,
    kept: Vector,
    signs: Vector,
    positive: float,
    alternative: str,
    zeros: str,
    correction: bool,
) -> float:
    from scipy.special import ndtr

    moved = ranks if zeros == "zsplit" else kept
    mean = float(moved.sum()) / 2
    spread = float((moved**2).sum() / 4) ** 0.5
    distance = positive - mean
    if correction:
        step = {"two-sided": 0.5 * np.sign(distance), "greater": 0.5, "less": -0.5}[alternative]
        distance -= step
    z = distance / spread
    tails = {"greater": float(ndtr(-z)), "less": float(ndtr(z)), "two-sided": 2 * float(ndtr(-abs(z)))}
    return tails[alternative]


def _shift_interval(gaps: Vector, level: float) -> tuple[float, float]:
    """Order statistics of the Walsh averages: exact counts to 50 pairs, normal quantiles above."""
    from scipy.special import ndtri

    n = gaps.size
    count = n * (n + 1) // 2
    alpha = (1 - level) / 2
    if n <= LARGEST_EXACT:
        chances = np.ones(1)
        for rank in range(1, n + 1):
            chances = (
                np.concatenate([chances, np.zeros(rank)]) / 2 + np.concatenate([np.zeros(rank), chances]) / 2
            )
        skipped = int(np.searchsorted(np.cumsum(chances), alpha + 1e-12, side="right"))
    else:
        skipped = round(count / 2 + float(ndtri(alpha)) * (n * (n + 1) * (2 * n + 1) / 24) ** 0.5)
    if skipped < 1:
        return -np.inf, np.inf
    low, high = walsh_order(gaps, [skipped - 1, count - skipped])
    return low, high
