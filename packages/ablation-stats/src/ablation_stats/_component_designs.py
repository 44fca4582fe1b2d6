"""Designs over components that are present or absent: leave-one-out, add-one-in, build-up, all subsets; greedy search."""

from collections.abc import Mapping, Sequence
from typing import Any

from ablation_stats._design import Design, Level, full_factorial, make_design, require_factors
from ablation_stats._refuse import require_known

FULL, NONE = "full", "none"


def leave_one_out(components: Sequence[str]) -> Design:
    """All components, then each left out alone.

    Args:
        components: names, at least two.

    Raises:
        ValueError: fewer than two components, or one twice.
    """
    names = _require_components(components)
    cells = [tuple([True] * len(names))] + [tuple(each != name for each in names) for name in names]
    return _of(names, "leave one out", cells, [FULL, *(f"without {name}" for name in names)])


def add_one_in(components: Sequence[str]) -> Design:
    """No component, then each alone.

    Args:
        components: names, at least two.

    Raises:
        ValueError: fewer than two components, or one twice.
    """
    names = _require_components(components)
    cells = [tuple([False] * len(names))] + [tuple(each == name for each in names) for name in names]
    return _of(names, "add one in", cells, [NONE, *(f"only {name}" for name in names)])


def build_up(order: Sequence[str]) -> Design:
    """No component, then one more at a time in the given order, up to all.

    Args:
        order: components, first added first; at least two.

    Raises:
        ValueError: fewer than two components, or one twice.
    """
    names = _require_components(order)
    cells = [tuple(at < count for at in range(len(names))) for count in range(len(names) + 1)]
    return _of(names, "build-up", cells, [NONE, *(f"+ {name}" for name in names)])


def all_subsets(components: Sequence[str]) -> Design:
    """Every subset of the components (2^k arms), as Shapley values need.

    Args:
        components: names, at least two.

    Raises:
        ValueError: fewer than two components, or one twice.
    """
    names = _require_components(components)
    cells = full_factorial({name: (False, True) for name in names}).cells
    arms = [
        "+".join(name for name, there in zip(names, cell, strict=True) if there) or NONE for cell in cells
    ]
    return _of(names, "all subsets", cells, arms)


def greedy_sequential(
    factors: Mapping[str, Sequence[Any]], *, chosen: Mapping[str, Any] | None = None
) -> Design:
    """The next stage of a greedy search: all levels of the first factor not chosen yet.

    Factors chosen keep their level, later ones their first. A stage has as many runs as the factor has levels:
    4 + 4 + 3 = 11 runs for a search whose full factorial has 48. The winner of each stage is picked from its own
    results, so its gain is overstated, and interactions between factors are not seen.

    Args:
        factors: names with their levels, in the order of the search.
        chosen: level picked for each factor searched so far, in that order.

    Raises:
        ValueError: a level that its factor does not have, factors chosen out of order, nothing left to search.
    """
    checked = require_factors(factors)
    chosen = dict(chosen or {})
    names = list(checked)
    if list(chosen) != names[: len(chosen)]:
        raise ValueError(f"factors are searched in the order {names}, got levels chosen for {list(chosen)}")
    for name, level in chosen.items():
        require_known(level, checked[name], what=f"level of {name!r}")
    if len(chosen) == len(names):
        raise ValueError("every factor has a level chosen; there is no stage left")
    at = len(chosen)
    before, after = tuple(chosen.values()), tuple(checked[name][0] for name in names[at + 1 :])
    cells = [(*before, level, *after) for level in checked[names[at]]]
    return make_design(f"greedy stage {at + 1} of {len(names)}", checked, cells)


def greedy_runs(factors: Mapping[str, Sequence[Any]]) -> int:
    """Runs of a whole greedy search: the sum of the numbers of levels.

    Args:
        factors: names with their levels.

    Raises:
        ValueError: as `full_factorial`.

    >>> greedy_runs({"encoder": range(4), "tokens": range(4), "fusion": range(3)})
    11
    """
    return sum(len(levels) for levels in require_factors(factors).values())


def _of(names: list[str], kind: str, cells: Sequence[tuple[Level, ...]], arms: list[str]) -> Design:
    return make_design(kind, {name: (False, True) for name in names}, cells, names=arms)


def _require_components(components: Sequence[str]) -> list[str]:
    names = list(components)
    if len(names) < 2:
        raise ValueError(f"components must name at least 2, got {names}")
    if len(set(names)) != len(names):
        raise ValueError(f"components must differ, got {names}")
    return names
