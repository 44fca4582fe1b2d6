"""Which claims a planned study can decide, from a pilot or from assumed spreads."""

from collections.abc import Sequence
from typing import Any

from ablation_stats._adjust import adjust_pvalues
from ablation_stats._claim import Claim
from ablation_stats._claim_plan import ClaimPlan, PlannedSize, plan_claim, unplanned
from ablation_stats._contrast import Contrast, arm_contrast
from ablation_stats._cube import as_cube
from ablation_stats._evidence import weigh
from ablation_stats._power import require_power
from ablation_stats._refuse import require_known, require_level
from ablation_stats._t_interval import TARGETS
from ablation_stats._unit import AS_STORED, Unit
from ablation_stats._variance_components import (
    LEAST_CLUSTERS,
    LEAST_SEEDS,
    VarianceComponents,
    components_of,
)


def plan(
    claims: Sequence[Claim],
    pilot: Any,
    *,
    seeds: int,
    items: int | None = None,
    effect: float | Sequence[float | None] | None = None,
    power: float = 0.8,
    alpha: float = 0.05,
    adjust: str = "holm",
    generalize_to: str = "both",
    unit: Unit = AS_STORED,
) -> tuple[ClaimPlan, ...]:
    """For every claim, the power of the planned study and what would decide it, in the order given.

    The power is that of the test which `judge` will run on seeds x items, under normal effects: the expected mean squares
    of the design (`variance_components`) give the distribution of the estimated error, over which the probability of
    the verdict is averaged. "Equivalent" and "non-inferior" also need a positive control that is told apart: plan it as
    a claim of its own.

    Args:
        claims: fixed before the results; the error rate is shared among all of them.
        pilot: long frame of an earlier or smaller run with the claims' arms, a `PairedCube` of one, or
            `VarianceComponents` for all claims (`assumed_components`, or those of another comparison).
        seeds: planned per arm; at least 2, or 1 for "items".
        items: planned; None takes the pilot's. Clusters are as large as in the pilot.
        effect: true gain in the claim's direction, metric's unit: one for all claims, or one per claim. None takes the
            pilot's estimate for superiority and no difference for the others.
        power: wanted probability, between alpha and 1.
        alpha: error rate over all claims, 0..0.5.
        adjust: method of `adjust_pvalues` that will be used. The plan takes the level that it grants a claim when no
            other is shown (alpha / claims for Holm), so the power given is the least.
        generalize_to: "both", "items" or "seeds", as for `judge`.
        unit: in which the reasons write the metric.

    Raises:
        ValueError: no claim, an arm that the pilot does not hold, fewer seeds or items than can be judged, effects that
            do not fit the claims, assumed components without `items` or without an `effect` for superiority.

    >>> from ablation_stats import assumed_components
    >>> spread = assumed_components(sd_seed=0.01, sd_item=0.2, sd_residual=0.3)
    >>> found = plan([Claim(text="it helps", arm="new", baseline="old")], spread, seeds=3, items=500, effect=0.04)[0]
    >>> found.decidable, found.seeds_needed, found.items_needed
    (False, 5, 1936)
    """
    require_known(generalize_to, TARGETS, what="generalize_to")
    require_level(2 * alpha)
    require_power(power, alpha)
    if not claims:
        raise ValueError("claims must hold at least one claim, got none")
    _require_size(seeds, items, generalize_to)
    level = alpha / _correction(len(claims), adjust)
    effects = _effects(effect, len(claims))
    return tuple(
        _one(claim, pilot, stated, seeds, items, generalize_to, level, power, unit)
        for claim, stated in zip(claims, effects, strict=True)
    )


def _one(
    claim: Claim,
    pilot: Any,
    stated: float | None,
    seeds: int,
    items: int | None,
    generalize_to: str,
    level: float,
    power: float,
    unit: Unit,
) -> ClaimPlan:
    if isinstance(pilot, VarianceComponents):
        planned = items if items is not None else pilot.n_items
        if planned is None:
            raise ValueError("items must be given where the components are assumed, got None")
        if stated is None and claim.kind == "superiority":
            raise ValueError(
                f"effect must be given where the components are assumed, got None for {claim.text!r}"
            )
        size = PlannedSize(seeds=seeds, items=planned, generalize_to=generalize_to, level=level, power=power)
        return plan_claim(claim, pilot, gain=stated or 0.0, size=size, unit=unit)
    cube = as_cube(
        pilot,
        arms=[claim.arm, claim.baseline],
        metric=claim.metric,
        task=claim.task,
        condition=claim.condition,
    )
    contrast = arm_contrast(cube, claim.arm, claim.baseline)
    planned = items if items is not None else contrast.scores.shape[1]
    size = PlannedSize(seeds=seeds, items=planned, generalize_to=generalize_to, level=level, power=power)
    lacking = _lacking(contrast, generalize_to)
    if lacking:
        return unplanned(claim, size, lacking)
    gain, said = _gain(claim, contrast, stated, generalize_to, level, unit)
    return plan_claim(claim, components_of(contrast), gain=gain, size=size, unit=unit, warnings=said)


def _lacking(contrast: Contrast, generalize_to: str) -> str:
    """Why this pilot is too small to plan from, with the number needed; empty where it is not."""
    seeds, clusters = contrast.scores.shape[0], contrast.n_clusters
    if generalize_to != "items" and seeds < LEAST_SEEDS:
        return (
            f"The pilot is too small: the spread over seeds takes at least {LEAST_SEEDS} seeds, got {seeds}. "
            "Nothing is planned from noise; run more, or assume the spreads."
        )
    if generalize_to != "seeds" and clusters < LEAST_CLUSTERS:
        return f"The pilot is too small: the spread over items takes at least {LEAST_CLUSTERS} clusters, got {clusters}."
    if clusters < 2:
        return f"The pilot is too small: its components take at least 2 clusters of items, got {clusters}."
    if contrast.is_constant:
        return "The differences do not vary in the pilot, so there is no error to plan with."
    return ""


def _gain(
    claim: Claim, contrast: Contrast, stated: float | None, generalize_to: str, level: float, unit: Unit
) -> tuple[float, tuple[str, ...]]:
    """The true gain to assume and what to say about it."""
    if stated is not None:
        return stated, ()
    if claim.kind != "superiority":
        return 0.0, ()
    evidence = weigh(claim, contrast, generalize_to=generalize_to, alpha=level)
    said = (
        f"The gain assumed is the pilot's own estimate; the difference there is {unit.interval(evidence.comparison)}. "
        "The smallest gain found does not rest on it."
    )
    return evidence.gain, (said,)


def _require_size(seeds: int, items: int | None, generalize_to: str) -> None:
    least = 1 if generalize_to == "items" else 2
    if int(seeds) != seeds or seeds < least:
        raise ValueError(
            f"seeds must be a whole number of at least {least} for generalize_to={generalize_to!r}, got {seeds!r}"
        )
    if items is not None and (int(items) != items or items < 2):
        raise ValueError(f"items must be a whole number of at least 2, got {items!r}")


def _correction(claims: int, adjust: str) -> float:
    """The factor by which `adjust` multiplies the only small p-value of so many claims."""
    smallest = 1e-9
    return float(adjust_pvalues([smallest, *[1.0] * (claims - 1)], adjust)[0]) / smallest


def _effects(effect: float | Sequence[float | None] | None, claims: int) -> list[float | None]:
    if effect is None or isinstance(effect, (int, float)):
        return [None if effect is None else float(effect)] * claims
    if len(effect) != claims:
        raise ValueError(f"effect must be one number or one per claim, got {len(effect)} for {claims} claims")
    return list(effect)
