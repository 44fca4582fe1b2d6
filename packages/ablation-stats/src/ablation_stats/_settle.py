"""What would settle an inconclusive claim: how many seeds or items, if the truth is as estimated."""

import math
from collections.abc import Callable

from ablation_stats._contrast import Contrast
from ablation_stats._search import smallest
from ablation_stats._student import t_quantile
from ablation_stats._unit import Unit
from ablation_stats._variance import clustered_error, two_way, two_way_error

POWER = 0.8
MOST_SEEDS = 100
MOST_TIMES_ITEMS = 100


def what_would_settle(
    contrast: Contrast, *, generalize_to: str, distance: float, tail: float, unit: Unit
) -> str:
    """A sentence with the seeds or the items that would decide a claim with power 0.8.

    Args:
        contrast: the comparison so far.
        generalize_to: "both", "items" or "seeds".
        distance: between the estimate and the boundary of the claim, metric's unit, at least 0.
        tail: error rate in one tail.
        unit: in which the sentence writes the metric.
    """
    seeds, clusters = contrast.scores.shape[0], contrast.n_clusters
    variance, df = _design(contrast, generalize_to)

    def enough(n_seeds: int, n_clusters: int) -> bool:
        quantile = t_quantile(1 - tail, df(n_seeds, n_clusters)) + t_quantile(POWER, float("inf"))
        return quantile * math.sqrt(variance(n_seeds, n_clusters)) <= distance

    options = []
    if generalize_to != "items":
        needed = smallest(lambda n: enough(n, clusters), seeds + 1, MOST_SEEDS)
        options += (
            [] if needed is None else [f"about {needed} seeds in place of {seeds}, on the same {unit.items}"]
        )
    if generalize_to != "seeds":
        needed = smallest(lambda n: enough(seeds, n), clusters + 1, MOST_TIMES_ITEMS * clusters)
        options += (
            [] if needed is None else [f"about {_rounded(needed):,} {unit.clusters} in place of {clusters:,}"]
        )
    if options:
        return f"If the difference is as estimated: {'; or '.join(options)}."
    if generalize_to == "both" and enough(MOST_SEEDS, MOST_TIMES_ITEMS * clusters):
        return f"More seeds and more {unit.items} together; neither alone is enough, if the difference is as estimated."
    return f"No study of a feasible size: the estimate lies {unit.amount(distance)} from the boundary of the claim."


def _rounded(count: int) -> int:
    """Rounded up to two digits: an estimate of what is needed bears no more."""
    step: int = 10 ** max(0, len(str(count)) - 2)
    return -(-count // step) * step


def _design(
    contrast: Contrast, generalize_to: str
) -> tuple[Callable[[int, int], float], Callable[[int, int], float]]:
    """Variance and degrees of freedom of the estimate as functions of the numbers of seeds and clusters."""
    seeds, clusters = contrast.scores.shape[0], contrast.n_clusters
    if generalize_to == "seeds":
        spread = float(contrast.scores.mean(axis=1).var(ddof=1))
        return lambda s, g: spread / s, lambda s, g: s - 1.0
    if generalize_to == "items":
        error = clustered_error(contrast.scores.mean(axis=0), contrast.codes, clusters, kind="CR1")
        return lambda s, g: error.se**2 * clusters / g, lambda s, g: g - 1.0
    table = two_way(contrast.cluster_table())
    rest = table.ms_residual
    by_seed = max(0.0, table.ms_seed - rest) / clusters
    by_cluster = max(0.0, table.ms_cluster - rest) / seeds

    def variance(s: int, g: int) -> float:
        return float(by_seed / s + by_cluster / g + rest / (s * g))

    def df(s: int, g: int) -> float:
        return float(two_way_error(rest + g * by_seed, rest + s * by_cluster, rest, s - 1.0, g - 1.0)[1])

    return variance, df
