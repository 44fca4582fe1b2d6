"""The arms that no other arm beats: a set that holds the best one at a stated error rate."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ablation_stats._compare_t import estimate_t
from ablation_stats._contrast import arm_contrast, linear_scores
from ablation_stats._cube import PairedCube, as_cube
from ablation_stats._frame import to_lazy
from ablation_stats._refuse import require_level
from ablation_stats._result import Tabular


@dataclass(frozen=True, kw_only=True)
class TiedSet(Tabular):
    """The arms of one metric and task that are not told apart from the best.

    Attributes:
        metric: the metric; task: the task; condition: the condition; each None where the frame names none.
        best: the arm with the best mean.
        tied: arms that no other beats, `best` among them, from the best mean to the worst.
        beaten: the others, likewise.
        p_values: one per arm of `tied` then `beaten`: the smallest one-sided p of "another arm is better", times
            the number of other arms.
        alpha: chance that the truly best arm is not in `tied`, at most.
    """

    metric: str | None
    task: str | None
    condition: str | None
    best: str
    tied: tuple[str, ...]
    beaten: tuple[str, ...]
    p_values: tuple[float, ...]
    alpha: float


def tied_sets(
    frame: Any,
    *,
    arms: Sequence[str] | None = None,
    generalize_to: str = "both",
    alpha: float = 0.05,
    higher_is_better: bool = True,
) -> tuple[TiedSet, ...]:
    """For each metric, task and condition of a frame, the arms not told apart from the best.

    An arm leaves the set when some other arm is better than it (one-sided paired t, Bonferroni over its rivals). The
    truly best arm leaves only by such an error, so picking the winner from the same data costs nothing.

    Args:
        frame: long frame, or a cube.
        arms: arms to look at; None takes all.
        generalize_to: "both", "items" or "seeds", as for `paired_difference`.
        alpha: error rate of each set, 0..0.5.
        higher_is_better: False for error rates and losses.

    Raises:
        ValueError: fewer than 2 arms, or as `paired_difference`.

    >>> frame = pl.DataFrame({"arm": ["a"] * 6 + ["b"] * 6 + ["c"] * 6, "item": list(range(6)) * 3,
    ...                       "value": [0.9, 0.8, 0.9, 0.7, 0.9, 0.8, 0.8, 0.9, 0.9, 0.8, 0.7, 0.8] + [0.1, 0.2] * 3})
    >>> tied_sets(frame, generalize_to="items")[0].tied
    ('a', 'b')
    """
    require_level(2 * alpha)
    if isinstance(frame, PairedCube):
        return (_tied(frame, generalize_to, alpha, higher_is_better),)
    lazy = to_lazy(frame)
    keys = [key for key in ("metric", "task", "condition") if key in lazy.collect_schema().names()]
    chosen: list[dict[str, Any]] = [{}]
    if keys:
        chosen = lazy.select(pl.col(keys).cast(pl.String)).unique().sort(keys).collect().to_dicts()
    cubes = [as_cube(frame, arms=arms, **selection) for selection in chosen]
    return tuple(_tied(cube, generalize_to, alpha, higher_is_better) for cube in cubes)


def _tied(cube: PairedCube, generalize_to: str, alpha: float, higher_is_better: bool) -> TiedSet:
    if len(cube.arms) < 2:
        raise ValueError(f"a tied set needs at least 2 arms, got {len(cube.arms)}")
    sign = 1 if higher_is_better else -1
    means = {arm: sign * float(linear_scores(cube, at).mean()) for at, arm in enumerate(cube.arms)}
    ordered = sorted(cube.arms, key=lambda arm: (-means[arm], arm))
    beaten_by = {arm: 1.0 for arm in ordered}
    rivals = len(ordered) - 1
    for at, better in enumerate(ordered):
        for worse in ordered[at + 1 :]:
            found = estimate_t(
                arm_contrast(cube, better, worse), generalize_to=generalize_to, level=1 - alpha
            )
            p = min(1.0, rivals * (found.p_value or 1.0) / 2)
            beaten_by[worse] = min(beaten_by[worse], p)
    tied = tuple(arm for arm in ordered if beaten_by[arm] >= alpha)
    beaten = tuple(arm for arm in ordered if beaten_by[arm] < alpha)
    return TiedSet(
        metric=cube.metric,
        task=cube.task,
        condition=cube.condition,
        best=ordered[0],
        tied=tied,
        beaten=beaten,
        p_values=tuple(beaten_by[arm] for arm in (*tied, *beaten)),
        alpha=alpha,
    )
