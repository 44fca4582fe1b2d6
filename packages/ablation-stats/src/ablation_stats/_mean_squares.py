"""Mean squares of a seeds x items table whose items lie in clusters, and the variances that they estimate."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ablation_stats._variance import cluster_sums


class Components(NamedTuple):
    """Variances of seed, cluster, item, seed x cluster and residual; unbiased, so they may be below 0."""

    seed: float
    cluster: float
    item: float
    seed_cluster: float
    residual: float


class Sizes(NamedTuple):
    """Clusters' sizes in short: how many, their mean, and their mean weighted by size."""

    clusters: int
    mean: float
    weighted: float

    @property
    def between(self) -> float:
        """The factor of a cluster's variance in the mean square between clusters (n0 of one-way tables)."""
        items = self.mean * self.clusters
        return (items - self.weighted) / (self.clusters - 1)


def sizes_of(codes: NDArray[np.int64], n_clusters: int) -> Sizes:
    """Sizes of the clusters that dense `codes` name."""
    counts = np.bincount(codes, minlength=n_clusters).astype(np.float64)
    return Sizes(n_clusters, float(counts.mean()), float((counts**2).sum() / counts.sum()))


def estimate_components(scores: NDArray[np.float64], codes: NDArray[np.int64], n_clusters: int) -> Components:
    """The variances that give `scores [seeds, items]` their mean squares.

    Expected mean squares, for S seeds, I items, cluster sizes with weighted mean k and factor n0 (`Sizes.between`):
    residual e; item e + S i; seed x cluster e + n0 x; cluster e + n0 x + S i + S n0 c; seed e + k x + I s.
    Without clusters x and c drop out. With one seed the residual cannot be told from the item and counts as it.

    Raises:
        ValueError: fewer than two clusters.
    """
    seeds, items = scores.shape
    if n_clusters < 2:
        raise ValueError(f"variance components need at least 2 clusters of items, got {n_clusters}")
    sizes = sizes_of(codes, n_clusters)
    seed, cluster, item, crossed, residual = _mean_squares(scores, codes, n_clusters)
    if n_clusters == items:
        item, residual = cluster, crossed
    by_item = (item - residual) / seeds
    by_crossed = (crossed - residual) / sizes.between
    by_cluster = (cluster - item - (crossed - residual)) / (seeds * sizes.between)
    by_seed = (seed - residual - sizes.weighted * by_crossed) / items
    return Components(by_seed, by_cluster, by_item, by_crossed, residual)


def _mean_squares(
    scores: NDArray[np.float64], codes: NDArray[np.int64], n_clusters: int
) -> tuple[float, float, float, float, float]:
    """Of seed, cluster, item within cluster, seed x cluster and residual; 0 where there are no degrees of freedom."""
    seeds, items = scores.shape
    counts = np.bincount(codes, minlength=n_clusters)
    deviations = scores - scores.mean()
    by_seed = deviations.mean(axis=1)
    by_item = deviations.mean(axis=0)
    cells = cluster_sums(deviations, codes, n_clusters) / counts
    by_cluster = cells.mean(axis=0)
    crossed = cells - by_seed[:, None] - by_cluster
    residual = deviations - cells[:, codes] - (by_item - by_cluster[codes])
    return (
        _ratio(items * float((by_seed**2).sum()), seeds - 1),
        _ratio(seeds * float((counts * by_cluster**2).sum()), n_clusters - 1),
        _ratio(seeds * float(((by_item - by_cluster[codes]) ** 2).sum()), items - n_clusters),
        _ratio(float((counts * crossed**2).sum()), (seeds - 1) * (n_clusters - 1)),
        _ratio(float((residual**2).sum()), (seeds - 1) * (items - n_clusters)),
    )


def _ratio(squares: float, df: int) -> float:
    return squares / df if df else 0.0
