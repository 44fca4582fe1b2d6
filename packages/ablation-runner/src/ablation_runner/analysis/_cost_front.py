"""Which arms lie on the Pareto front of score and cost, and how surely."""

from collections.abc import Sequence

import ablation_stats as stats
from ablation_runner.analysis._cubes import Tested
from ablation_runner.analysis._lower import is_lower
from ablation_runner.results import COSTS, ArmResult, CostFront, FrontPoint

_RESAMPLES = 2000
_SEED = 0  # of the resamples, so that two reports of one run agree


def cost_front(tested: Tested, arms: Sequence[ArmResult]) -> CostFront | None:
    """The front in the first cost in which arms differ; None where fewer than two arms can be placed.

    The blind control and arms that had not converged are left out; without the baseline there is nothing to weigh them by.

    Args:
        tested: the scores.
        arms: all arms of the study.
    """
    placed = [arm for arm in arms if arm.mean and arm.converged and not arm.is_blind]
    kind = next((kind for kind in COSTS if _differs(placed, kind)), None)
    compared = any(arm.is_baseline for arm in placed)
    if kind is None or not compared or tested.main is None or tested.main.clusters.len() < 2:
        return None
    points = stats.pareto_front(
        tested.main,
        costs={arm.name: float(getattr(arm, kind)) for arm in placed},
        arms=[arm.name for arm in placed],
        rng=_SEED,
        n_resamples=_RESAMPLES,
    )
    return CostFront(
        kind=kind,
        points=tuple(
            FrontPoint(arm=point.arm, on_front=point.on_front, probability=point.probability)
            for point in points
        ),
    )


def _differs(arms: Sequence[ArmResult], kind: str) -> bool:
    costs = [getattr(arm, kind) for arm in arms]
    return bool(costs) and all(costs) and is_lower(min(costs), max(costs), kind=kind)
