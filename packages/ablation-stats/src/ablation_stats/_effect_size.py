"""Standardised and rank-based sizes of a difference; each convention has its own name."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ablation_stats._refuse import require_known
from ablation_stats._refuse_arrays import finite_vector, paired_vectors
from ablation_stats._walsh import walsh_median

KINDS = ("pooled", "z", "av", "rm")


def cohens_d(a: ArrayLike, b: ArrayLike, *, kind: str = "pooled") -> float:
    """Cohen's d of a minus b.

    Args:
        a: scores of the first arm.
        b: scores of the second; paired with `a` by position for all kinds but "pooled".
        kind: divisor: "pooled" standard deviation of two samples; "z" that of the differences; "av" the root mean
            of both variances; "rm" d_z times sqrt(2 (1 - r)), for repeated measures.

    Raises:
        ValueError: unknown kind, too few or unpaired values, or a divisor of 0.

    >>> round(cohens_d([1, 2, 3, 4], [3, 4, 5, 6, 7]), 6)
    -1.707825
    """
    require_known(kind, KINDS, what="kind")
    if kind == "pooled":
        first, second = finite_vector(a, what="a", least=2), finite_vector(b, what="b", least=2)
        df = first.size + second.size - 2
        spread = math.sqrt(
            ((first.size - 1) * first.var(ddof=1) + (second.size - 1) * second.var(ddof=1)) / df
        )
        return _divided(float(first.mean() - second.mean()), spread, kind)
    first, second = paired_vectors(a, b)
    difference = first - second
    mean = float(difference.mean())
    if kind == "av":
        return _divided(mean, math.sqrt((first.var(ddof=1) + second.var(ddof=1)) / 2), kind)
    spread = float(difference.std(ddof=1))
    size = _divided(mean, spread, kind)
    if kind == "z":
        return size
    if first.std() == 0 or second.std() == 0:
        raise ValueError("kind 'rm' needs scores that vary in both arms: their correlation is not defined")
    correlation = float(np.corrcoef(first, second)[0, 1])
    return size * math.sqrt(2 * (1 - correlation))


def hedges_g(a: ArrayLike, b: ArrayLike, *, kind: str = "pooled", correction: str = "exact") -> float:
    """Hedges' g: Cohen's d freed of its bias in small samples.

    Args:
        a: scores of the first arm.
        b: scores of the second.
        kind: "pooled" for two samples, "z" for pairs.
        correction: "exact" (gamma functions) or "approximate" (1 - 3 / (4 df - 1)); they differ in the fifth digit.

    Raises:
        ValueError: unknown kind or correction, or as `cohens_d`.
    """
    require_known(kind, ("pooled", "z"), what="kind")
    require_known(correction, ("exact", "approximate"), what="correction")
    size = cohens_d(a, b, kind=kind)
    df = np.size(a) + np.size(b) - 2 if kind == "pooled" else np.size(a) - 1
    if correction == "approximate":
        return size * (1 - 3 / (4 * df - 1))
    if df < 2:
        raise ValueError("Hedges' exact correction needs at least 2 degrees of freedom (3 pairs), got 1")
    return size * math.exp(math.lgamma(df / 2) - math.lgamma((df - 1) / 2)) / math.sqrt(df / 2)


def cliffs_delta(a: ArrayLike, b: ArrayLike) -> float:
    """Cliff's delta: how much more often a value of a exceeds one of b than the reverse, -1..1.

    Args:
        a: scores of the first arm.
        b: scores of the second; pairing is not used.

    Raises:
        ValueError: no values, or values that are not finite.

    >>> cliffs_delta([10, 10, 20, 20, 20, 30, 30, 30, 40, 50], [10, 20, 30, 40, 40, 50])
    -0.25
    """
    first, second = finite_vector(a, what="a"), np.sort(finite_vector(b, what="b"))
    below = np.searchsorted(second, first, side="left").sum()
    above = (second.size - np.searchsorted(second, first, side="right")).sum()
    return float(below - above) / (first.size * second.size)


def vargha_delaney_a12(a: ArrayLike, b: ArrayLike) -> float:
    """Vargha and Delaney's A12: the chance that a value of a exceeds one of b, ties counted half.

    Args:
        a: scores of the first arm.
        b: scores of the second; pairing is not used.

    Raises:
        ValueError: no values, or values that are not finite.
    """
    return (cliffs_delta(a, b) + 1) / 2


def hodges_lehmann(a: ArrayLike, b: ArrayLike | None = None) -> float:
    """Hodges and Lehmann's estimate of the paired shift: the median of all averages of two differences.

    Args:
        a: differences, or scores of the first arm.
        b: scores of the second arm, paired by position; None where `a` holds differences.

    Raises:
        ValueError: no values, unequal lengths, or values that are not finite.

    >>> hodges_lehmann([1.0, 2.0, 6.0])
    2.75
    """
    return walsh_median(differences(a, b))


def differences(a: ArrayLike, b: ArrayLike | None) -> NDArray[np.float64]:
    """`a` itself, or a minus b.

    Raises:
        ValueError: unequal lengths, no values, or values that are not finite.
    """
    if b is None:
        return finite_vector(a, what="a")
    first, second = paired_vectors(a, b, least=1)
    return first - second


def _divided(mean: float, spread: float, kind: str) -> float:
    if spread <= 0.0:
        raise ValueError(f"Cohen's d of kind {kind!r} is not identifiable: the scores do not vary")
    return mean / spread
