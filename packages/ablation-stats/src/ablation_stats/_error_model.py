"""How the estimated error of a planned comparison will vary: the true error, and nodes of what `judge` will compute."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ablation_stats._variance import two_way_error
from ablation_stats._variance_components import VarianceComponents

Vector = NDArray[np.float64]

# Quadrature nodes for the mean squares of seeds, clusters and the rest: the fewer degrees of freedom, the more.
SEED_NODES, CLUSTER_NODES, REST_NODES = 40, 12, 5
ONE_WAY_NODES = 96


class ErrorModel(NamedTuple):
    """The error of an estimated difference under a planned design.

    Attributes:
        true_se: standard deviation of the estimate.
        se: what the study may estimate it as; df: degrees of freedom that it will use with each.
        weights: probabilities of these, summing to 1.
    """

    true_se: float
    se: Vector
    df: Vector
    weights: Vector

    def scaled(self, factor: float) -> "ErrorModel":
        """The same with every error multiplied by `factor`."""
        return self._replace(true_se=self.true_se * factor, se=self.se * factor)


class TableVariances(NamedTuple):
    """Variances in a table seeds x clusters of cluster means: of seed, cluster and the rest."""

    seed: float
    cluster: float
    rest: float


def table_variances(components: VarianceComponents) -> TableVariances:
    """The components as they act on the table of seeds x clusters that the two-way error is made of."""
    mean, weighted = components.items_per_cluster, components.cluster_size
    return TableVariances(
        components.seed or 0.0,
        (weighted * components.cluster + components.item) / mean,
        (weighted * (components.seed_cluster or 0.0) + (components.residual or 0.0)) / mean,
    )


def clusters_for(components: VarianceComponents, items: int) -> int:
    """Clusters that hold `items` when each holds as many as in the pilot, at least 2."""
    return max(2, round(items / components.items_per_cluster))


def error_model(components: VarianceComponents, *, seeds: int, items: int, generalize_to: str) -> ErrorModel:
    """The error of the mean difference over `seeds` and `items`, for normal effects.

    The mean squares are independent multiples of chi-squared; se and df follow from them exactly as `two_way` (or t over
    clusters or seeds) computes them, at the nodes of a quadrature.

    Args:
        components: variances of one paired difference.
        seeds: at least 2, or 1 for "items".
        items: in clusters as large as the components say.
        generalize_to: "both", "items" or "seeds".
    """
    clusters = clusters_for(components, items)
    seed, cluster, rest = table_variances(components)
    cells = seeds * clusters
    if generalize_to == "items":
        return _one_way(cluster / clusters + rest / cells, clusters - 1.0)
    if generalize_to == "seeds":
        return _one_way(seed / seeds + rest / cells, seeds - 1.0)
    df_seed, df_cluster = seeds - 1.0, clusters - 1.0
    seed_ratio, seed_weight = chi_squared_nodes(df_seed, SEED_NODES)
    cluster_ratio, cluster_weight = chi_squared_nodes(df_cluster, CLUSTER_NODES)
    rest_ratio, rest_weight = chi_squared_nodes(df_seed * df_cluster, REST_NODES)
    ms_seed = (clusters * seed + rest) * seed_ratio[:, None, None]
    ms_cluster = (seeds * cluster + rest) * cluster_ratio[:, None]
    ms_rest = rest * rest_ratio
    variance, df = two_way_error(ms_seed, ms_cluster, ms_rest, df_seed, df_cluster)
    weights = seed_weight[:, None, None] * cluster_weight[:, None] * rest_weight
    true = seed / seeds + cluster / clusters + rest / cells
    return ErrorModel(true**0.5, (variance.ravel() / cells) ** 0.5, df.ravel(), weights.ravel())


def _one_way(variance: float, df: float) -> ErrorModel:
    ratio, weight = chi_squared_nodes(df, ONE_WAY_NODES)
    true = variance**0.5
    return ErrorModel(true, true * ratio**0.5, np.full(ratio.size, df), weight)


@lru_cache(maxsize=512)
def chi_squared_nodes(df: float, count: int) -> tuple[Vector, Vector]:
    """Nodes of chi-squared / df and their weights: Gauss-Hermite nodes sent through both distribution functions."""
    from scipy.special import gammainccinv, gammaincinv, ndtr

    points, weights = np.polynomial.hermite_e.hermegauss(count)
    half = df / 2
    lower, upper = gammaincinv(half, ndtr(np.minimum(points, 0))), gammainccinv(half, ndtr(-points))
    return np.where(points < 0, lower, upper) / half, weights / weights.sum()
