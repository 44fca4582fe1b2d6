"""Effects and attributions of a study: contrasts of arm means with intervals, from shared resamples."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ablation_stats._attribution_matrix import KINDS, attribution_matrix, build_up_matrix
from ablation_stats._design import Design
from ablation_stats._effect_estimate import Effect, Settings, estimate_effects
from ablation_stats._effect_matrix import effect_matrix, level_matrix
from ablation_stats._refuse import require_known
from ablation_stats._unit import AS_STORED, Unit


def main_effects(
    frame: Any, design: Design, *, metric: str | None = None, settings: Settings | None = None
) -> tuple[Effect, ...]:
    """Main effect of every factor: high minus low level, or each other level minus the first, over all else.

    Args:
        frame: long frame with the design's arms in `arm`, or the cube made of one.
        design: the runs.
        metric: metric to read, where the frame holds several.
        settings: how to estimate; None takes the defaults.

    Raises:
        ValueError: an arm of the design that the frame lacks, or levels that the runs cannot separate.
    """
    two = all(len(levels) == 2 for levels in design.factors.values())
    matrices = [effect_matrix(design) if two else level_matrix(design)]
    return estimate_effects(frame, matrices, metric, settings)


def interaction_effects(
    frame: Any,
    design: Design,
    *,
    max_order: int = 2,
    metric: str | None = None,
    settings: Settings | None = None,
) -> tuple[Effect, ...]:
    """Main effects and interactions of two-level factors; what a fraction cannot tell apart is named as aliases.

    Args:
        frame: long frame or cube.
        design: two-level factors.
        max_order: largest number of factors in an interaction.
        metric: metric to read.
        settings: how to estimate; None takes the defaults.

    Raises:
        ValueError: other than two levels, or more effects than the runs can separate.
    """
    return estimate_effects(frame, [effect_matrix(design, max_order=max_order)], metric, settings)


def build_up_effects(
    frame: Any, design: Design, *, metric: str | None = None, settings: Settings | None = None
) -> tuple[Effect, ...]:
    """What each component added when it came in, in the build-up's order.

    Args:
        frame: long frame or cube.
        design: from `build_up`.
        metric: metric to read.
        settings: how to estimate; None takes the defaults.

    Raises:
        ValueError: a run that adds other than one component.
    """
    return estimate_effects(frame, [build_up_matrix(design)], metric, settings)


def attribution(
    frame: Any,
    design: Design,
    *,
    kinds: Sequence[str] = ("leave one out", "add one in", "shapley"),
    metric: str | None = None,
    settings: Settings | None = None,
    unit: Unit = AS_STORED,
) -> tuple[Effect, ...]:
    """Shares of the components in the gain, of several kinds side by side, from the same resamples.

    Redundant components show as a small leave-one-out value beside a large add-one-in value and a negative
    interaction; leave-one-out alone would call both useless.

    Args:
        frame: long frame or cube.
        design: components as two-level factors, absent first (`all_subsets`, `leave_one_out`, `add_one_in`).
        kinds: "leave one out", "add one in", "shapley", "banzhaf", "shapley interaction", "banzhaf interaction".
        metric: metric to read.
        settings: how to estimate; None takes the defaults.
        unit: in which a warning of redundancy writes the metric.

    Raises:
        ValueError: an unknown kind, or an arm that a kind needs and the design lacks.
    """
    for kind in kinds:
        require_known(kind, KINDS, what="kind")
    found = estimate_effects(frame, [attribution_matrix(design, kind) for kind in kinds], metric, settings)
    alone = {each.name: each for each in found if each.kind == "add one in"}
    return tuple(_with_redundancy(each, alone.get(each.name), unit) for each in found)


def leave_one_out_effects(
    frame: Any, design: Design, *, metric: str | None = None, settings: Settings | None = None
) -> tuple[Effect, ...]:
    """What each component is worth when all others are there: full minus without it.

    Args:
        frame: long frame or cube.
        design: from `leave_one_out` or `all_subsets`.
        metric: metric to read.
        settings: how to estimate; None takes the defaults.

    Raises:
        ValueError: an arm is lacking.
    """
    return attribution(frame, design, kinds=("leave one out",), metric=metric, settings=settings)


def add_one_in_effects(
    frame: Any, design: Design, *, metric: str | None = None, settings: Settings | None = None
) -> tuple[Effect, ...]:
    """What each component is worth alone: it alone minus none.

    Args:
        frame: long frame or cube.
        design: from `add_one_in` or `all_subsets`.
        metric: metric to read.
        settings: how to estimate; None takes the defaults.

    Raises:
        ValueError: an arm is lacking.
    """
    return attribution(frame, design, kinds=("add one in",), metric=metric, settings=settings)


def shapley_attribution(
    frame: Any, design: Design, *, metric: str | None = None, settings: Settings | None = None
) -> tuple[Effect, ...]:
    """Shapley value of each component: its gain averaged over all orders of adding; they sum to full minus none.

    Args:
        frame: long frame or cube.
        design: from `all_subsets`.
        metric: metric to read.
        settings: how to estimate; None takes the defaults.

    Raises:
        ValueError: an arm is lacking.
    """
    return attribution(frame, design, kinds=("shapley",), metric=metric, settings=settings)


def shapley_interaction(
    frame: Any, design: Design, *, metric: str | None = None, settings: Settings | None = None
) -> tuple[Effect, ...]:
    """Shapley interaction index of each pair: below 0 they replace each other, above 0 they need each other.

    Args:
        frame: long frame or cube.
        design: from `all_subsets`.
        metric: metric to read.
        settings: how to estimate; None takes the defaults.

    Raises:
        ValueError: an arm is lacking.
    """
    return attribution(frame, design, kinds=("shapley interaction",), metric=metric, settings=settings)


def banzhaf(
    frame: Any, design: Design, *, metric: str | None = None, settings: Settings | None = None
) -> tuple[Effect, ...]:
    """Banzhaf value of each component: its gain averaged over all subsets of the others; the main effect.

    Args:
        frame: long frame or cube.
        design: from `all_subsets`.
        metric: metric to read.
        settings: how to estimate; None takes the defaults.

    Raises:
        ValueError: an arm is lacking.
    """
    return attribution(frame, design, kinds=("banzhaf",), metric=metric, settings=settings)


def _with_redundancy(effect: Effect, alone: Effect | None, unit: Unit) -> Effect:
    """A leave-one-out effect that says where the component counts alone but not beside the others."""
    if effect.kind != "leave one out" or alone is None:
        return effect
    absent, present = effect.ci_low <= 0 <= effect.ci_high, not alone.ci_low <= 0 <= alone.ci_high
    if not (absent and present):
        return effect
    said = (
        f"Redundant: {effect.name} is worth {unit.signed(alone.estimate)} alone and {unit.signed(effect.estimate)} beside the others, which "
        "replace it; leaving it out does not show that it is useless."
    )
    return replace(effect, warnings=(*effect.warnings, said))
