"""Aggregates over tasks of every arm, and their differences, with intervals from one shared set of resampled runs."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablation_stats._aggregate import gap_of, iqm_weights, mean_of_tasks, median_of_tasks, require_gamma
from ablation_stats._compare_t import with_adjusted
from ablation_stats._refuse import require_known
from ablation_stats._result import Estimate
from ablation_stats._run_draws import RunBootstrap, RunDraws, Statistics, draw_runs, estimate_of
from ablation_stats._task_scores import TaskScores, as_task_scores

Array = NDArray[np.float64]

IQM_KIND = {"iqm": "floor", "iqm-fractional": "fractional"}
AGGREGATES = (*IQM_KIND, "mean", "median", "optimality-gap")


def aggregate_scores(
    frame: Any,
    bootstrap: RunBootstrap,
    *,
    statistic: str = "iqm",
    gamma: float = 1.0,
    metric: str | None = None,
    condition: str | None = None,
) -> tuple[Estimate, ...]:
    """An aggregate over tasks of every arm, its interval from resampled runs.

    It speaks about training again, on these very items. Scores of all tasks are pooled, so they must be on one scale.

    Args:
        frame: long frame with a column `task`, or `TaskScores`.
        bootstrap: how runs are resampled.
        statistic: "iqm" (floor convention), "iqm-fractional", "mean", "median" (over tasks, of the mean over runs) or
            "optimality-gap".
        gamma: score that counts as solved, for the optimality gap.
        metric: metric to read, where the frame holds several.
        condition: likewise.

    Raises:
        ValueError: unknown names, fewer than 2 seeds, or as `task_scores`.

    >>> import polars as pl
    >>> frame = pl.DataFrame({"arm": ["a"] * 6, "task": ["x", "y"] * 3, "seed": [0, 0, 1, 1, 2, 2],
    ...                       "value": [0.1, 0.9, 0.2, 0.8, 0.4, 0.6]})
    >>> aggregate_scores(frame, RunBootstrap(rng=1))[0].estimate
    0.5
    """
    scores = as_task_scores(frame, metric=metric, condition=condition)
    estimates, draws = _aggregates(scores, bootstrap, statistic, gamma)
    return tuple(
        estimate_of(
            scores,
            draws.values[:, at],
            float(estimates[at]),
            bootstrap,
            seed=draws.seed,
            name=f"{statistic} of {arm}",
            arm=arm,
            baseline=None,
        )
        for at, arm in enumerate(scores.arms)
    )


def aggregate_differences(
    frame: Any,
    bootstrap: RunBootstrap,
    *,
    baseline: str,
    statistic: str = "iqm",
    gamma: float = 1.0,
    metric: str | None = None,
    condition: str | None = None,
    adjust: str = "holm",
) -> tuple[Estimate, ...]:
    """Every arm's aggregate minus the baseline's, paired by seed: both are taken from the same resampled runs.

    Args:
        frame: long frame with a column `task`, or `TaskScores`.
        bootstrap: how runs are resampled.
        baseline: arm the others are compared with.
        statistic: as for `aggregate_scores`.
        gamma: likewise.
        metric: likewise.
        condition: likewise.
        adjust: method of `adjust_pvalues`, over the arms.

    Raises:
        ValueError: as `aggregate_scores`; an unknown baseline, or no other arm.
    """
    scores = as_task_scores(frame, metric=metric, condition=condition)
    others = scores.others(baseline)
    estimates, draws = _aggregates(scores, bootstrap, statistic, gamma)
    at = scores.index(baseline)
    found = [
        estimate_of(
            scores,
            draws.values[:, scores.index(arm)] - draws.values[:, at],
            float(estimates[scores.index(arm)] - estimates[at]),
            bootstrap,
            seed=draws.seed,
            name=f"{statistic} of {arm} - {baseline}",
            arm=arm,
            baseline=baseline,
        )
        for arm in others
    ]
    return with_adjusted(found, adjust)


def _aggregates(
    scores: TaskScores, bootstrap: RunBootstrap, statistic: str, gamma: float
) -> tuple[Array, RunDraws]:
    """The statistic of every arm `[arms]`, and its draws."""
    require_known(statistic, AGGREGATES, what="statistic")
    if statistic in IQM_KIND:
        statistics = _iqm_of_cells(scores.values, IQM_KIND[statistic])
    else:
        functions: dict[str, Callable[[Array], Array]] = {
            "mean": mean_of_tasks,
            "median": median_of_tasks,
            "optimality-gap": gap_of(require_gamma(gamma)),
        }
        function = functions[statistic]
        tables = scores.values.reshape(len(scores.arms), -1)

        def statistics(cells: NDArray[np.int64]) -> Array:
            return np.stack([function(table.take(cells)) for table in tables], axis=1)

    every_cell = np.arange(scores.values[0].size).reshape(1, *scores.values.shape[1:])
    return statistics(every_cell)[0], draw_runs(scores, statistics, bootstrap)


def _iqm_of_cells(values: Array, kind: str) -> Statistics:
    """Interquartile means of drawn cells: small integer ranks are sorted (3 times as fast as floats), then decoded."""
    size = values[0].size
    weights = iqm_weights(size, kind)
    middle = np.flatnonzero(weights)
    kept = slice(int(middle[0]), int(middle[-1]) + 1)
    narrow = np.uint16 if size <= np.iinfo(np.uint16).max else np.uint32
    coded = [np.unique(table, return_inverse=True) for table in values.reshape(values.shape[0], -1)]
    ranked = [(levels, ranks.astype(narrow)) for levels, ranks in coded]

    def statistics(cells: NDArray[np.int64]) -> Array:
        found = np.empty((cells.shape[0], len(ranked)))
        for column, (levels, ranks) in zip(found.T, ranked, strict=True):
            drawn = ranks.take(cells).reshape(cells.shape[0], size)
            drawn.sort(axis=1)
            column[:] = levels[drawn[:, kept]] @ weights[kept]
        return found

    return statistics
