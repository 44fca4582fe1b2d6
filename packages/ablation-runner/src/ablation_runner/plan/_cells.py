"""From factors and a design to the cells of a study: which levels are combined, and what each cell is called."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import ablation_stats as stats
from ablation_runner.errors import StudyError
from ablation_runner.study import Changes, Factor, Study

BASELINE = "baseline"
# Designs over components: every factor has two levels, the baseline's and the other one.
_COMPONENTS = {
    "leave-one-out": stats.leave_one_out,
    "add-one-in": stats.add_one_in,
    "build-up": stats.build_up,
}


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One combination of levels.

    Attributes:
        name: of the arm.
        levels: factor to name of its level.
        moved: factors that are not at the baseline's level.
        changes: what their levels set.
    """

    name: str
    levels: dict[str, str]
    moved: tuple[str, ...]
    changes: Changes


def design_cells(
    study: Study,
    *,
    is_baseline: Callable[[Changes], bool],
    chosen: Mapping[str, str] | None = None,
) -> list[Cell]:
    """The cells of the study's design, the baseline's first.

    Args:
        study: its factors and its design.
        is_baseline: whether what a level sets is what the baseline has already.
        chosen: of a greedy search the level picked for each factor searched so far.

    Raises:
        StudyError: the factors do not fit the design.
    """
    levels = {name: _baseline_first(name, factor, is_baseline) for name, factor in study.factors.items()}
    try:
        rows = _rows(study, levels, dict(chosen or {}))
    except ValueError as error:
        raise StudyError(f"design.kind = {study.design.kind!r}: {error}") from error
    return [_cell(name, row, study.factors, levels) for name, row in rows]


def greedy_stages(study: Study) -> int:
    """How often a greedy search picks a level; 0 for other designs."""
    return len(study.factors) if study.design.kind == "greedy-sequential" else 0


def _baseline_first(name: str, factor: Factor, is_baseline: Callable[[Changes], bool]) -> list[str]:
    """Names of the levels; the baseline's own comes first, under a name of its own where the file lists none."""
    named = factor.named_levels()
    same = [level for level, changes in named.items() if is_baseline(changes)]
    if len(same) > 1:
        raise StudyError(f"factors.{name}: levels {' and '.join(map(repr, same))} are both the baseline's")
    others = [level for level in named if level not in same]
    if not others:
        raise StudyError(f"factors.{name}: no level differs from the baseline")
    return [same[0] if same else BASELINE, *others]


def _rows(
    study: Study, levels: dict[str, list[str]], chosen: dict[str, str]
) -> list[tuple[str | None, dict[str, str]]]:
    """Name, where the design gives one, and level of every factor, of each cell."""
    kind = study.design.kind
    if kind in _COMPONENTS:
        return _component_rows(kind, levels)
    if kind == "greedy-sequential":
        return _greedy_rows(levels, chosen)
    if kind == "full-factorial":
        design = stats.full_factorial(levels)
    elif kind == "fractional-factorial":
        design = stats.fractional_factorial(levels, study.design.generators)
    elif kind == "plackett-burman":
        design = stats.plackett_burman(levels)
    else:
        if kind == "dose-response":
            _check_doses(study.factors)
        design = stats.one_factor_at_a_time(levels)
    return [(None, row) for row in _levels(design)]


def _component_rows(kind: str, levels: dict[str, list[str]]) -> list[tuple[str | None, dict[str, str]]]:
    for name, names in levels.items():
        if len(names) != 2:
            raise ValueError(f"each factor is a component with two levels; {name!r} has {names}")
    design = _COMPONENTS[kind](list(levels))
    base = design.cells[0]  # all there, or none
    return [
        (arm, {name: levels[name][cell[at] != base[at]] for at, name in enumerate(levels)})
        for arm, cell in zip(design.arms, design.cells, strict=True)
    ]


def _greedy_rows(
    levels: dict[str, list[str]], chosen: dict[str, str]
) -> list[tuple[str | None, dict[str, str]]]:
    """The cells of every stage up to the one that is being searched; one that a former stage has is left out."""
    found: list[dict[str, str]] = []
    names = list(levels)
    for stage in range(min(len(chosen) + 1, len(names))):
        before = {name: chosen[name] for name in names[:stage]}
        design = stats.greedy_sequential(levels, chosen=before)
        found += [row for row in _levels(design) if row not in found]
    return [(None, row) for row in found]


def _levels(design: stats.Design) -> list[dict[str, str]]:
    """Of each cell the level of every factor."""
    return [dict(zip(design.factors, map(str, cell), strict=True)) for cell in design.cells]


def _check_doses(factors: Mapping[str, Factor]) -> None:
    if len(factors) != 1:
        raise ValueError(f"a dose-response has one factor, got {list(factors)}")
    ((name, factor),) = factors.items()
    values = [value for changes in factor.named_levels().values() for value in changes.values()]
    if factor.path is None or not all(isinstance(value, int | float) for value in values):
        raise ValueError(f"the levels of {name!r} must be numbers of one path, got {values}")
    stats.dose_response(name, values)


def _cell(
    name: str | None, row: dict[str, str], factors: Mapping[str, Factor], levels: dict[str, list[str]]
) -> Cell:
    moved = [factor for factor, level in row.items() if level != levels[factor][0]]
    changes: Changes = {}
    for factor in moved:
        changes |= factors[factor].named_levels()[row[factor]]
    name = name or " + ".join(row[factor] for factor in moved) or _baseline_name(levels)
    return Cell(name=name, levels=dict(row), moved=tuple(moved), changes=changes)


def _baseline_name(levels: dict[str, list[str]]) -> str:
    """The level's own name where there is one factor."""
    return next(iter(levels.values()))[0] if len(levels) == 1 else BASELINE
