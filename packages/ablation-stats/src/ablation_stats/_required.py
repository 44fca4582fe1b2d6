"""How many items or seeds a paired comparison needs, and what clusters of items cost."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ablation_stats._power import (
    ALTERNATIVES,
    DISTRIBUTIONS,
    power_paired,
    require_power,
    root_above,
    tail_of,
)
from ablation_stats._refuse import require_known, require_positive
from ablation_stats._refuse_arrays import finite_vector
from ablation_stats._result import Tabular
from ablation_stats._student import t_quantile


@dataclass(frozen=True, kw_only=True)
class Required(Tabular):
    """The size that finds an effect.

    Attributes:
        unit: what is counted, "items" or "seeds".
        number: whole number needed, at least 2; exact: the fraction it is rounded up from.
        effect: true mean difference; sd: standard deviation of the differences.
        power: wanted; alpha: error rate; alternative: "two-sided" or "greater"; distribution: "t" or "normal".
        design_effect: factor by which clusters multiply the number; 1 without.
    """

    unit: str
    number: int
    exact: float
    effect: float
    sd: float
    power: float
    alpha: float
    alternative: str
    distribution: str
    design_effect: float


def required_seeds(
    effect: float,
    *,
    sd: float = 1.0,
    power: float = 0.8,
    alpha: float = 0.05,
    alternative: str = "two-sided",
    distribution: str = "t",
) -> Required:
    """Seeds whose paired t-test finds a mean difference of `effect`.

    Args:
        effect: true mean difference, not 0; above 0 for "greater".
        sd: standard deviation over seeds of the paired difference.
        power: wanted probability, between alpha and 1.
        alpha: error rate.
        alternative: "two-sided" or "greater".
        distribution: "t" (inverts `power_paired`) or "normal" (far too few below ten seeds).

    Raises:
        ValueError: an effect that no number finds, and as `power_paired`.

    >>> required_seeds(0.5).number
    34
    """
    return _required("seeds", effect, sd, power, alpha, alternative, distribution, 1.0)


def required_items(
    effect: float,
    *,
    sd: float,
    design_effect: float = 1.0,
    power: float = 0.8,
    alpha: float = 0.05,
    alternative: str = "two-sided",
    distribution: str = "normal",
) -> Required:
    """Items whose paired comparison finds a mean difference of `effect`.

    n = (z_alpha + z_power)^2 sd^2 / effect^2, times the design effect (arXiv 2411.00640, section 5).

    Args:
        effect: true mean difference, not 0; above 0 for "greater".
        sd: standard deviation over items of the paired difference; `paired_sd` gives it for several answers per item.
        design_effect: of clustered items, at least the inverse of their number; see `design_effect`.
        power: wanted probability, between alpha and 1.
        alpha: error rate.
        alternative: "two-sided" or "greater".
        distribution: "normal", or "t" to invert `power_paired`.

    Raises:
        ValueError: an effect that no number finds, and as `power_paired`.

    >>> required_items(0.03, sd=1 / 3).number
    969
    """
    require_positive(design_effect, what="design_effect")
    return _required("items", effect, sd, power, alpha, alternative, distribution, design_effect)


def design_effect(cluster_size: ArrayLike, *, icc: float) -> float:
    """Variance of a mean over clustered items, relative to as many independent ones: 1 + (m - 1) ICC.

    Args:
        cluster_size: items per cluster, one number, or the size of every cluster: then m is their mean weighted by size,
            sum m^2 / sum m (Kish 1965).
        icc: correlation of two items of one cluster, -1..1 and not so low that the variance falls below 0.

    Raises:
        ValueError: a size below 1, or an ICC that clusters of this size cannot have.

    >>> design_effect(8, icc=0.2)
    2.4000000000000004
    """
    sizes = finite_vector(np.atleast_1d(np.asarray(cluster_size, dtype=np.float64)), what="cluster_size")
    if sizes.min() < 1:
        raise ValueError(f"cluster_size must be at least 1, got {sizes.min()!r}")
    size = float((sizes**2).sum() / sizes.sum())
    effect = 1 + (size - 1) * icc
    if not (-1 <= icc <= 1 and effect >= 0):
        raise ValueError(f"icc must lie in -1..1 and at least at -1/(m - 1), got {icc!r} for m = {size:g}")
    return effect


def paired_sd(
    between: float,
    *,
    within: tuple[float, float] = (0.0, 0.0),
    answers: tuple[int, int] = (1, 1),
) -> float:
    """Standard deviation over items of a paired difference when each arm answers every item several times.

    sqrt(between^2 + within_a^2 / answers_a + within_b^2 / answers_b) (arXiv 2411.00640, section 5).

    Args:
        between: over items, of the difference of the arms' expected scores.
        within: of repeated answers to one item, for both arms.
        answers: per item that are averaged, for both arms, at least 1.

    Raises:
        ValueError: a deviation below 0 or not finite, or fewer than one answer.

    >>> paired_sd(0.3, within=(0.4, 0.4), answers=(1, 1))
    0.6403124237432849
    """
    deviations = finite_vector([between, *within], what="standard deviations")
    if deviations.min() < 0 or min(answers) < 1:
        raise ValueError(
            f"deviations must be at least 0 and answers at least 1, got {deviations.tolist()} and {answers}"
        )
    return math.sqrt(between**2 + sum(sd**2 / count for sd, count in zip(within, answers, strict=True)))


def _required(
    unit: str,
    effect: float,
    sd: float,
    power: float,
    alpha: float,
    alternative: str,
    distribution: str,
    factor: float,
) -> Required:
    require_known(alternative, ALTERNATIVES, what="alternative")
    require_known(distribution, DISTRIBUTIONS, what="distribution")
    require_positive(effect if alternative == "greater" else abs(effect), what="effect")
    require_positive(sd, what="sd")
    require_power(power, alpha)
    if distribution == "normal":
        tail = tail_of(alpha, alternative)
        quantiles = t_quantile(1 - tail, math.inf) + t_quantile(power, math.inf)
        independent = quantiles**2 * sd**2 / effect**2
    else:
        independent = 2 + _pairs_beyond_two(effect, sd, power, alpha, alternative)
    exact = factor * independent
    return Required(
        unit=unit,
        number=max(2, math.ceil(exact)),
        exact=exact,
        effect=effect,
        sd=sd,
        power=power,
        alpha=alpha,
        alternative=alternative,
        distribution=distribution,
        design_effect=factor,
    )


def _pairs_beyond_two(effect: float, sd: float, power: float, alpha: float, alternative: str) -> float:
    def short(extra: float) -> float:
        return power_paired(effect, n=2 + extra, sd=sd, alpha=alpha, alternative=alternative) - power

    return 0.0 if short(0.0) >= 0 else root_above(short, start=(sd / effect) ** 2)
