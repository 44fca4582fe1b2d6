"""Performance profiles: the share of runs, or of tasks, that score above each threshold."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ablation_stats._aggregate import finite_scores
from ablation_stats._refuse import require_known
from ablation_stats._refuse_arrays import finite_vector
from ablation_stats._result import Tabular
from ablation_stats._run_draws import RunBootstrap, Statistics, draw_runs
from ablation_stats._task_scores import as_task_scores

Array = NDArray[np.float64]

PROFILE_KINDS = ("runs", "tasks")


@dataclass(frozen=True, kw_only=True)
class PerformanceProfile(Tabular):
    """The performance profile of one arm.

    Attributes:
        arm: the arm; metric: the metric, None where the frame names none.
        kind: "runs" or "tasks".
        taus: thresholds, rising.
        shares: share that scores above each threshold, 0..1, never rising.
        ci_low: lower ends; ci_high: upper ends, each of coverage `level` at its own threshold (pointwise).
        level: coverage; n_seeds: runs per task; n_tasks: tasks.
        n_resamples: draws; rng_seed: seed that gives them again.
    """

    arm: str
    metric: str | None
    kind: str
    taus: tuple[float, ...]
    shares: tuple[float, ...]
    ci_low: tuple[float, ...]
    ci_high: tuple[float, ...]
    level: float
    n_seeds: int
    n_tasks: int
    n_resamples: int
    rng_seed: int


def performance_profile(scores: ArrayLike, taus: ArrayLike, *, kind: str = "runs") -> Array:
    """The share of scores above each threshold.

    Agarwal et al., arXiv 2108.13264, section 4.1.

    Args:
        scores: `[runs, tasks]`.
        taus: thresholds, rising.
        kind: "runs", the share of all runs; "tasks", the share of tasks whose mean over runs lies above.

    Raises:
        ValueError: unknown kind, thresholds that do not rise, or scores that are not finite.

    >>> performance_profile([[0.1, 0.6], [0.3, 0.8]], [0.1, 0.5]).tolist()
    [0.75, 0.5]
    """
    require_known(kind, PROFILE_KINDS, what="kind")
    table = finite_scores(scores, axes=2)
    every_cell = np.arange(table.size).reshape(1, *table.shape)
    return np.asarray(_profiles_of_cells(table[None], rising(taus), kind)(every_cell)[0])


def performance_profiles(
    frame: Any,
    bootstrap: RunBootstrap,
    *,
    taus: ArrayLike,
    kind: str = "runs",
    metric: str | None = None,
    condition: str | None = None,
) -> tuple[PerformanceProfile, ...]:
    """The performance profile of every arm, with pointwise intervals from the same resampled runs.

    Args:
        frame: long frame with a column `task`, or `TaskScores`.
        bootstrap: how runs are resampled; the interval must be "percentile".
        taus: thresholds, rising.
        kind: "runs" or "tasks".
        metric: metric to read, where the frame holds several.
        condition: likewise.

    Raises:
        ValueError: as `performance_profile` and `aggregate_scores`.
    """
    require_known(kind, PROFILE_KINDS, what="kind")
    require_known(bootstrap.interval, ("percentile",), what="interval of a profile")
    thresholds = rising(taus)
    scores = as_task_scores(frame, metric=metric, condition=condition)
    statistics = _profiles_of_cells(scores.values, thresholds, kind)
    every_cell = np.arange(scores.values[0].size).reshape(1, *scores.values.shape[1:])
    shape = (len(scores.arms), thresholds.size)
    shares = statistics(every_cell).reshape(shape)
    draws = draw_runs(scores, statistics, bootstrap)
    tail = (1 - bootstrap.level) / 2
    low, high = (each.reshape(shape) for each in np.quantile(draws.values, [tail, 1 - tail], axis=0))
    return tuple(
        PerformanceProfile(
            arm=arm,
            metric=scores.metric,
            kind=kind,
            taus=tuple(thresholds.tolist()),
            shares=tuple(shares[at].tolist()),
            ci_low=tuple(low[at].tolist()),
            ci_high=tuple(high[at].tolist()),
            level=bootstrap.level,
            n_seeds=len(scores.seeds),
            n_tasks=len(scores.tasks),
            n_resamples=bootstrap.n_resamples,
            rng_seed=draws.seed,
        )
        for at, arm in enumerate(scores.arms)
    )


def rising(taus: ArrayLike) -> Array:
    """`taus` as floats.

    Raises:
        ValueError: they do not rise strictly, or are not finite.
    """
    thresholds = finite_vector(taus, what="taus")
    if (np.diff(thresholds) <= 0).any():
        raise ValueError(f"taus must rise strictly, got {thresholds.tolist()[:5]}…")
    return thresholds


def _profiles_of_cells(values: Array, taus: Array, kind: str) -> Statistics:
    """Shares `[rows, arms x taus]` above each threshold, by counting scores between thresholds."""
    tables = values.reshape(values.shape[0], -1)
    passed = np.searchsorted(taus, tables, side="left")  # thresholds below each score

    def statistics(cells: NDArray[np.int64]) -> Array:
        rows = cells.shape[0]
        found = np.empty((rows, tables.shape[0], taus.size))
        first = np.arange(0, rows * (taus.size + 1), taus.size + 1)[:, None]
        for at in range(tables.shape[0]):
            if kind == "runs":
                level = passed[at].take(cells).reshape(rows, -1)
            else:
                level = np.searchsorted(taus, tables[at].take(cells).mean(axis=1), side="left")
            counts = np.bincount((level + first).ravel(), minlength=rows * (taus.size + 1))
            above = counts.reshape(rows, taus.size + 1)[:, :0:-1].cumsum(axis=1)[:, ::-1]
            np.divide(above, level.shape[1], out=found[:, at])
        return found.reshape(rows, -1)

    return statistics
