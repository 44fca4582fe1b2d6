"""Where the spread of a paired difference comes from: seeds, clusters, items, their crossing, and the rest."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ablation_stats._contrast import Contrast, arm_contrast
from ablation_stats._cube import as_cube
from ablation_stats._mean_squares import (
    Components,
    Sizes,
    estimate_components,
    nonnegative_components,
    sizes_of,
)
from ablation_stats._refuse import require_known
from ablation_stats._result import Tabular
from ablation_stats._t_interval import FEW_CLUSTERS, TARGETS

# Below these, a spread is an anecdote: with 2 seeds the 95 % interval of its standard deviation spans a factor of 70.
LEAST_SEEDS = 3
LEAST_CLUSTERS = 3
FEW_SEEDS = 5


@dataclass(frozen=True, kw_only=True)
class VarianceComponents(Tabular):
    """Variances, in the metric's unit squared, of d = mean + seed + cluster + item + seed x cluster + residual.

    Attributes:
        name: the difference, in words; metric: its metric; arm, baseline: of the pilot, None where assumed.
        seed: of the difference between training runs; None where one seed cannot tell.
        cluster: between clusters (0 where every item is its own); item: between items of a cluster, and with one seed
            the residual too.
        seed_cluster: of a cluster's difference from seed to seed; residual: of an item's; None with one seed.
        icc: correlation of the differences of two items of one cluster under one seed, seed effects apart.
        design_effect: variance of the mean over items relative to independent items, 1 + (cluster_size - 1) icc.
        items_per_cluster: mean; cluster_size: mean weighted by size, which equals it where all are equal.
        n_seeds: of the pilot; n_clusters, n_items: likewise; None where the components are assumed.
        warnings: what a reader must know, one sentence each.
    """

    name: str
    metric: str | None = None
    arm: str | None = None
    baseline: str | None = None
    seed: float | None
    cluster: float
    item: float
    seed_cluster: float | None
    residual: float | None
    icc: float
    design_effect: float
    items_per_cluster: float
    cluster_size: float
    n_seeds: int | None = None
    n_clusters: int | None = None
    n_items: int | None = None
    warnings: tuple[str, ...] = ()


def variance_components(
    frame: Any,
    *,
    arm: str,
    baseline: str,
    metric: str | None = None,
    task: str | None = None,
    condition: str | None = None,
    generalize_to: str = "both",
) -> VarianceComponents:
    """Components of the paired differences `arm` minus `baseline`, by equating mean squares to their expectations.

    Seeds are crossed with items, items nested in clusters (Searle, Casella and McCulloch 1992, chapter 4). Equal
    clusters give the REML estimates unless one is negative; unequal ones Henderson's first method, unbiased. A negative
    estimate is reported as 0, with a warning, and its squares count as residual.

    Args:
        frame: long frame of results, or the `PairedCube` made of one.
        arm: arm to judge.
        baseline: arm to compare it with.
        metric: metric to read, where the frame holds several.
        task: likewise.
        condition: likewise.
        generalize_to: "items" accepts a single seed, which leaves the seed's component unknown.

    Raises:
        ValueError: fewer than two seeds ("both", "seeds") or clusters, with the number needed; as `paired_cube`.

    >>> import polars as pl
    >>> rows = [{"arm": arm, "seed": seed, "item": item, "value": (seed * seed + item * item) * (arm == "a")}
    ...         for arm in "ab" for seed in range(3) for item in range(4)]
    >>> found = variance_components(pl.DataFrame(rows), arm="a", baseline="b")
    >>> round(found.seed, 3), round(found.item, 3), abs(round(found.residual, 3))
    (4.333, 16.333, 0.0)
    """
    require_known(generalize_to, TARGETS, what="generalize_to")
    cube = as_cube(frame, arms=[arm, baseline], metric=metric, task=task, condition=condition)
    contrast = arm_contrast(cube, arm, baseline)
    if generalize_to != "items" and contrast.scores.shape[0] < 2:
        raise ValueError(
            f"a seed component needs at least 2 seeds, and a plan at least {LEAST_SEEDS}, got 1: nothing here shows how "
            'training varies. Pass generalize_to="items" for the components of these trained models only'
        )
    return components_of(contrast)


def assumed_components(
    *,
    sd_seed: float = 0.0,
    sd_item: float = 0.0,
    sd_cluster: float = 0.0,
    sd_seed_cluster: float = 0.0,
    sd_residual: float = 0.0,
    items_per_cluster: float = 1.0,
) -> VarianceComponents:
    """Components from assumed standard deviations of a paired difference, to plan without a pilot.

    Args:
        sd_seed: of the mean difference from training run to training run, metric's unit.
        sd_item: from item to item.
        sd_cluster: from cluster to cluster; needs more than one item per cluster.
        sd_seed_cluster: of a cluster's difference from seed to seed; likewise.
        sd_residual: of an item's difference from seed to seed.
        items_per_cluster: at least 1.

    Raises:
        ValueError: a deviation below 0 or not finite, all of them 0, or spread over clusters of one item.

    >>> assumed_components(sd_seed=0.01, sd_item=0.4, sd_residual=0.3).residual
    0.09
    """
    deviations = np.array([sd_seed, sd_item, sd_cluster, sd_seed_cluster, sd_residual])
    if not np.isfinite(deviations).all() or deviations.min() < 0 or deviations.max() <= 0:
        raise ValueError(
            f"standard deviations must be finite, at least 0 and not all 0, got {deviations.tolist()}"
        )
    if not (np.isfinite(items_per_cluster) and items_per_cluster >= 1):
        raise ValueError(f"items_per_cluster must be at least 1, got {items_per_cluster!r}")
    if items_per_cluster == 1 and max(sd_cluster, sd_seed_cluster) > 0:
        raise ValueError("a spread over clusters needs items_per_cluster above 1; with 1 it is sd_item's")
    seed, item, cluster, seed_cluster, residual = (deviations**2).tolist()
    return _assembled(
        Components(seed, cluster, item, seed_cluster, residual),
        Sizes(0, float(items_per_cluster), float(items_per_cluster)),
        name="assumed",
    )


def components_of(contrast: Contrast) -> VarianceComponents:
    """Components of a contrast; with one seed those that need two are None.

    Raises:
        ValueError: fewer than two clusters.
    """
    seeds, items = contrast.scores.shape
    data = (contrast.scores, contrast.codes, contrast.n_clusters)
    found = estimate_components(*data)
    negative = [name for name, value in found._asdict().items() if value < -(contrast.resolution**2)]
    said = [
        f"The {name.replace('_', ' x ')} component came out negative ({getattr(found, name):.3g}) and is taken as 0."
        for name in negative
    ]
    result = _assembled(
        nonnegative_components(*data),
        sizes_of(contrast.codes, contrast.n_clusters),
        name=contrast.name,
        metric=contrast.metric,
        arm=contrast.arm,
        baseline=contrast.baseline,
        n_seeds=seeds,
        n_clusters=contrast.n_clusters,
        n_items=items,
        warnings=(*contrast.warnings, *said, *_few(seeds, contrast.n_clusters)),
    )
    return result if seeds > 1 else replace(result, seed=None, seed_cluster=None, residual=None)


def _assembled(found: Components, sizes: Sizes, **rest: Any) -> VarianceComponents:
    within = found.item + found.residual
    between = found.cluster + found.seed_cluster
    icc = between / (between + within) if between > 0 else 0.0
    return VarianceComponents(
        **found._asdict(),
        icc=icc,
        design_effect=1 + (sizes.weighted - 1) * icc,
        items_per_cluster=sizes.mean,
        cluster_size=sizes.weighted,
        **rest,
    )


def _few(seeds: int, clusters: int) -> list[str]:
    from scipy.special import chdtri

    said = []
    if seeds == 1:
        said.append("One seed: the seed component is unknown, and the item component holds the residual.")
    elif seeds < FEW_SEEDS:
        low, high = (((seeds - 1) / chdtri(seeds - 1, tail)) ** 0.5 for tail in (0.025, 0.975))
        said.append(
            f"{seeds} seeds: the standard deviation over seeds may be {low:.2g} to {high:.2g} times this one (95 %)"
            + (f"; a plan needs at least {LEAST_SEEDS}." if seeds < LEAST_SEEDS else ".")
        )
    if clusters < FEW_CLUSTERS:
        said.append(f"Only {clusters} clusters: the cluster and item components are poorly known.")
    return said
