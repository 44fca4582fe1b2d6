"""The range of k standard normals: upper tail and quantile, to many digits and in the far tail too."""

import numpy as np

from ablation_stats._student import SMALLEST_P

REACH, STEP = 12.0, 0.01


def range_upper_tail(q: float, k: int) -> float:
    """P(range of `k` independent standard normals > q); never 0.

    k ∫ φ(z) [Φ(z)^(k-1) - (Φ(z) - Φ(z - q))^(k-1)] dz over the largest of them, by the trapezoidal rule, whose error
    vanishes faster than any power of the step for such an integrand.
    """
    from scipy.special import ndtr

    if q <= 0:
        return 1.0
    z = np.arange(-REACH, REACH + q, STEP)
    below = np.asarray(ndtr(z))
    # (Φ(z) - Φ(z - q)) / Φ(z), as 1 minus a share, so that small tails keep their digits
    share = np.minimum(np.asarray(ndtr(z - q)) / below, 1.0 - 1e-16)
    missed = -np.expm1((k - 1) * np.log1p(-share))
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    return min(1.0, max(float(k * (density * below ** (k - 1) * missed).sum() * STEP), SMALLEST_P))


def range_quantile(alpha: float, k: int) -> float:
    """The value that the range of `k` standard normals exceeds with probability `alpha`."""
    from scipy.optimize import brentq

    return float(brentq(lambda q: np.log(range_upper_tail(q, k)) - np.log(alpha), 1e-6, 60.0, xtol=1e-13))
