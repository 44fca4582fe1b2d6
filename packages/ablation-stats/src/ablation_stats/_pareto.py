"""The Pareto front of cost and score, and how surely each arm lies on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ablation_stats._cube import as_cube
from ablation_stats._joint_draws import draw_means, numbers_of_arms, resampled_unit
from ablation_stats._refuse import require_level
from ablation_stats._refuse_arrays import paired_vectors
from ablation_stats._result import Tabular


@dataclass(frozen=True, kw_only=True)
class ParetoPoint(Tabular):
    """One arm in the plane of cost and score.

    Attributes:
        arm: the arm; metric: the metric, None where the frame names none.
        cost: its cost; estimate: its mean score.
        ci_low: lower end of the percentile interval of the score; ci_high: upper end; level: its coverage.
        on_front: whether no arm is at least as good on both and better on one.
        probability: share of the joint resamples in which that holds.
        unit: what was resampled; n_resamples: how often; rng_seed: seed that gives the same resamples again.
    """

    arm: str
    metric: str | None
    cost: float
    estimate: float
    ci_low: float
    ci_high: float
    level: float
    on_front: bool
    probability: float
    unit: str
    n_resamples: int
    rng_seed: int


def pareto_indices(
    costs: ArrayLike, scores: ArrayLike, *, higher_is_better: bool = True
) -> NDArray[np.int64]:
    """Positions of the points that no other point dominates, in the order given.

    A point dominates another when it costs no more, scores no worse, and differs in one of the two; equal points both
    stay.

    Args:
        costs: one per point, lower is better.
        scores: one per point.
        higher_is_better: False for error rates and losses.

    Raises:
        ValueError: unequal lengths, no points, or numbers that are not finite.

    >>> pareto_indices([1, 2, 2, 3], [0.5, 0.7, 0.6, 0.7]).tolist()
    [0, 1]
    """
    cost, score = paired_vectors(costs, scores, least=1)
    gain = score if higher_is_better else -score
    return np.flatnonzero(on_front(cost, gain[None], 0.0)[0])


def pareto_front(
    frame: Any,
    *,
    costs: Mapping[str, float],
    rng: np.random.Generator | int,
    arms: Sequence[str] | None = None,
    metric: str | None = None,
    task: str | None = None,
    generalize_to: str = "items",
    higher_is_better: bool = True,
    level: float = 0.95,
    n_resamples: int = 9999,
    threads: int | None = None,
) -> tuple[ParetoPoint, ...]:
    """Every arm with its cost, its score and its chance of lying on the front, from the cheapest up.

    The arms are resampled jointly, so two arms that err on the same items keep their order. A probability near 1/2
    says that the data do not decide.

    Args:
        frame: long frame or cube.
        costs: cost per arm, lower is better (FLOPs, seconds, tokens).
        rng: generator, or a seed.
        arms: arms to look at; None takes all.
        metric: metric to read, where the frame holds several.
        task: likewise.
        generalize_to: "items", or "seeds" or "both" with at least ten seeds.
        higher_is_better: False for error rates and losses.
        level: coverage of the scores' intervals.
        n_resamples: draws, at least 100.
        threads: worker threads; the numbers do not depend on it.

    Raises:
        ValueError: an arm without a cost, or as `paired_difference` by bootstrap.
    """
    require_level(level)
    cube = as_cube(frame, arms=arms, metric=metric, task=task)
    shown = list(cube.arms if arms is None else arms)
    cost = numbers_of_arms(costs, shown, what="costs", positive=False)
    draws = draw_means(
        cube, shown, generalize_to=generalize_to, n_resamples=n_resamples, rng=rng, threads=threads
    )
    sign = 1.0 if higher_is_better else -1.0
    is_on = on_front(cost, sign * draws.means[None], draws.resolution)[0]
    probability = on_front(cost, sign * draws.values, draws.resolution).mean(axis=0)
    low, high = np.quantile(draws.values, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return tuple(
        ParetoPoint(
            arm=shown[at],
            metric=cube.metric,
            cost=float(cost[at]),
            estimate=float(draws.means[at]),
            ci_low=float(low[at]),
            ci_high=float(high[at]),
            level=level,
            on_front=bool(is_on[at]),
            probability=float(probability[at]),
            unit=resampled_unit(cube, generalize_to),
            n_resamples=n_resamples,
            rng_seed=draws.seed,
        )
        for at in np.argsort(cost, kind="stable")
    )


def on_front(cost: NDArray[np.float64], gain: NDArray[np.float64], resolution: float) -> NDArray[np.bool_]:
    """Whether each point is undominated, per row of `gain [rows, points]`; gains within `resolution` are equal."""
    undominated = np.ones(gain.shape, dtype=bool)
    for at in range(cost.size):
        cheaper, same = cost < cost[at], cost == cost[at]
        if cheaper.any():
            undominated[:, at] &= gain[:, cheaper].max(axis=1) < gain[:, at] - resolution
        undominated[:, at] &= gain[:, same].max(axis=1) <= gain[:, at] + resolution
    return undominated
