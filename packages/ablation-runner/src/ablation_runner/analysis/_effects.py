"""Main effects, interactions and attribution of a designed study; every number comes from ablation-stats."""

from collections.abc import Sequence

import numpy as np

import ablation_stats as stats
from ablation_runner.analysis._arms import interval_of, mean_of
from ablation_runner.analysis._cubes import Tested
from ablation_runner.plan import PlannedArm
from ablation_runner.report import scale_of
from ablation_runner.results import CellMean, DesignEffects, EffectResult
from ablation_runner.running.prepared import Prepared

_FACTORIAL = ("full-factorial", "fractional-factorial", "plackett-burman")
_SHARES = ("shapley", "leave one out", "add one in")
_LEAST_SEEDS = 2


def design_effects(tested: Tested, prepared: Prepared, not_converged: Sequence[str]) -> DesignEffects | None:
    """The effects of the study's design; None where it is of another kind, or an arm of it has no result.

    Args:
        tested: the scores.
        prepared: the study.
        not_converged: arms whose validation loss was still falling.
    """
    kind, cube = prepared.study.design.kind, tested.main
    if (
        kind not in (*_FACTORIAL, "leave-one-out", "add-one-in", "build-up")
        or len(prepared.study.factors) < 2
    ):
        return None
    arms = [arm for arm in prepared.arms if arm.levels and not arm.is_blind]
    if cube is None or len(cube.seeds) < _LEAST_SEEDS or not {arm.name for arm in arms} <= set(cube.arms):
        return None
    levels = _levels(arms)
    design = _design(kind, arms, levels)
    return DesignEffects(
        levels=levels,
        effects=_results(_factor_effects(kind, cube, design)) if kind in _FACTORIAL else (),
        attribution=_results(_attribution(kind, cube, design, scale_of(prepared.study.metric).in_sentences)),
        cells=_cells(cube, arms, levels) if kind == "full-factorial" and len(levels) == 2 else (),
        late=tuple(arm.name for arm in arms if arm.name in not_converged),
    )


def _levels(arms: Sequence[PlannedArm]) -> dict[str, tuple[str, ...]]:
    """Every factor's levels, the baseline's first."""
    return {factor: tuple(dict.fromkeys(arm.levels[factor] for arm in arms)) for factor in arms[0].levels}


def _design(kind: str, arms: Sequence[PlannedArm], levels: dict[str, tuple[str, ...]]) -> stats.Design:
    """The design with the names of the study's arms; a component's first level is its absence."""
    present_first = kind == "leave-one-out"  # whose baseline has every component
    factors = {name: found[::-1] if present_first else found for name, found in levels.items()}
    return stats.Design(
        kind=kind,
        factors=dict(factors),
        cells=tuple(tuple(arm.levels[name] for name in levels) for arm in arms),
        names=tuple(arm.name for arm in arms),
    )


def _factor_effects(kind: str, cube: stats.PairedCube, design: stats.Design) -> tuple[stats.Effect, ...]:
    if any(len(levels) > 2 for levels in design.factors.values()):
        return stats.main_effects(cube, design)
    if kind == "plackett-burman":
        return stats.main_effects(cube, design)
    return stats.interaction_effects(cube, design)


def _attribution(
    kind: str, cube: stats.PairedCube, design: stats.Design, unit: stats.Unit
) -> tuple[stats.Effect, ...]:
    if kind == "leave-one-out":
        return stats.leave_one_out_effects(cube, design)
    if kind == "add-one-in":
        return stats.add_one_in_effects(cube, design)
    if kind == "build-up":
        return stats.build_up_effects(cube, design)
    if kind == "full-factorial" and all(len(levels) == 2 for levels in design.factors.values()):
        return stats.attribution(cube, design, kinds=_SHARES, unit=unit)
    return ()


def _results(effects: Sequence[stats.Effect]) -> tuple[EffectResult, ...]:
    return tuple(
        EffectResult(
            name=effect.name,
            kind=effect.kind,
            difference=interval,
            p_adjusted=effect.p_adjusted,
            aliases=effect.aliases,
            warnings=effect.warnings,
        )
        for effect in effects
        if (interval := interval_of(effect)) is not None
    )


def _cells(
    cube: stats.PairedCube, arms: Sequence[PlannedArm], levels: dict[str, tuple[str, ...]]
) -> tuple[CellMean, ...]:
    """The means of a full factorial of two factors, and what each has over the sum of the effects."""
    (row_factor, rows), (column_factor, columns) = levels.items()
    means = np.empty((len(rows), len(columns)))
    for arm in arms:
        mean = mean_of(cube, arm.name)
        assert mean is not None
        means[rows.index(arm.levels[row_factor]), columns.index(arm.levels[column_factor])] = mean.estimate
    added = means.mean(axis=1, keepdims=True) + means.mean(axis=0, keepdims=True) - means.mean()
    return tuple(
        CellMean(
            row=row,
            column=column,
            mean=float(means[at, across]),
            beyond=float(means[at, across] - added[at, across]),
            is_baseline=at == across == 0,
        )
        for at, row in enumerate(rows)
        for across, column in enumerate(columns)
    )
