"""The noncentral t that power needs, and averages over how far an estimated error strays from the true one."""

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

NODES = 400
# The density of the ratio is below exp(-45) of its peak outside the range that is integrated.
NEGLIGIBLE = 45.0


def noncentral_upper_tail(t: float, df: float, noncentrality: float) -> float:
    """P(T > t) of a noncentral t.

    scipy's distribution function is NaN in some far tails (df 399, noncentrality 10, t -2); there the tail is
    the average of the normal tail P(Z > t r - noncentrality) over r, the estimated error divided by the true one.

    Args:
        t: where the tail starts.
        df: degrees of freedom, above 0.
        noncentrality: mean of the normal in the numerator.

    >>> round(noncentral_upper_tail(2.0, 9.0, 2.5), 4)
    0.6934
    """
    from scipy.special import nctdtr, ndtr

    # Mirrored, because 1 - F loses the small tails.
    tail = float(nctdtr(df, -noncentrality, -t))
    if not 0.0 <= tail <= 1.0:
        tail = error_average(lambda ratio: ndtr(noncentrality - t * ratio), df)
    return tail


def error_average(function: Callable[[Vector], Vector], df: float, *, largest: float = math.inf) -> float:
    """The mean of `function` over r = (estimated error) / (true error), where df r^2 is chi-squared.

    Gauss-Legendre in log r, where the density is smooth for any degrees of freedom.

    Args:
        function: of a vector of ratios, smooth below `largest`.
        df: degrees of freedom of the estimated error, above 0.
        largest: ratios above it count as 0; put a kink there.
    """
    reach = math.sqrt(NEGLIGIBLE / df)
    low, high = -reach - NEGLIGIBLE / df, min(reach, math.log(largest) if largest > 0 else -math.inf)
    if high <= low:
        return 0.0
    points, weights = _legendre()
    log_ratio = low + (points + 1) * (high - low) / 2
    half = df / 2
    log_density = math.log(2) + half * math.log(half) - math.lgamma(half)
    density = np.exp(log_density + df * log_ratio - half * np.exp(2 * log_ratio))
    return float((weights * density) @ function(np.exp(log_ratio))) * (high - low) / 2


@lru_cache(maxsize=1)
def _legendre() -> tuple[Vector, Vector]:
    return np.polynomial.legendre.leggauss(NODES)
