"""An interval of a mean that holds after every observation at once: Robbins' normal mixture."""

import math
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from ablation_stats._refuse import require_level, require_positive
from ablation_stats._refuse_arrays import finite_vector
from ablation_stats._result import Tabular
from ablation_stats._student import SMALLEST_P

# Beyond it an e-value is no longer a number.
LARGEST_LOG = 700.0


@dataclass(frozen=True, kw_only=True)
class ConfidenceSequence(Tabular):
    """Intervals after 1, 2, ... observations that all hold together.

    Attributes:
        mean: running means; low: lower ends; high: upper ends.
        e_value: evidence against a mean of 0 after each observation; p_value: 1 / the largest so far, at most 1.
        level: chance that every interval holds; rho: mixture parameter.
        method: "sub-gaussian" or "asymptotic".
    """

    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    e_value: tuple[float, ...]
    p_value: tuple[float, ...]
    level: float
    rho: float
    method: str

    def to_frame(self) -> pl.DataFrame:
        """One row per observation."""
        names = ("mean", "low", "high", "e_value", "p_value")
        columns = {name: list(getattr(self, name)) for name in names}
        return pl.DataFrame({"n": range(1, len(self.mean) + 1), **columns})


def confidence_sequence(
    values: ArrayLike, *, rho: float, sd: float | None = None, level: float = 0.95
) -> ConfidenceSequence:
    """Intervals of the mean of `values`, in the order in which they came, that hold at every one of them.

    After t observations: running mean +- sqrt((V + rho) log((V + rho) / (rho alpha^2))) / t (Howard, Ramdas, McAuliffe and
    Sekhon 2021, arXiv 1810.08240, equation 14), V the sum of conditional variances.

    Args:
        values: observations, such as paired differences of items or of seeds, independent of each other.
        rho: mixture parameter, above 0, fixed before the data; `mixture_parameter` gives it.
        sd: bound on the spread of an observation given the earlier ones: it must be sub-Gaussian with this parameter
            (half the range of bounded ones: 1 for differences of 0/1 scores). None takes V as the sum of squares
            around the mean of the earlier observations, which holds for many observations only (arXiv 2103.06476).
        level: 0..1.

    Raises:
        ValueError: no value, values not finite, rho or sd not above 0, level outside (0, 1).

    >>> found = confidence_sequence([0.1, 0.3, 0.2, 0.4] * 50, sd=0.5, rho=4.0)
    >>> round(found.low[-1], 3), round(found.high[-1], 3)
    (0.142, 0.358)
    """
    observed = finite_vector(values, what="values")
    require_level(level)
    require_positive(rho, what="rho")
    counts = np.arange(1, observed.size + 1)
    means = np.cumsum(observed) / counts
    if sd is None:
        earlier = np.concatenate([observed[:1], means[:-1]])
        variance = np.cumsum((observed - earlier) ** 2)
    else:
        require_positive(sd, what="sd")
        variance = counts * sd**2
    # Mixture martingale sqrt(rho / (V + rho)) exp(sum^2 / (2 (V + rho))); the interval is where it is below 1 / alpha.
    total = variance + rho
    alpha = 1 - level
    half = np.sqrt(total * np.log(total / (rho * alpha**2))) / counts
    log_e = (means * counts) ** 2 / (2 * total) - np.log(total / rho) / 2
    largest = np.maximum.accumulate(np.maximum(log_e, 0.0))
    return ConfidenceSequence(
        mean=tuple(means.tolist()),
        low=tuple((means - half).tolist()),
        high=tuple((means + half).tolist()),
        e_value=tuple(np.exp(np.minimum(log_e, LARGEST_LOG)).tolist()),
        p_value=tuple(np.maximum(np.exp(-largest), SMALLEST_P).tolist()),
        level=level,
        rho=rho,
        method="asymptotic" if sd is None else "sub-gaussian",
    )


def mixture_parameter(variance: float, *, level: float = 0.95) -> float:
    """The rho that makes the interval narrowest when the sum of conditional variances is `variance`.

    variance / (-W(-alpha^2 / e) - 1), W the lower branch of Lambert's function (arXiv 1810.08240, section 3.5).

    Args:
        variance: expected number of observations times their variance, at the time that matters most.
        level: coverage, 0..1.

    Raises:
        ValueError: variance not above 0, level outside (0, 1).

    >>> round(mixture_parameter(50.0), 3)
    6.089
    """
    from scipy.special import lambertw

    require_positive(variance, what="variance")
    require_level(level)
    return variance / (-float(lambertw(-((1 - level) ** 2) / math.e, -1).real) - 1)
