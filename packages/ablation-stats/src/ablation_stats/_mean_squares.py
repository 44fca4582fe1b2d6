"""Mean squares of a seeds x items table whose items lie in clusters, and the variances that they estimate."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ablation_stats._variance import cluster_sums


class Components(NamedTuple):
    """Variances of seed, cluster, item, seed x cluster and residual."""

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
    """The variances that give `scores [seeds, items]` their mean squares: unbiased, and negative by chance.

    Expected mean squares, for S seeds, I items, cluster sizes with weighted mean k and factor n0 (`Sizes.between`):
    residual e; item e + S i; seed x cluster e + n0 x; cluster e + n0 x + S i + S n0 c; seed e + k x + I s.
    Without clusters x and c drop out. With one seed the residual cannot be told from the item and counts as it.

    Raises:
        ValueError: fewer than two clusters.
    """
    table = _table(scores, codes, n_clusters)
    residual = table.squares["residual"].mean
    item = (table.squares["item"].mean - residual) / table.seeds
    crossed = (table.squares["seed_cluster"].mean - residual) / table.sizes.between
    return _between(table, residual, item, crossed)


def nonnegative_components(
    scores: NDArray[np.float64], codes: NDArray[np.int64], n_clusters: int
) -> Components:
    """The same with no variance below 0, and the mean squares of seeds and clusters kept wherever they can be.

    A negative item or seed x cluster component is 0 and its squares count as residual; seed and cluster are solved for
    after that, and are 0 where still negative.
    """
    table = _table(scores, codes, n_clusters)
    raw = estimate_components(scores, codes, n_clusters)
    pooled = [name for name in ("item", "seed_cluster") if getattr(raw, name) < 0]
    parts = [table.squares[name] for name in ("residual", *pooled)]
    df = sum(part.df for part in parts)
    residual = sum(part.mean * part.df for part in parts) / df if df else 0.0
    item = max(0.0, (table.squares["item"].mean - residual) / table.seeds)
    crossed = max(0.0, (table.squares["seed_cluster"].mean - residual) / table.sizes.between)
    item = 0.0 if "item" in pooled else item
    crossed = 0.0 if "seed_cluster" in pooled else crossed
    return Components(*(max(value, 0.0) for value in _between(table, residual, item, crossed)))


class _Square(NamedTuple):
    """A mean square and its degrees of freedom."""

    mean: float
    df: int


class _Table(NamedTuple):
    squares: dict[str, _Square]
    sizes: Sizes
    seeds: int
    items: int


def _between(table: _Table, residual: float, item: float, crossed: float) -> Components:
    """Seed and cluster components, given those below them."""
    seeds, items, sizes = table.seeds, table.items, table.sizes
    if sizes.clusters == items:
        return Components((table.squares["seed"].mean - residual) / items, 0.0, item, 0.0, residual)
    below = residual + sizes.between * crossed
    cluster = (table.squares["cluster"].mean - below - seeds * item) / (seeds * sizes.between)
    seed = (table.squares["seed"].mean - residual - sizes.weighted * crossed) / items
    return Components(seed, cluster, item, crossed, residual)


def _table(scores: NDArray[np.float64], codes: NDArray[np.int64], n_clusters: int) -> _Table:
    """Mean squares of seed, cluster, item within cluster, seed x cluster and residual.

    Without clusters those of clusters are the items' and those of seeds x clusters the residual's.
    """
    seeds, items = scores.shape
    if n_clusters < 2:
        raise ValueError(f"variance components need at least 2 clusters of items, got {n_clusters}")
    counts = np.bincount(codes, minlength=n_clusters)
    deviations = scores - scores.mean()
    by_seed = deviations.mean(axis=1)
    by_item = deviations.mean(axis=0)
    cells = cluster_sums(deviations, codes, n_clusters) / counts
    by_cluster = cells.mean(axis=0)
    crossed = cells - by_seed[:, None] - by_cluster
    residual = deviations - cells[:, codes] - (by_item - by_cluster[codes])
    between, within = n_clusters - 1, items - n_clusters
    squares = {
        "seed": _square(items * (by_seed**2).sum(), seeds - 1),
        "cluster": _square(seeds * (counts * by_cluster**2).sum(), between),
        "item": _square(seeds * ((by_item - by_cluster[codes]) ** 2).sum(), within),
        "seed_cluster": _square((counts * crossed**2).sum(), (seeds - 1) * between),
        "residual": _square((residual**2).sum(), (seeds - 1) * within),
    }
    if not within:
        squares |= {"item": squares["cluster"], "residual": squares["seed_cluster"]}
    return _Table(squares, sizes_of(codes, n_clusters), seeds, items)


def _square(total: float, df: int) -> _Square:
    return _Square(float(total) / df if df else 0.0, df)
