"""Mean of plain scores that come in clusters."""

from dataclasses import dataclass

from numpy.typing import ArrayLike

from ablation_stats._refuse import require_level
from ablation_stats._refuse_arrays import finite_vector, label_codes
from ablation_stats._result import Estimate
from ablation_stats._student import t_half_width, t_two_sided
from ablation_stats._variance import clustered_error


@dataclass(frozen=True, kw_only=True)
class ClusteredMean(Estimate):
    """An `Estimate` of a mean over clustered items.

    Attributes:
        design_effect: (error / error without clusters)^2; 1 where nothing varies.
        effective_items: items / design effect.
    """

    design_effect: float
    effective_items: float


def clustered_se(
    values: ArrayLike, cluster: ArrayLike, *, kind: str = "CR1", level: float = 0.95
) -> ClusteredMean:
    """Mean of `values` and its standard error when items come in clusters.

    Args:
        values: scores or paired differences, one per item.
        cluster: label of each item's cluster.
        kind: "CR0" (Liang-Zeger), "CR1" (times G/(G-1); default), "CR2" (Bell-McCaffrey), "CR3" (jackknife),
            "miller" (arXiv 2411.00640, equation 4).
        level: coverage of its t interval, with G - 1 degrees of freedom (Satterthwaite's for CR2).

    Raises:
        ValueError: fewer than two clusters, unequal lengths, values not finite, unknown kind.

    >>> round(clustered_se([1, 0, 0, 1, 1, 1], ["a", "a", "b", "b", "c", "c"]).se, 4)
    0.1667
    """
    scores = finite_vector(values, what="values")
    codes = label_codes(cluster, scores.size, what="cluster")
    require_level(level)
    found = clustered_error(scores, codes, int(codes.max()) + 1, kind=kind)
    half = t_half_width(found.se, found.df, level)
    still = found.se <= 0.0
    said = (
        ("The scores do not vary: the interval has no width and does not say how sure the mean is.",)
        if still
        else ()
    )
    return ClusteredMean(
        name="mean",
        estimate=found.mean,
        se=found.se,
        ci_low=found.mean - half,
        ci_high=found.mean + half,
        level=level,
        p_value=None if still else t_two_sided(found.mean / found.se, found.df),
        df=found.df,
        n_items=scores.size,
        n_clusters=found.n_clusters,
        n_seeds=1,
        unit="cluster",
        method=f"t ({kind})",
        warnings=said,
        design_effect=found.design_effect,
        effective_items=found.effective_items,
    )
