"""Bootstrap intervals of a statistic of plain values: BCa, percentile or basic, by item or by cluster."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ablation_stats._bca import acceleration_of, bca_levels, summarise_bootstrap
from ablation_stats._refuse import require_known, require_level
from ablation_stats._refuse_arrays import finite_vector, label_codes
from ablation_stats._resample import resample_sums
from ablation_stats._result import Estimate
from ablation_stats._streams import draw_seed, in_chunks, index_blocks, rows_per_block

Vector = NDArray[np.float64]
Statistic = Callable[[Vector], Vector]

STATISTICS: dict[str, Statistic] = {
    "mean": lambda values: np.asarray(values.mean(axis=-1)),
    "variance": lambda values: np.asarray(values.var(axis=-1)),
    "median": lambda values: np.asarray(np.median(values, axis=-1)),
}


@dataclass(frozen=True, kw_only=True)
class BootstrapInterval(Estimate):
    """An `Estimate` by bootstrap; its error is the standard deviation of the draws.

    Attributes:
        z0: BCa's bias correction; acceleration: BCa's; both 0 for other kinds.
    """

    z0: float
    acceleration: float


def bootstrap_ci(
    values: ArrayLike,
    *,
    rng: np.random.Generator | int,
    statistic: str | Statistic = "mean",
    cluster: ArrayLike | None = None,
    kind: str = "bca",
    level: float = 0.95,
    n_resamples: int = 9999,
    threads: int | None = None,
) -> BootstrapInterval:
    """Bootstrap interval of a statistic of `values` (scores, or paired differences).

    Means are resampled through counts of distinct values or through cluster sums, which is exact and fast.

    Args:
        values: one per item.
        rng: generator, or a seed.
        statistic: "mean", "variance" (divisor n), "median", or a function from values `[..., items]` to `[...]`.
        cluster: label of each item's cluster, resampled whole; for the mean only.
        kind: "bca", "percentile" or "basic".
        level: coverage, 0..1.
        n_resamples: draws, at least 100.
        threads: worker threads; the numbers do not depend on it.

    Raises:
        ValueError: fewer than two units, values that are all equal (there is nothing to resample), clusters with
            another statistic than the mean, unknown names.

    >>> found = bootstrap_ci([0.0, 1.0, 5.0, 2.0, 4.0], rng=1, kind="percentile")
    >>> 0 < found.ci_low < found.estimate < found.ci_high < 5
    True
    """
    require_level(level)
    if n_resamples < 100:
        raise ValueError(f"n_resamples must be at least 100, got {n_resamples}")
    sample = finite_vector(values, what="values", least=2)
    if isinstance(statistic, str):
        require_known(statistic, tuple(STATISTICS), what="statistic")
    if np.ptp(sample) == 0.0:
        raise ValueError(
            f"all {sample.size} values are {sample[0]:g}: resampling them shows no spread; for 0/1 scores use wilson_ci"
        )
    seed = draw_seed(rng)
    if cluster is not None or statistic == "mean":
        if statistic != "mean":
            raise ValueError("clusters are resampled for the mean only")
        units = _units(sample, cluster)
        estimate = float(units[:, 0].sum() / units[:, 1].sum())
        drawn, left_out = _means(units, n_resamples, seed, threads)
        n_units = units.shape[0]
    else:
        function = STATISTICS[statistic] if isinstance(statistic, str) else statistic
        estimate = float(function(sample))
        drawn = _gathered(function, sample, n_resamples, seed, threads)
        left_out, n_units = jackknife(sample, function), sample.size
    resolution = 64 * float(np.finfo(np.float64).eps) * max(float(np.abs(sample).max()), abs(estimate))
    summary = summarise_bootstrap(
        drawn, estimate, kind=kind, level=level, jackknife=[left_out], resolution=resolution
    )
    few = (
        (f"Only {n_units} units are resampled; a t interval is more honest below 10.",)
        if n_units < 10
        else ()
    )
    return BootstrapInterval(
        name=statistic if isinstance(statistic, str) else getattr(statistic, "__name__", "statistic"),
        estimate=estimate,
        df=None,
        n_seeds=1,
        se=summary.se,
        ci_low=summary.interval.low,
        ci_high=summary.interval.high,
        level=level,
        p_value=summary.p,
        n_items=sample.size,
        n_clusters=n_units,
        unit="item" if n_units == sample.size else "cluster",
        method=f"bootstrap ({kind})",
        z0=summary.z0,
        acceleration=summary.acceleration,
        n_resamples=n_resamples,
        rng_seed=seed,
        warnings=few,
    )


def bca_acceleration(
    values: ArrayLike, *, statistic: str | Statistic = "mean", centred: bool = True
) -> float:
    """BCa's acceleration from the jackknife, a = sum U^3 / (6 (sum U^2)^1.5).

    Args:
        values: one per item.
        statistic: as for `bootstrap_ci`.
        centred: U around the mean of the jackknife (Efron and Tibshirani, equation 14.15); False takes U around the
            estimate, as R's boot does.

    Raises:
        ValueError: fewer than two values, or an unknown statistic.
    """
    sample = finite_vector(values, what="values", least=2)
    if isinstance(statistic, str):
        require_known(statistic, tuple(STATISTICS), what="statistic")
    function = STATISTICS[statistic] if isinstance(statistic, str) else statistic
    left_out = jackknife(sample, function)
    if centred:
        return acceleration_of([left_out])
    influence = float(function(sample)) - left_out
    return float((influence**3).sum() / (6 * (influence**2).sum() ** 1.5))


def jackknife(sample: Vector, function: Statistic) -> Vector:
    """The statistic without each value in turn; in closed form for the mean and the variance."""
    n = sample.size
    if function is STATISTICS["mean"]:
        return np.asarray((sample.sum() - sample) / (n - 1))
    if function is STATISTICS["variance"]:
        centred = sample - sample.mean()
        return np.asarray(((centred**2).sum() - centred**2) / (n - 1) - (centred / (n - 1)) ** 2)
    step = rows_per_block(n)
    parts = []
    for start in range(0, n, step):
        rows = np.arange(start, min(start + step, n))
        others = np.arange(n - 1)[None, :] + (np.arange(n - 1)[None, :] >= rows[:, None])
        parts.append(function(sample[others]))
    return np.concatenate(parts)


def _units(sample: Vector, cluster: ArrayLike | None) -> Vector:
    """Sum and size of each unit."""
    if cluster is None:
        return np.stack([sample, np.ones(sample.size)], axis=1)
    codes = label_codes(cluster, sample.size, what="cluster")
    if int(codes.max()) < 1:
        raise ValueError("a cluster bootstrap needs at least 2 clusters, got 1")
    sums = np.bincount(codes, weights=sample)
    return np.stack([sums, np.bincount(codes).astype(np.float64)], axis=1)


def _means(units: Vector, n_resamples: int, seed: int, threads: int | None) -> tuple[Vector, Vector]:
    total, count = units.sum(axis=0)
    equal = float(np.ptp(units[:, 1])) == 0.0
    sums = resample_sums(
        units[:, :1] if equal else units, n_resamples=n_resamples, seed=seed, threads=threads
    )
    drawn = sums[:, 0] / (count if equal else sums[:, 1])
    return drawn, np.asarray((total - units[:, 0]) / (count - units[:, 1]))


def _gathered(
    function: Statistic, sample: Vector, n_resamples: int, seed: int, threads: int | None
) -> Vector:
    def draw(rng: np.random.Generator, rows: int) -> Vector:
        found = np.empty(rows)
        for block, drawn in index_blocks(rng, rows=rows, size=sample.size):
            values = function(sample[drawn])
            if values.shape != drawn.shape[:1]:
                raise ValueError(
                    f"statistic must turn values [rows, items] into [rows], got shape {values.shape}"
                )
            found[block] = values
        return found

    return in_chunks(draw, rows=n_resamples, width=sample.size, seed=seed, threads=threads)


__all__ = ["BootstrapInterval", "bca_acceleration", "bca_levels", "bootstrap_ci"]
