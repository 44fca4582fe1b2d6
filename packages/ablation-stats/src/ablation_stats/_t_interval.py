"""The t interval of a contrast for each of the three populations one may speak about."""

from typing import NamedTuple

import numpy as np

from ablation_stats._binomial import constant_difference_ci, score_interval
from ablation_stats._contrast import Contrast
from ablation_stats._student import SMALLEST_P, t_half_width, t_quantile, t_two_sided
from ablation_stats._variance import clustered_error, two_way

TARGETS = ("both", "items", "seeds")
FEW_CLUSTERS = 10


class Error(NamedTuple):
    """Standard error and degrees of freedom, what varies at random, and how many of those there are."""

    se: float
    df: float
    unit: str
    units: int


class Summary(NamedTuple):
    """Interval and test of one contrast."""

    error: Error
    low: float
    high: float
    p: float
    warnings: tuple[str, ...]


def require_target(contrast: Contrast, generalize_to: str) -> None:
    """Raise where the data cannot speak about the population asked for.

    Raises:
        ValueError: one seed for "both" or "seeds", one cluster for "both" or "items".
    """
    seeds, clusters = contrast.scores.shape[0], contrast.n_clusters
    if generalize_to in ("both", "seeds") and seeds < 2:
        raise ValueError(
            f"generalize_to={generalize_to!r} needs at least 2 seeds, got {seeds}: nothing here shows how training varies. "
            'Pass generalize_to="items" to speak about these trained models only'
        )
    if generalize_to in ("both", "items") and clusters < 2:
        raise ValueError(
            f"generalize_to={generalize_to!r} needs at least 2 clusters of items, got {clusters}"
            + ('. Pass generalize_to="seeds" to speak about these items only' if seeds > 1 else "")
        )


def contrast_error(contrast: Contrast, generalize_to: str, se_kind: str) -> Error:
    """Standard error of a contrast: over seeds and clusters, over clusters, or over seeds.

    Raises:
        ValueError: too few seeds or clusters.
    """
    require_target(contrast, generalize_to)
    seeds, items = contrast.scores.shape
    clusters = contrast.n_clusters
    grouped = "cluster" if clusters < items else "item"
    if generalize_to == "both":
        table = two_way(contrast.cluster_table())
        return Error(table.variance**0.5, table.df, f"seed x {grouped}", min(seeds, clusters))
    if generalize_to == "seeds":
        means = contrast.scores.mean(axis=1)
        return Error(float(means.std(ddof=1)) / seeds**0.5, seeds - 1.0, "seed", seeds)
    scores = contrast.scores.mean(axis=0)
    error = clustered_error(scores, contrast.codes, clusters, kind=se_kind)
    return Error(error.se, error.df, grouped, clusters)


def summarise(
    contrast: Contrast, *, generalize_to: str, level: float, se_kind: str, bounded: bool
) -> Summary:
    """Interval by t and two-sided p of a contrast, or the score interval where nothing varies.

    Args:
        contrast: what is estimated.
        generalize_to: "both", "items" or "seeds".
        level: coverage.
        se_kind: cluster-robust kind, for "items".
        bounded: Wilson's interval at the effective number of items, for shares.

    Raises:
        ValueError: too few seeds or clusters; `bounded` for scores other than 0 and 1.
    """
    error = contrast_error(contrast, generalize_to, se_kind)
    estimate = contrast.estimate
    if error.se <= contrast.resolution:
        return _constant(contrast, error, level)
    warnings = [*_few(contrast, generalize_to)]
    half = t_half_width(error.se, error.df, level)
    low, high = estimate - half, estimate + half
    if bounded:
        if not contrast.binary:
            raise ValueError('method="wilson" needs scores that are all 0 or 1')
        effective = estimate * (1 - estimate) / error.se**2
        low, high = score_interval(estimate, effective, t_quantile(0.5 + level / 2, error.df))
    elif contrast.binary and contrast.baseline is None and (low < 0 or high > 1):
        warnings.append('The t interval of this share leaves 0..1; method="wilson" stays inside.')
    return Summary(error, low, high, t_two_sided(estimate / error.se, error.df), tuple(warnings))


def _constant(contrast: Contrast, error: Error, level: float) -> Summary:
    """Nothing varies over the units: a score interval for 0/1 scores, else no width and the reason said."""
    estimate = contrast.estimate
    error = error._replace(se=0.0)
    scored = contrast.binary and contrast.is_constant
    units = contrast.n_clusters if scored and error.unit != "seed" else error.units
    p = 1.0 if abs(estimate) <= contrast.resolution else max(SMALLEST_P, min(1.0, 2.0 ** (1 - units)))
    if scored:
        if contrast.baseline is None:
            what, (low, high) = (
                "score",
                score_interval(estimate, float(units), t_quantile(0.5 + level / 2, np.inf)),
            )
        else:
            what, (low, high) = "difference", constant_difference_ci(estimate, units, level=level)
        said = f"Every {what} is {estimate:g}: a score interval on {units} independent units stands in for the t interval."
        return Summary(error, low, high, p, (said,))
    said = (
        f"The {error.unit} means do not vary at all, so no error can be estimated: the interval has no width "
        "and does not say how sure the estimate is."
    )
    return Summary(error, estimate, estimate, p, (said,))


def _few(contrast: Contrast, generalize_to: str) -> list[str]:
    seeds, said = contrast.scores.shape[0], []
    if generalize_to == "items" and seeds == 1:
        said.append("One seed: this speaks about these trained models, not about the recipe.")
    if generalize_to in ("both", "items") and contrast.n_clusters < FEW_CLUSTERS:
        said.append(f"Only {contrast.n_clusters} clusters: the error itself is poorly known.")
    return said
