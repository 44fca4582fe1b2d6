"""Which arms to train: a table of runs with one column per factor."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # a design is made before anything is measured, by programs that start at once
    import numpy as np
    import polars as pl

Level = str | int | float | bool


@dataclass(frozen=True, kw_only=True, eq=False)
class Design:
    """Runs of a study.

    Attributes:
        kind: which design it is.
        factors: names with their levels; the first level of each is the baseline.
        cells: one per arm: a level of every factor.
        names: of the arms; None where they are named by their levels.
        generators: of a fractional factorial, as "D=ABC" with names ("d=a*b*c"); empty otherwise.
    """

    kind: str
    factors: dict[str, tuple[Level, ...]]
    cells: tuple[tuple[Level, ...], ...]
    names: tuple[str, ...] | None = None
    generators: tuple[str, ...] = ()

    @cached_property
    def runs(self) -> "pl.DataFrame":
        """One row per arm: column `arm`, then one column per factor."""
        import polars as pl

        from ablation_stats._frame import joined_levels

        columns = {name: [cell[at] for cell in self.cells] for at, name in enumerate(self.factors)}
        levels = pl.DataFrame(columns, strict=False)
        named = joined_levels(tuple(self.factors)) if self.names is None else pl.Series("arm", self.names)
        return levels.select(named, *self.factors)

    @property
    def arms(self) -> tuple[str, ...]:
        """Names of the runs, in order."""
        return tuple(self.runs["arm"].to_list())

    def signs(self) -> "np.ndarray":
        """Levels as -1 (first) and +1 (second), `[runs, factors]`.

        Raises:
            ValueError: a factor has other than two levels.
        """
        import numpy as np

        columns = []
        for name, levels in self.factors.items():
            if len(levels) != 2:
                raise ValueError(f"factor {name!r} must have 2 levels here, got {len(levels)}: {levels}")
            columns.append([1.0 if value == levels[1] else -1.0 for value in self.runs[name].to_list()])
        return np.array(columns).T


def make_design(
    kind: str,
    factors: Mapping[str, Sequence[Any]],
    cells: Sequence[Sequence[Level]],
    *,
    names: Sequence[str] | None = None,
    generators: Sequence[str] = (),
) -> Design:
    """A `Design` from its cells (one level per factor and run); arms are named by their levels.

    Raises:
        ValueError: as `require_factors`.
    """
    return Design(
        kind=kind,
        factors=require_factors(factors),
        cells=tuple(map(tuple, cells)),
        names=None if names is None else tuple(names),
        generators=tuple(generators),
    )


def require_factors(factors: Mapping[str, Sequence[Any]]) -> dict[str, tuple[Level, ...]]:
    """Factors as names with tuples of levels.

    Raises:
        ValueError: no factor, fewer than two levels, a level twice, levels of several types, a factor named "arm".
    """
    if not factors:
        raise ValueError("factors must name at least one factor, got none")
    checked = {}
    for name, levels in factors.items():
        if name == "arm":
            raise ValueError("a factor must not be named 'arm', which is the column of the runs' names")
        if len(levels) < 2:
            raise ValueError(f"factor {name!r} must have at least 2 levels, got {list(levels)}")
        if len(set(levels)) != len(levels):
            raise ValueError(f"levels of factor {name!r} must differ, got {list(levels)}")
        if len({type(level) for level in levels}) > 1:
            raise ValueError(f"levels of factor {name!r} must be of one type, got {list(levels)}")
        checked[name] = tuple(levels)
    return checked


def full_factorial(factors: Mapping[str, Sequence[Any]]) -> Design:
    """Every combination of levels, in standard (Yates) order: the first factor changes fastest.

    Args:
        factors: names with their levels, the baseline's first.

    Raises:
        ValueError: as `require_factors`.

    >>> full_factorial({"a": ["-", "+"], "b": ["-", "+"]}).runs["a"].to_list()
    ['-', '+', '-', '+']
    """
    levels = [tuple(each) for each in factors.values()]
    cells = [tuple(reversed(cell)) for cell in itertools.product(*reversed(levels))]
    return make_design("full factorial", factors, cells)


def one_factor_at_a_time(factors: Mapping[str, Sequence[Any]]) -> Design:
    """The baseline (first levels), then every other level of every factor alone.

    Args:
        factors: names with their levels, the baseline's first.

    Raises:
        ValueError: as `require_factors`.
    """
    checked = require_factors(factors)
    base = [levels[0] for levels in checked.values()]
    cells, names = [tuple(base)], ["baseline"]
    for at, (name, levels) in enumerate(checked.items()):
        for level in levels[1:]:
            cells.append((*base[:at], level, *base[at + 1 :]))
            names.append(f"{name}={level}")
    return make_design("one factor at a time", checked, cells, names=names)


def dose_response(factor: str, doses: Sequence[Any]) -> Design:
    """One arm per dose of one factor, in the order given.

    Args:
        factor: name of the factor ("queries").
        doses: at least three numbers, rising or falling.

    Raises:
        ValueError: fewer than three doses, or not in order.
    """
    if len(doses) < 3:
        raise ValueError(f"a dose-response needs at least 3 doses, got {list(doses)}")
    if list(doses) not in (sorted(doses), sorted(doses, reverse=True)):
        raise ValueError(f"doses must rise or fall throughout, got {list(doses)}")
    return make_design("dose-response", {factor: doses}, [(dose,) for dose in doses])
