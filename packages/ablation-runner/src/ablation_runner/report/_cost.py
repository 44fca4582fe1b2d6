"""Score against cost, with the Pareto front: what more money buys."""

import math
from typing import Any

from ablation_runner.report._chart import Figure, draw
from ablation_runner.report._cost_chart import cost_chart, domains, stairs
from ablation_runner.report._numbers import Scale, cost_text, inside, range_text, value_text
from ablation_runner.report._section import Section, grids, with_figure
from ablation_runner.report._text import short_names
from ablation_runner.results import COSTS, ArmResult, CostFront, StudyResults

_COLUMNS = ("Cost", "Score", "On the front", "Chance of it")
_RATIO = 6  # largest to smallest cost from which a log scale helps
_WIDE, _NARROW = 620, 290


def cost(study: StudyResults, scale: Scale) -> Section | None:
    """The section; None where arms do not differ in cost."""
    front = study.cost_front
    if front is None:
        return None
    arms = {arm.name: arm for arm in study.arms}
    shown = [arms[point.arm] for point in front.points]
    return with_figure(
        _figure(front, shown, scale),
        note=(
            "On the front: no other arm scores at least as high for at most the same cost. The chance is the "
            "share of resampled sets of images, with these same trained models, in which that holds; near one half, the data do "
            "not decide."
        ),
        grids=grids(
            "Arm",
            _COLUMNS,
            [arm.name for arm in shown],
            {
                (point.arm, column): cell
                for point, arm in zip(front.points, shown, strict=True)
                for column, cell in zip(
                    _COLUMNS,
                    (
                        (cost_text(front.kind, getattr(arm, front.kind)), ""),
                        (value_text(arm.mean.estimate, scale), range_text(arm.mean, scale))
                        if arm.mean
                        else ("–", ""),
                        ("yes" if point.on_front else "no", ""),
                        (_share(point.probability), ""),
                    ),
                    strict=True,
                )
            },
        ),
    )


def _share(probability: float) -> str:
    """A share of resamples in words that do not promise more than they can: never 0 or 100 %."""
    if probability > 0.99:
        return ">99\u00a0%"
    return "<1\u00a0%" if probability < 0.01 else f"{100 * probability:.0f}\u00a0%"


def _figure(front: CostFront, arms: list[ArmResult], scale: Scale) -> Figure:
    word, log = COSTS[front.kind], _is_log(front, arms)
    rows, title = _rows(front, arms, scale), word + (", seconds" if front.kind == "train_seconds" else "")
    return draw(
        name="cost",
        title=f"{scale.heading} against {word}",
        short="Cost",
        caption=(
            f"Line and filled points: the Pareto front. Hollow: another arm scores as high for less. Diamond: the "
            f"baseline. Vertical lines: 95 % intervals.{' The cost axis is logarithmic.' if log else ''} The blind "
            "control and arms that had not converged are left out."
        ),
        data={"rows": rows, "front": stairs(rows, domains(rows, log=log)[0][1])},
        wide=cost_chart(rows, title, scale, log=log, width=_WIDE),
        narrow=cost_chart(rows, title, scale, log=log, width=_NARROW),
    )


def _is_log(front: CostFront, arms: list[ArmResult]) -> bool:
    costs = [getattr(arm, front.kind) for arm in arms]
    return bool(max(costs) > _RATIO * min(costs))


def _rows(front: CostFront, arms: list[ArmResult], scale: Scale) -> list[dict[str, Any]]:
    names = short_names([arm.name for arm in arms], 24)
    rows: list[dict[str, Any]] = []
    for point, arm in zip(front.points, arms, strict=True):
        assert arm.mean is not None
        low, high = inside(arm.mean, scale)
        ends = {"score": arm.mean.estimate, "low": low, "high": high}
        rows.append(
            {
                "name": names[arm.name],
                "cost": float(getattr(arm, front.kind)),
                "on_front": point.on_front,
                "shape": "diamond" if arm.is_baseline else "circle",
                **{
                    key: value * scale.factor if math.isfinite(value) else None for key, value in ends.items()
                },
            }
        )
    return rows
