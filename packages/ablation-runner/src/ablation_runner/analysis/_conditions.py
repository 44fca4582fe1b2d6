"""Trained models tested again under other conditions: means, differences to the baseline, and what transfers."""

import polars as pl

import ablation_stats as stats
from ablation_runner.analysis._arms import interval_of, mean_of
from ablation_runner.analysis._compared import differences_to
from ablation_runner.analysis._cubes import Tested
from ablation_runner.analysis._doses import QUANTITIES
from ablation_runner.plan import PlannedArm, tested_name
from ablation_runner.results import Interval, TransferTable
from ablation_runner.running.prepared import Prepared
from ablation_runner.study import AS_TRAINED

_SCHEMA = {"arm": pl.String, "condition": pl.String} | dict.fromkeys(
    ("estimate", "low", "high", "difference", "difference_low", "difference_high", "p_adjusted"), pl.Float64
)


def condition_rows(tested: Tested, prepared: Prepared) -> pl.DataFrame:
    """Every arm under every condition; empty where there is only the one it was trained for."""
    rows: list[dict[str, object]] = []
    for condition in (AS_TRAINED, *prepared.study.conditions) if prepared.study.conditions else ():
        cube = tested.cube_of(tested_name(prepared.arms[0].name, condition))
        differences = differences_to(cube, prepared, condition)
        for arm in prepared.arms:
            name = tested_name(arm.name, condition)
            mean = mean_of(tested.cube_of(name), name)
            if mean is not None:
                row = {"arm": arm.name, "condition": condition}
                rows.append(row | _numbers(mean, differences.get(name)))
    return pl.DataFrame(rows, schema=_SCHEMA)


def _numbers(mean: Interval, difference: stats.Estimate | None) -> dict[str, object]:
    numbers: dict[str, object] = {"estimate": mean.estimate, "low": mean.low, "high": mean.high}
    if difference is None:
        return numbers
    return numbers | {
        "difference": difference.estimate,
        "difference_low": difference.ci_low,
        "difference_high": difference.ci_high,
        "p_adjusted": difference.p_adjusted,
    }


def transfer_table(tested: Tested, prepared: Prepared) -> TransferTable | None:
    """Training level by test level, where every condition sets the one number that every arm varies.

    An arm whose level another was trained at too, such as one trained with sampled budgets, has a row under its name.
    A level that is only tested has a column without losses, as no arm was trained at it.
    """
    path = _common_path(prepared)
    if path is None or tested.main is None:
        return None
    arms, others = _trained(prepared, path)
    conditions = {changes[path]: name for name, changes in prepared.study.conditions.items()}
    shown = sorted(set(arms) | set(conditions))
    rows = [(f"{level:,}", arms[level], level) for level in sorted(arms)]
    rows += [(name, name, level) for name, level in others.items()]
    names = [[_cell(arm, level, test, conditions) for test in shown] for _, arm, level in rows]
    return TransferTable(
        quantity=QUANTITIES.get(path, path),
        trained=tuple(label for label, _, _ in rows),
        tested=tuple(f"{level:,}" for level in shown),
        means=tuple(tuple(_mean(tested, name) for name in row) for row in names),
        losses=tuple(
            tuple(
                _loss(tested, matched=arms.get(test), name=name)
                for test, name in zip(shown, row, strict=True)
            )
            for row in names
        ),
    )


def _trained(prepared: Prepared, path: str) -> tuple[dict[float, str], dict[str, float]]:
    """The first arm of every level, and the level of each other arm."""
    arms: dict[float, str] = {}
    others: dict[str, float] = {}
    for arm in prepared.arms:
        level = _value(arm, path)
        if not arm.is_blind and arms.setdefault(level, arm.name) != arm.name:
            others[arm.name] = level
    return arms, others


def _common_path(prepared: Prepared) -> str | None:
    """The one path that all conditions set, where its values are numbers and all arms differ in it, or in its factor, alone."""
    paths = {path for changes in prepared.study.conditions.values() for path in changes}
    varied = {each.path for arm in prepared.arms if not arm.is_blind for each in arm.differences}
    treatments = [paths, *(set(factor.paths) for factor in prepared.study.factors.values())]
    if len(paths) != 1 or not paths <= varied or not any(varied <= each for each in treatments):
        return None
    (path,) = paths
    values = [_value(arm, path) for arm in prepared.arms]
    return path if all(isinstance(value, int | float) for value in values) else None


def _value(arm: PlannedArm, path: str) -> float:
    """The arm's value at a dotted path of its configuration."""
    node: object = arm.configuration
    for part in path.split("."):
        node = getattr(node, part)
    return node  # type: ignore[return-value]


def _cell(arm: str, train: float, test: float, conditions: dict[float, str]) -> str | None:
    if train == test:
        return arm
    return tested_name(arm, conditions[test]) if test in conditions else None


def _mean(tested: Tested, name: str | None) -> float | None:
    mean = mean_of(tested.cube_of(name), name) if name else None
    return mean.estimate if mean else None


def _loss(tested: Tested, *, matched: str | None, name: str | None) -> Interval | None:
    """What is lost against the arm that was trained at the level tested."""
    if name is None or matched is None or name == matched:
        return None
    cube = tested.cube_of(matched, name)
    if cube is None or len(cube.seeds) < 2:
        return None
    return interval_of(stats.paired_difference(cube, arm=name, baseline=matched))
