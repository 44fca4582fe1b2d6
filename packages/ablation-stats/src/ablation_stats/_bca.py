"""Intervals from a bootstrap distribution: percentile, basic, and bias-corrected and accelerated (BCa)."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ablation_stats._binomial import Interval
from ablation_stats._refuse import require_known

INTERVALS = ("percentile", "basic", "bca")
# From here on n^n resamples are more than anyone draws.
FEW_UNITS = 10

Vector = NDArray[np.float64]


class BootstrapSummary(NamedTuple):
    """Interval and two-sided p of "the value is 0" from one bootstrap distribution; z0 and acceleration of BCa, else 0."""

    interval: Interval
    se: float
    p: float
    z0: float
    acceleration: float


def bca_levels(z0: float, acceleration: float, alpha: float) -> Interval:
    """Levels of the bootstrap distribution at which the BCa interval ends (Efron 1987).

    Args:
        z0: bias correction, in normal units.
        acceleration: skewness correction.
        alpha: error rate in one tail, 0..0.5.

    Raises:
        ValueError: the acceleration is so large that the correction breaks down.
    """
    from scipy.special import ndtr, ndtri

    z = z0 + np.asarray(ndtri([alpha, 1 - alpha]))
    scale = 1 - acceleration * z
    if (scale <= 0).any():
        raise ValueError(f"acceleration {acceleration:.3g} is too large for a BCa interval; use method 't'")
    low, high = ndtr(z0 + z / scale)
    return Interval(float(low), float(high))


def acceleration_of(jackknife: Sequence[Vector]) -> float:
    """BCa's acceleration from leave-one-out estimates, one vector per independent way of resampling."""
    cubes = squares = 0.0
    for left_out in jackknife:
        influence = (left_out.mean() - left_out) * ((left_out.size - 1) / left_out.size)
        square = influence * influence
        cubes += float((square * influence).sum())
        squares += float(square.sum())
    return cubes / (6 * squares**1.5) if squares > 0 else 0.0


def bias_correction(drawn: Vector, estimate: float, resolution: float) -> float:
    """BCa's z0; draws within `resolution` of the estimate are ties and count half."""
    from scipy.special import ndtri

    below = np.count_nonzero(drawn < estimate - resolution)
    ties = np.count_nonzero(np.abs(drawn - estimate) <= resolution)
    share = (below + 0.5 * ties) / drawn.size
    return float(ndtri(np.clip(share, 0.5 / drawn.size, 1 - 0.5 / drawn.size)))


def summarise_bootstrap(
    drawn: Vector,
    estimate: float,
    *,
    kind: str,
    level: float,
    jackknife: Sequence[Vector],
    resolution: float,
) -> BootstrapSummary:
    """Interval of the kind asked for and the p-value that agrees with it.

    The p-value is the smallest error rate whose interval leaves out 0, with one draw counted against the claim on
    each side, so that it is never 0; nor is it below 2 / n^n, as n units have no more than n^n resamples.

    Args:
        drawn: bootstrap estimates.
        estimate: of the sample itself.
        kind: "percentile", "basic" or "bca".
        level: coverage.
        jackknife: leave-one-out estimates, one vector per independent way of resampling.
        resolution: rounding error of an estimate; draws closer than that are ties.

    Raises:
        ValueError: unknown kind.
    """
    require_known(kind, INTERVALS, what="interval")
    alpha = (1 - level) / 2
    z0 = acceleration = 0.0
    if kind == "bca":
        z0, acceleration = bias_correction(drawn, estimate, resolution), acceleration_of(jackknife)
        low, high = np.quantile(drawn, bca_levels(z0, acceleration, alpha))
        p = _bca_p(drawn, z0, acceleration, resolution)
    else:
        low, high = np.quantile(drawn, [alpha, 1 - alpha])
        p = _two_sided(drawn, 2 * estimate if kind == "basic" else 0.0, resolution)
    if kind == "basic":
        low, high = 2 * estimate - high, 2 * estimate - low
    fewest = min((left_out.size for left_out in jackknife), default=FEW_UNITS)
    least = 2.0 / fewest**fewest if fewest < FEW_UNITS else 0.0
    interval = Interval(float(low), float(high))
    return BootstrapSummary(interval, float(drawn.std(ddof=1)), min(1.0, max(p, least)), z0, acceleration)


def _two_sided(drawn: Vector, value: float, resolution: float) -> float:
    below, above = _tails(drawn, value, resolution)
    return min(1.0, 2 * min(below, above))


def _tails(drawn: Vector, value: float, resolution: float) -> tuple[float, float]:
    below = 1 + np.count_nonzero(drawn <= value + resolution)
    above = 1 + np.count_nonzero(drawn >= value - resolution)
    return below / (drawn.size + 1), above / (drawn.size + 1)


def _bca_p(drawn: Vector, z0: float, acceleration: float, resolution: float) -> float:
    """The error rate at which a BCa end point meets 0: Efron's level formula solved for alpha."""
    from scipy.special import ndtr, ndtri

    below, above = _tails(drawn, 0.0, resolution)
    tails = []
    for share, side in ((below, 1), (1 - above, -1)):
        shifted = float(ndtri(np.clip(share, 0.5 / drawn.size, 1 - 0.5 / drawn.size))) - z0
        z = shifted / (1 + acceleration * shifted) - z0
        tails.append(float(ndtr(side * z)))
    return min(1.0, max(2 * min(tails), 2 / (drawn.size + 1)))
