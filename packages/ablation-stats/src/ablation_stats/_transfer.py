"""Trained at one level, tested at another: the matrix of scores, and whether it is symmetric."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ablation_stats._compare_t import estimate_t, with_adjusted
from ablation_stats._contrast import Contrast, arm_contrast, combined_contrast
from ablation_stats._cube import PairedCube, paired_cube
from ablation_stats._frame import to_lazy
from ablation_stats._refuse import require_known, sample
from ablation_stats._result import Estimate

DEGRADATIONS = ("from-matched", "from-own")


@dataclass(frozen=True, kw_only=True)
class TransferMatrix:
    """Scores of every pair of training and test level.

    Attributes:
        levels: in the order given, or sorted.
        cells: mean of each cell, training level by training level; their names are "train -> test".
        degradations: per ordered pair of levels, how much is lost by training at the first and testing at the second.
        asymmetries: per pair of levels, the loss from first to second minus that from second to first, with p-values
            adjusted over the pairs.
    """

    levels: tuple[str, ...]
    cells: tuple[Estimate, ...]
    degradations: tuple[Estimate, ...]
    asymmetries: tuple[Estimate, ...]

    def to_frame(self) -> pl.DataFrame:
        """The means, one row per training level and one column per test level."""
        means = np.array([cell.estimate for cell in self.cells]).reshape(len(self.levels), -1)
        columns = {level: means[:, at] for at, level in enumerate(self.levels)}
        return pl.DataFrame({"train": self.levels, **columns})


def transfer_matrix(
    frame: Any,
    *,
    train: str,
    test: str,
    levels: Sequence[str] | None = None,
    degradation: str = "from-matched",
    metric: str | None = None,
    task: str | None = None,
    generalize_to: str = "both",
    level: float = 0.95,
    adjust: str = "holm",
) -> TransferMatrix:
    """The matrix of training level x test level, the losses off its diagonal, and a test of their asymmetry.

    The same items are asked at every test level and seeds are shared, so each loss is paired by item and seed.

    Args:
        frame: long frame.
        train: column with the level trained at (a resolution, a token budget).
        test: column with the level tested at.
        levels: the levels, in order; None takes all, sorted.
        degradation: the loss of "a -> b": "from-matched" is trained and tested at b minus trained at a, tested at b (the
            test is the same, the training differs); "from-own" is trained and tested at a minus trained at a, tested
            at b (the model is the same, the test differs).
        metric: metric to read, where the frame holds several.
        task: likewise.
        generalize_to: "both", "items" or "seeds".
        level: coverage of each interval, 0..1.
        adjust: method of `adjust_pvalues`, over the pairs of levels.

    Raises:
        ValueError: a missing column, level or cell, fewer than two levels, or as `paired_cube`.
    """
    require_known(degradation, DEGRADATIONS, what="degradation")
    found = _levels(frame, train, test)
    for name in levels or ():
        require_known(name, found, what="level")
    chosen = tuple(levels) if levels is not None else tuple(found)
    if len(chosen) < 2 or len(set(chosen)) != len(chosen):
        raise ValueError(f"levels must name at least 2 different levels, got {sample(chosen)}")
    cells = {(a, b): f"{train}={a}, {test}={b}" for a in chosen for b in chosen}
    cube = paired_cube(frame, arm=[train, test], arms=list(cells.values()), metric=metric, task=task)
    losses = {pair: _loss(cube, cells, pair, degradation) for pair in cells if pair[0] != pair[1]}

    def estimate(contrast: Contrast) -> Estimate:
        return estimate_t(contrast, generalize_to=generalize_to, level=level)

    means = [
        replace(estimate(arm_contrast(cube, arm)), name=f"{a} -> {b}", p_value=None)
        for (a, b), arm in cells.items()
    ]
    degradations = [
        estimate(combined_contrast(cube, weights, f"loss {a} -> {b}")) for (a, b), weights in losses.items()
    ]
    asymmetries = [
        estimate(
            combined_contrast(cube, losses[a, b] - losses[b, a], f"loss {a} -> {b} minus loss {b} -> {a}")
        )
        for a, b in combinations(chosen, 2)
    ]
    return TransferMatrix(
        levels=chosen,
        cells=tuple(means),
        degradations=tuple(degradations),
        asymmetries=with_adjusted(asymmetries, adjust),
    )


def _levels(frame: Any, train: str, test: str) -> list[str]:
    """The levels that occur in both columns, sorted by their own order and then as text.

    Raises:
        ValueError: a missing column, or levels of which one column lacks some.
    """
    lazy = to_lazy(frame)
    columns = lazy.collect_schema().names()
    for name in (train, test):
        if name not in columns:
            raise ValueError(f"the frame needs a column {name!r}; the frame has {sample(sorted(columns))}")
    found = [
        lazy.select(pl.col(name).unique().sort()).collect()[name].drop_nulls().cast(pl.String).to_list()
        for name in (train, test)
    ]
    lacking = sorted(set(found[0]) ^ set(found[1]))
    if lacking:
        raise ValueError(f"{train} and {test} must have the same levels; only one has {sample(lacking)}")
    return found[0]


def _loss(
    cube: PairedCube, cells: dict[tuple[str, str], str], pair: tuple[str, str], degradation: str
) -> NDArray[np.float64]:
    """Coefficients of the arms for the loss of training at the first and testing at the second level."""
    a, b = pair
    weights = np.zeros(len(cube.arms))
    weights[cube.index(cells[(b, b) if degradation == "from-matched" else (a, a)])] += 1.0
    weights[cube.index(cells[a, b])] -= 1.0
    return weights
