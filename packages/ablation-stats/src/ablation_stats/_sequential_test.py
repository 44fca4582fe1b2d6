"""One look at a group-sequential t-test: whether it stops, and the p-value that the earlier looks leave."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from ablation_stats._boundaries import Alive, Boundaries, alive_paths, crossing, sequential_boundaries
from ablation_stats._result import Tabular
from ablation_stats._student import SMALLEST_P, t_quantile, t_upper_tail


@dataclass(frozen=True, kw_only=True)
class SequentialLook(Tabular):
    """One look.

    Attributes:
        seeds: at this look; statistic: t.
        p_value: as if this had been the only look; nominal: what it must not exceed here.
        p_adjusted: probability, under no difference, to have stopped at an earlier look or to see such a t here (stagewise
            order); at most `alpha` where the last look stops.
        crossed: whether the boundary is reached.
        boundaries: of all looks.
    """

    seeds: int
    statistic: float
    p_value: float
    nominal: float
    p_adjusted: float
    crossed: bool
    boundaries: Boundaries


def sequential_test(
    statistic: float,
    *,
    seeds: int,
    looks: Sequence[int],
    alpha: float = 0.05,
    spending: str = "obrien-fleming",
    sides: int = 2,
) -> SequentialLook:
    """A look at a paired t over `seeds`, when no earlier look has stopped.

    Args:
        statistic: t with seeds - 1 degrees of freedom; for one side, large values speak for the claim.
        seeds: at this look, one of `looks`.
        looks: numbers of seeds at all looks, those to come included.
        alpha: error over all looks.
        spending: "obrien-fleming" or "pocock".
        sides: 1 or 2.

    Raises:
        ValueError: seeds that are not one of the looks, a statistic that is NaN, and as `sequential_boundaries`.

    >>> found = sequential_test(9.5, seeds=3, looks=[3, 4, 5])
    >>> found.crossed, round(found.p_value, 4)
    (False, 0.0109)
    """
    boundaries = sequential_boundaries(looks, alpha=alpha, spending=spending, sides=sides)
    if seeds not in boundaries.looks:
        raise ValueError(f"seeds must be one of the looks {boundaries.looks}, got {seeds!r}")
    if math.isnan(statistic):
        raise ValueError("statistic must be a number, got NaN")
    reach = abs(statistic) if sides == 2 else statistic
    p_value = min(1.0, sides * t_upper_tail(reach, seeds - 1.0))
    return _look(boundaries, seeds, statistic, p_value)


def sequential_look_at_p(p_value: float, *, seeds: int, boundaries: Boundaries) -> SequentialLook:
    """The same from a p-value of another test, such as the two-way one, read as that of a t over seeds."""
    statistic = t_quantile(1 - p_value / boundaries.sides, seeds - 1.0)
    return _look(boundaries, seeds, statistic, p_value)


def _look(boundaries: Boundaries, seeds: int, statistic: float, p_value: float) -> SequentialLook:
    position = boundaries.looks.index(seeds)
    sides = boundaries.sides
    reach = abs(statistic) if sides == 2 else statistic
    before = boundaries.spent[position - 1] if position else 0.0
    if position == 0 or p_value >= 1.0:
        here = p_value
    else:
        here = crossing(_alive_at(boundaries, position), reach, sides)
    return SequentialLook(
        seeds=seeds,
        statistic=statistic,
        p_value=p_value,
        nominal=boundaries.nominal[position],
        p_adjusted=min(1.0, max(before + here, SMALLEST_P)),
        crossed=reach >= boundaries.critical[position],
        boundaries=boundaries,
    )


@lru_cache(maxsize=8)
def _alive_at(boundaries: Boundaries, position: int) -> Alive:
    *_, alive = alive_paths(boundaries.looks[: position + 1], boundaries.critical, boundaries.sides)
    return alive
