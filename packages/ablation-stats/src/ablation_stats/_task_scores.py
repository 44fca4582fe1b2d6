"""One score per arm, seed and task: the table that aggregates over tasks are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ablation_stats._cube import PairedCube, paired_cube
from ablation_stats._frame import to_lazy
from ablation_stats._refuse import require_known, sample


@dataclass(frozen=True, kw_only=True, eq=False)
class TaskScores:
    """Score of every arm on every task under every seed.

    Attributes:
        arms: names, sorted.
        seeds: sorted; the same for all arms and tasks, which is what pairs them.
        tasks: names, sorted.
        values: scores `[arms, seeds, tasks]`: the mean over the task's items, or Σ value / Σ weight.
        metric: the metric, None where the frame names none.
    """

    arms: tuple[str, ...]
    seeds: tuple[int | str, ...]
    tasks: tuple[str, ...]
    values: NDArray[np.float64]
    metric: str | None

    def index(self, arm: str) -> int:
        """Position of `arm` on the first axis.

        Raises:
            ValueError: there is no such arm; the nearest name is given.
        """
        require_known(arm, self.arms, what="arm")
        return self.arms.index(arm)

    def others(self, baseline: str) -> tuple[str, ...]:
        """The arms besides `baseline`.

        Raises:
            ValueError: there is no such baseline, or no other arm.
        """
        self.index(baseline)
        if len(self.arms) < 2:
            raise ValueError(f"there is no arm to compare with the baseline {baseline!r}")
        return tuple(arm for arm in self.arms if arm != baseline)


def task_scores(
    frame: Any,
    *,
    arms: Sequence[str] | None = None,
    tasks: Sequence[str] | None = None,
    metric: str | None = None,
    condition: str | None = None,
) -> TaskScores:
    """The score of every arm, seed and task of a long frame, checked as `paired_cube` checks it.

    Args:
        frame: one row per arm, task, seed and item; without a column `item` each row is a task's score.
        arms: arms to keep; None keeps all.
        tasks: tasks to keep; None keeps all.
        metric: metric to read, where the frame holds several.
        condition: likewise.

    Raises:
        ValueError: no column `task`, an unknown task, duplicates or gaps, arms or seeds that some task lacks.

    >>> frame = pl.DataFrame({"arm": ["a", "a", "b", "b"], "task": ["ocr", "counting"] * 2, "value": [1.0, 0.5, 0.2, 0.4]})
    >>> task_scores(frame).values[:, 0].tolist()
    [[0.5, 1.0], [0.4, 0.2]]
    """
    lazy = to_lazy(frame)
    columns = lazy.collect_schema().names()
    if "task" not in columns:
        raise ValueError(f"the frame needs a column 'task'; the frame has {sample(sorted(columns))}")
    if "item" not in columns:
        lazy = lazy.with_columns(item=pl.lit(0))
    found = sorted(lazy.select(pl.col("task").cast(pl.String).unique()).collect()["task"].drop_nulls())
    for name in tasks or ():
        require_known(name, found, what="task")
    chosen = sorted(tasks) if tasks is not None else found
    if not chosen:
        raise ValueError("there must be at least 1 task, got none")
    cubes = [paired_cube(lazy, arms=arms, task=name, metric=metric, condition=condition) for name in chosen]
    for cube in cubes[1:]:
        _require_same(cubes[0], cube)
    return TaskScores(
        arms=cubes[0].arms,
        seeds=cubes[0].seeds,
        tasks=tuple(chosen),
        values=np.stack([_means(cube) for cube in cubes], axis=2),
        metric=cubes[0].metric,
    )


def as_task_scores(frame: Any, *, metric: str | None = None, condition: str | None = None) -> TaskScores:
    """`frame` itself where it holds task scores already, else those of the frame.

    Raises:
        ValueError: scores of another metric than the one asked for, or as `task_scores`.
    """
    if not isinstance(frame, TaskScores):
        return task_scores(frame, metric=metric, condition=condition)
    if metric is not None and frame.metric != metric:
        raise ValueError(f"the task scores are of metric={frame.metric!r}, not {metric!r}")
    return frame


def _means(cube: PairedCube) -> NDArray[np.float64]:
    """Scores `[arms, seeds]` of one task."""
    if cube.weights is None:
        return np.asarray(cube.values.mean(axis=2))
    below = cube.weights.sum(axis=2)
    if not (below > 0).all():
        arm, seed = np.argwhere(below <= 0)[0]
        raise ValueError(
            f"the weights of arm {cube.arms[arm]!r}, seed {cube.seeds[seed]}, task {cube.task!r} sum to 0"
        )
    return np.asarray(cube.values.sum(axis=2) / below)


def _require_same(first: PairedCube, other: PairedCube) -> None:
    for what, here, there in (("arm", first.arms, other.arms), ("seed", first.seeds, other.seeds)):
        lacking = sorted({str(each) for each in here} ^ {str(each) for each in there})
        if lacking:
            raise ValueError(
                f"every task needs every {what}; task {first.task!r} or {other.task!r} lacks {what} {sample(lacking)}"
            )
