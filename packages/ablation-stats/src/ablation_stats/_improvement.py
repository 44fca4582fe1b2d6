"""The chance that a run of one arm beats a run of another, averaged over tasks."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ablation_stats._aggregate import finite_scores
from ablation_stats._compare_t import with_adjusted
from ablation_stats._effect_size import vargha_delaney_a12
from ablation_stats._result import Estimate
from ablation_stats._run_draws import RunBootstrap, Statistics, draw_runs, estimate_of
from ablation_stats._task_scores import as_task_scores

Array = NDArray[np.float64]


def probability_of_improvement(a: ArrayLike, b: ArrayLike) -> float:
    """The mean over tasks of P(a run of a scores above a run of b), ties counted half.

    Agarwal et al., arXiv 2108.13264, section 4.3: the mean of Vargha and Delaney's A12 over tasks.

    Args:
        a: scores `[runs, tasks]` of the first arm.
        b: scores of the second: the same tasks, any number of runs.

    Raises:
        ValueError: another number of tasks, no scores, or scores that are not finite.

    >>> probability_of_improvement([[0.5, 0.2], [0.9, 0.4]], [[0.5, 0.3]])
    0.625
    """
    first, second = finite_scores(a, axes=2, what="a"), finite_scores(b, axes=2, what="b")
    if first.shape[1] != second.shape[1]:
        raise ValueError(f"a and b must hold the same tasks, got {first.shape[1]} and {second.shape[1]}")
    return float(np.mean([vargha_delaney_a12(x, y) for x, y in zip(first.T, second.T, strict=True)]))


def improvement_probabilities(
    frame: Any,
    bootstrap: RunBootstrap,
    *,
    baseline: str,
    metric: str | None = None,
    condition: str | None = None,
    adjust: str = "holm",
) -> tuple[Estimate, ...]:
    """Every arm's probability of improvement over the baseline, tested against 1/2; both from the same resampled runs.

    Args:
        frame: long frame with a column `task`, or `TaskScores`.
        bootstrap: how runs are resampled.
        baseline: arm the others are compared with.
        metric: metric to read, where the frame holds several.
        condition: likewise.
        adjust: method of `adjust_pvalues`, over the arms.

    Raises:
        ValueError: as `aggregate_differences`.
    """
    scores = as_task_scores(frame, metric=metric, condition=condition)
    others = scores.others(baseline)
    rival = scores.values[scores.index(baseline)]
    values = np.stack([scores.values[scores.index(arm)] for arm in others])
    draws = draw_runs(scores, _wins_of_cells(values, rival), bootstrap)
    found = [
        estimate_of(
            scores,
            draws.values[:, at],
            probability_of_improvement(values[at], rival),
            bootstrap,
            seed=draws.seed,
            name=f"P({arm} > {baseline})",
            arm=arm,
            baseline=baseline,
            null=0.5,
        )
        for at, arm in enumerate(others)
    ]
    return with_adjusted(found, adjust)


def _wins_of_cells(values: Array, rival: Array) -> Statistics:
    """Probabilities `[rows, arms]` from how often each run was drawn: counts' W counts / runs^2, summed over tasks."""
    arms, runs, tasks = values.shape
    sign = np.sign(values[:, :, None, :] - rival[None, None, :, :])
    wins = np.ascontiguousarray(
        (0.5 + 0.5 * sign).transpose(3, 0, 1, 2)
    )  # tasks, arms, runs of arm, runs of rival

    def statistics(cells: NDArray[np.int64]) -> Array:
        rows = cells.shape[0]
        first = np.arange(0, rows * runs * tasks, runs * tasks)[:, None]
        drawn = np.bincount((cells.reshape(rows, -1) + first).ravel(), minlength=rows * runs * tasks)
        counts = drawn.reshape(rows, runs, tasks).astype(np.float64)
        found = np.zeros((rows, arms))
        for task in range(tasks):
            times = np.ascontiguousarray(counts[:, :, task])
            for arm in range(arms):
                found[:, arm] += np.einsum("br,br->b", times @ wins[task, arm], times)
        return np.asarray(found / (runs * runs * tasks))

    return statistics
