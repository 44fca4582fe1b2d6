"""How much larger a planned error may be than the pilot's estimate of it."""

from ablation_stats._error_model import clusters_for, table_variances
from ablation_stats._variance_components import VarianceComponents

# One-sided confidence of the cautious error (Browne 1995, Statistics in Medicine 14:1933).
CONFIDENCE = 0.8


def cautious_factor(
    components: VarianceComponents, *, seeds: int, items: int, generalize_to: str
) -> float | None:
    """The upper 80 % limit of the planned standard error, over its estimate; None for assumed components.

    The planned variance is a sum of the pilot's mean squares with known factors, so its degrees of freedom are
    Satterthwaite's and its limit is a chi-squared one.

    Args:
        components: of the pilot.
        seeds: planned.
        items: planned.
        generalize_to: "both", "items" or "seeds".
    """
    from scipy.special import chdtri

    if components.n_seeds is None or components.n_clusters is None:
        return None
    pilot_seeds, pilot_clusters = components.n_seeds, components.n_clusters
    seed, cluster, rest = table_variances(components)
    clusters = clusters_for(components, items)
    by_seed = 0.0 if generalize_to == "items" else 1 / (seeds * pilot_clusters)
    by_cluster = 0.0 if generalize_to == "seeds" else 1 / (clusters * pilot_seeds)
    parts = [(by_seed * (pilot_clusters * seed + rest), pilot_seeds - 1)]
    parts += [(by_cluster * (pilot_seeds * cluster + rest), pilot_clusters - 1)]
    by_rest = 1 / (seeds * clusters) - by_seed - by_cluster
    parts += [(by_rest * rest, (pilot_seeds - 1) * (pilot_clusters - 1))]
    variance = sum(part for part, _ in parts)
    spread = sum(part**2 / df for part, df in parts if part)
    if variance <= 0 or spread <= 0:
        return None
    df = variance**2 / spread
    return float((df / chdtri(df, CONFIDENCE)) ** 0.5)
