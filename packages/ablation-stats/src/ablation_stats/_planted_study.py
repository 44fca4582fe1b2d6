"""One simulated study: scores of arms whose true differences and spreads are known."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from ablation_stats._cube import PairedCube
from ablation_stats._variance_components import assumed_components

SEEDS, CLUSTERS, PER_CLUSTER = 4, 40, 3
ITEMS = CLUSTERS * PER_CLUSTER
# Standard deviations of the difference between two arms: from seed to seed, image to image, item to item, and the rest.
SD_SEED, SD_CLUSTER, SD_ITEM, SD_RESIDUAL = 0.02, 0.05, 0.15, 0.25
SPREAD = assumed_components(
    sd_seed=SD_SEED,
    sd_cluster=SD_CLUSTER,
    sd_item=SD_ITEM,
    sd_residual=SD_RESIDUAL,
    items_per_cluster=PER_CLUSTER,
)


def drawn_study(
    gains: Mapping[str, float], rng: np.random.Generator, *, blind: float | None = None
) -> PairedCube:
    """Scores of a baseline "old" and of arms that are better by their gains, under normal effects.

    Every arm, the baseline too, has half the variance of a difference, so differences to one baseline are correlated as in any
    study; how hard an item is, all arms share.

    Args:
        gains: arm to its true difference from "old".
        rng: of the study.
        blind: true difference of a control "blind"; None adds none.
    """
    arms = {"old": 0.0, **gains, **({} if blind is None else {"blind": blind})}
    cluster_of_item = np.repeat(np.arange(CLUSTERS), PER_CLUSTER)
    half, shape = 0.5**0.5, (len(arms), SEEDS, ITEMS)
    own = SD_SEED * rng.normal(size=(len(arms), SEEDS, 1)) + SD_RESIDUAL * rng.normal(size=shape)
    own = own + SD_CLUSTER * rng.normal(size=(len(arms), 1, CLUSTERS))[:, :, cluster_of_item]
    own = own + SD_ITEM * rng.normal(size=(len(arms), 1, ITEMS))
    values = np.array(list(arms.values()))[:, None, None] + rng.normal(0.5, 0.3, ITEMS) + half * own
    return PairedCube(
        arms=tuple(arms),
        seeds=tuple(range(SEEDS)),
        items=pl.Series("item", range(ITEMS)),
        clusters=pl.Series("cluster", range(CLUSTERS)),
        cluster_of_item=cluster_of_item,
        values=values,
        weights=None,
        invalid=None,
        metric=None,
        task=None,
        condition=None,
        factors=None,
        left_out=(),
    )
