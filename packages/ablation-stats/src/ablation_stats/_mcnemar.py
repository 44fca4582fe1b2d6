"""McNemar's test of paired 0/1 scores: exact, mid-p and chi-squared, from the discordant pairs."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ablation_stats._binomial import Interval
from ablation_stats._contrast import arm_contrast
from ablation_stats._cube import as_cube
from ablation_stats._refuse import require_level
from ablation_stats._result import Estimate
from ablation_stats._student import SMALLEST_P


@dataclass(frozen=True, kw_only=True)
class McNemar(Estimate):
    """McNemar's test: an `Estimate` of the difference of two paired shares, Tango's interval, the exact p.

    Attributes:
        b: pairs where only the first arm is right; c: where only the second is.
        p_exact: exact binomial, two-sided, also `p_value`; p_mid: its mid-p; chi2: (b - c)^2 / (b + c), p_chi2 its p;
            p_chi2_cc: with continuity correction.
    """

    b: int
    c: int
    p_exact: float
    p_mid: float
    chi2: float
    p_chi2: float
    p_chi2_cc: float


def mcnemar(b: int, c: int, *, n_items: int | None = None, level: float = 0.95) -> McNemar:
    """McNemar's test from the two numbers of discordant pairs.

    Args:
        b: pairs where only the first arm is right.
        c: pairs where only the second arm is right.
        n_items: all pairs; None takes the discordant ones alone, and the estimate is the difference among them.
        level: coverage of Tango's interval of the difference (b - c) / n_items.

    Raises:
        ValueError: a count below 0, or fewer pairs than discordant ones.

    >>> mcnemar(12, 4).p_mid
    0.049041748046875
    """
    from scipy.special import bdtr, chdtrc

    if not all(0 <= count < np.inf and int(count) == count for count in (b, c)):
        raise ValueError(f"b and c must be whole numbers of at least 0, got {b} and {c}")
    total, least = b + c, min(b, c)
    pairs = max(total, 1) if n_items is None else n_items
    if pairs < max(total, 1):
        raise ValueError(f"n_items must be at least b + c = {total} and 1, got {n_items}")
    p_exact = p_mid = p_chi2 = p_corrected = 1.0
    chi2 = 0.0
    if total:
        tail = float(bdtr(least, total, 0.5))
        below = float(bdtr(least - 1, total, 0.5)) if least else 0.0
        p_exact, p_mid = min(1.0, 2 * tail), min(1.0, tail + below)
        chi2 = (b - c) ** 2 / total
        p_chi2 = float(chdtrc(1, chi2))
        p_corrected = float(chdtrc(1, max(abs(b - c) - 1, 0) ** 2 / total))
    interval = tango_ci(b, c, pairs, level=level)
    said = (
        ("Only discordant pairs were given: the estimate is the difference among them.",)
        if n_items is None
        else ()
    )
    return McNemar(
        name="a - b",
        estimate=(b - c) / pairs,
        se=(total - (b - c) ** 2 / pairs) ** 0.5 / pairs,
        ci_low=interval.low,
        ci_high=interval.high,
        level=level,
        p_value=max(p_exact, SMALLEST_P),
        df=None,
        n_items=pairs,
        n_clusters=pairs,
        n_seeds=1,
        unit="item",
        method="McNemar (exact)",
        warnings=said,
        b=int(b),
        c=int(c),
        p_exact=max(p_exact, SMALLEST_P),
        p_mid=max(p_mid, SMALLEST_P),
        chi2=chi2,
        p_chi2=max(p_chi2, SMALLEST_P),
        p_chi2_cc=max(p_corrected, SMALLEST_P),
    )


def mcnemar_test(
    frame: Any,
    *,
    arm: str,
    baseline: str,
    metric: str | None = None,
    task: str | None = None,
    level: float = 0.95,
) -> McNemar:
    """McNemar's test of two arms of a frame with 0/1 scores and one seed.

    Args:
        frame: long frame or cube.
        arm: first arm.
        baseline: second arm.
        metric: metric to read, where the frame holds several.
        task: likewise.
        level: coverage of the interval.

    Raises:
        ValueError: scores other than 0 and 1, or several seeds (use `paired_difference`).
    """
    cube = as_cube(frame, arms=[arm, baseline], metric=metric, task=task)
    contrast = arm_contrast(cube, arm, baseline)
    if not contrast.binary:
        raise ValueError("McNemar's test needs scores that are all 0 or 1; use paired_difference")
    if contrast.scores.shape[0] > 1:
        raise ValueError(
            f"McNemar's test takes one seed, got {contrast.scores.shape[0]}; use paired_difference"
        )
    scores = contrast.scores[0]
    b, c = int(np.count_nonzero(scores > 0)), int(np.count_nonzero(scores < 0))
    found = mcnemar(b, c, n_items=scores.size, level=level)
    clusters = contrast.n_clusters
    said = "Items come in clusters, which McNemar's test takes for independent; paired_difference does not."
    return replace(
        found,
        name=contrast.name,
        metric=contrast.metric,
        arm=arm,
        baseline=baseline,
        n_clusters=clusters,
        warnings=(*contrast.warnings, *((said,) if clusters < scores.size else ())),
    )


def tango_ci(b: int, c: int, n_items: int, *, level: float = 0.95) -> Interval:
    """Tango's score interval of the difference of two paired shares, (b - c) / n; honest with no discordant pair.

    Args:
        b: pairs where only the first arm is right.
        c: pairs where only the second is.
        n_items: all pairs.
        level: coverage.

    Raises:
        ValueError: counts that do not fit `n_items`, or level outside (0, 1).
    """
    from scipy.optimize import brentq
    from scipy.special import ndtri

    require_level(level)
    if min(b, c) < 0 or b + c > n_items or n_items < 1:
        raise ValueError(f"b and c must be at least 0 and sum to at most n_items, got {b}, {c} and {n_items}")
    quantile = float(ndtri(0.5 + level / 2))

    def score(delta: float) -> float:
        linear = -b - c + (2 * n_items - b + c) * delta
        constant = -c * delta * (1 - delta)
        share = (np.sqrt(max(linear**2 - 8 * n_items * constant, 0.0)) - linear) / (4 * n_items)
        variance = n_items * (2 * share + delta * (1 - delta))
        distance = b - c - n_items * delta
        return float(distance / max(variance, 1e-300) ** 0.5)

    centre = (b - c) / n_items
    edge = 1 - 1e-12
    low = -1.0 if centre <= -edge else float(brentq(lambda at: min(score(at), 1e9) - quantile, -edge, centre))
    high = 1.0 if centre >= edge else float(brentq(lambda at: max(score(at), -1e9) + quantile, centre, edge))
    return Interval(low, high)
