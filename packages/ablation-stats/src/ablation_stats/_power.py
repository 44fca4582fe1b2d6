"""Power of the paired t-test and of two one-sided t-tests, and the effect that a given size can find."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ablation_stats._noncentral_t import error_average, noncentral_upper_tail
from ablation_stats._refuse import require_known, require_level, require_positive
from ablation_stats._student import t_quantile

ALTERNATIVES = ("two-sided", "greater")
DISTRIBUTIONS = ("t", "normal")


def power_paired(
    effect: float, *, n: float, sd: float = 1.0, alpha: float = 0.05, alternative: str = "two-sided"
) -> float:
    """Probability that a paired t-test finds a true mean difference of `effect`.

    With nc = effect sqrt(n) / sd and q a quantile of t with n - 1 degrees of freedom, it is
    P(T_nc > q(1 - alpha/2)) + P(T_nc < -q(1 - alpha/2)), or P(T_nc > q(1 - alpha)) for "greater" (Cohen 1988, chapter 2).
    Non-inferiority is "greater" with the effect plus the margin.

    Args:
        effect: true mean difference, metric's unit (or in standard deviations, with sd=1).
        n: pairs (items, clusters or seeds), above 1; fractions are allowed.
        sd: standard deviation of the differences.
        alpha: error rate, 0..1.
        alternative: "two-sided" or "greater".

    Raises:
        ValueError: effect not finite, n not above 1, sd not above 0, alpha outside (0, 1), unknown alternative.

    >>> round(power_paired(0.35, n=40), 6)
    0.578855
    """
    _require(n=n, sd=sd, alpha=alpha, alternative=alternative)
    if not math.isfinite(effect):
        raise ValueError(f"effect must be finite, got {effect!r}")
    noncentrality, df = effect * math.sqrt(n) / sd, n - 1.0
    critical = t_quantile(1 - tail_of(alpha, alternative), df)
    upper = noncentral_upper_tail(critical, df, noncentrality)
    return upper if alternative == "greater" else upper + noncentral_upper_tail(critical, df, -noncentrality)


def power_equivalence(
    effect: float, *, n: float, low: float, high: float, sd: float = 1.0, alpha: float = 0.05
) -> float:
    """Probability that two one-sided paired t-tests show a true difference of `effect` to lie in low..high.

    Given the estimated error s, both reject where low + q s < mean < high - q s, q = t(1 - alpha) of n - 1 degrees of
    freedom: a normal probability, averaged over the distribution of s. This is exact (Owen 1965; Phillips 1990).

    Args:
        effect: true mean difference.
        n: pairs, above 1; fractions are allowed.
        low: lower margin.
        high: upper margin, above `low`.
        sd: standard deviation of the differences.
        alpha: error rate of each test, 0..0.5.

    Raises:
        ValueError: low not below high, alpha outside (0, 0.5), and as `power_paired`.

    >>> round(power_equivalence(0.0, n=30, low=-0.6, high=0.6), 4)
    0.882
    """
    from scipy.special import ndtr

    require_level(2 * alpha)
    _require(n=n, sd=sd, alpha=alpha, alternative="greater")
    if not low < high or not math.isfinite(effect):
        raise ValueError(f"low must be below high and effect finite, got {low!r}, {high!r} and {effect!r}")
    se, df = sd / math.sqrt(n), n - 1.0
    critical = t_quantile(1 - alpha, df)

    def inside(ratio: NDArray[np.float64]) -> NDArray[np.float64]:
        above, below = (high - effect) / se - critical * ratio, (low - effect) / se + critical * ratio
        return np.asarray(ndtr(above) - ndtr(below))

    return error_average(inside, df, largest=(high - low) / (2 * se * critical))


def min_detectable_effect(
    *,
    n: float,
    sd: float = 1.0,
    power: float = 0.8,
    alpha: float = 0.05,
    alternative: str = "two-sided",
    distribution: str = "t",
) -> float:
    """The smallest true mean difference that `n` pairs find with the given power.

    Args:
        n: pairs, above 1.
        sd: standard deviation of the differences.
        power: wanted probability, between alpha and 1.
        alpha: error rate.
        alternative: "two-sided" or "greater".
        distribution: "t" inverts `power_paired`; "normal" is (z_alpha + z_power) sd / sqrt(n), Miller's approximation for
            many items (arXiv 2411.00640, section 5).

    Raises:
        ValueError: power not between alpha and 1, and as `power_paired`.

    >>> round(min_detectable_effect(n=5), 4)
    1.682
    """
    require_known(distribution, DISTRIBUTIONS, what="distribution")
    _require(n=n, sd=sd, alpha=alpha, alternative=alternative)
    require_power(power, alpha)
    scale = sd / math.sqrt(n)
    if distribution == "normal":
        tail = tail_of(alpha, alternative)
        return (t_quantile(1 - tail, math.inf) + t_quantile(power, math.inf)) * scale
    return root_above(
        lambda effect: power_paired(effect, n=n, sd=sd, alpha=alpha, alternative=alternative) - power,
        start=scale,
    )


def root_above(function: Callable[[float], float], *, start: float) -> float:
    """Where an increasing `function`, negative at 0, reaches 0; `start` is a first guess above 0."""
    from scipy.optimize import brentq

    high = start
    while function(high) < 0:
        high *= 2
    return float(brentq(function, 0.0, high, xtol=1e-13 * start, rtol=1e-12))


def tail_of(alpha: float, alternative: str) -> float:
    """Error rate in the tail that counts for the effect."""
    return alpha / 2 if alternative == "two-sided" else alpha


def require_power(power: float, alpha: float) -> None:
    """Raise unless `power` lies strictly between alpha and 1.

    Raises:
        ValueError: it does not.
    """
    if not alpha < power < 1:
        raise ValueError(f"power must lie strictly between alpha = {alpha} and 1, got {power!r}")


def _require(*, n: float, sd: float, alpha: float, alternative: str) -> None:
    require_known(alternative, ALTERNATIVES, what="alternative")
    require_positive(sd, what="sd")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie strictly between 0 and 1, got {alpha!r}")
    if not (n > 1 and math.isfinite(n)):
        raise ValueError(f"n must be a finite number above 1, got {n!r}")
