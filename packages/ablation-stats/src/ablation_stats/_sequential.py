"""Whether a study may stop after the seeds it has: for a claim, against it, or because more seeds will hardly decide."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ablation_stats._claim import Claim
from ablation_stats._claim_look import ClaimLook, LookRule, look_at
from ablation_stats._contrast import arm_contrast
from ablation_stats._cube import as_cube
from ablation_stats._judge import POSITIVE
from ablation_stats._result import Estimate, Tabular
from ablation_stats._unit import AS_STORED, Unit


@dataclass(frozen=True, kw_only=True)
class SequentialDecision(Tabular):
    """What to do after a look.

    Attributes:
        claim: the claim.
        stop: whether to add no more seeds.
        verdict: supported, refuted, equivalent, non-inferior or inconclusive; None where the study goes on.
        reason: why, in words with the numbers.
        seeds: at this look; looks: all of them, the last the most seeds planned.
        comparison: arm minus baseline so far, its interval not corrected for the looks.
        p_value: of the claim's own test, or of its refutation where that is smaller, as if there were one look.
        nominal: what it must not exceed at this look.
        p_adjusted: corrected for the looks; below alpha where the last one stops.
        predictive_power: chance, given the seeds so far, that the last look decides; None at the last look or where the
            seeds do not differ.
    """

    claim: Claim
    stop: bool
    verdict: str | None
    reason: str
    seeds: int
    looks: tuple[int, ...]
    comparison: Estimate
    p_value: float
    nominal: float
    p_adjusted: float
    predictive_power: float | None


def sequential_decision(
    claim: Claim,
    frame: Any,
    *,
    looks: Sequence[int],
    alpha: float = 0.05,
    spending: str = "obrien-fleming",
    futility: float | None = 0.05,
    generalize_to: str = "both",
    unit: Unit = AS_STORED,
) -> SequentialDecision:
    """Whether to stop after the seeds in `frame`, when no earlier look has stopped.

    The p-value of the claim's test is held against a nominal level calibrated for a t over seeds
    (`sequential_boundaries`); testing at 0.05 after every seed from 3 to 10 would err in 17 of 100 studies. For "both" it
    is the larger of the two-way p-value and that of the t over seeds. Stopping for futility is not binding: going on
    instead leaves the error as stated. "Equivalent" and "non-inferior" still need the positive control of `judge`; its
    own `alpha` knows nothing of looks, so report `p_adjusted`; `judge_sequential` does both.

    Args:
        claim: fixed before the results. For several, `judge_sequential`.
        frame: long frame of all seeds so far, or the `PairedCube` made of it.
        looks: numbers of seeds at all looks, those to come included.
        alpha: error over all looks, 0..0.5.
        spending: "obrien-fleming" (hard to stop early, nearly the full level at the end) or "pocock".
        futility: stop where the predictive power of the last look is below this; None never does.
        generalize_to: "both" or "seeds"; looks add seeds, so not "items".
        unit: in which the reason writes the metric.

    Raises:
        ValueError: a number of seeds that is not one of the looks, futility outside 0..1, unknown names; as `paired_cube`.

    >>> import polars as pl
    >>> rows = [{"arm": arm, "seed": seed, "item": item, "value": (arm == "new") * (1 + seed * item % 3 / 9)}
    ...         for arm in ("new", "old") for seed in range(3) for item in range(12)]
    >>> claim = Claim(text="new is better", arm="new", baseline="old")
    >>> sequential_decision(claim, pl.DataFrame(rows), looks=[3, 4, 5]).verdict
    'supported'
    """
    rule = LookRule(
        looks=tuple(int(look) for look in looks),
        alpha=alpha,
        family_alpha=alpha,
        spending=spending,
        futility=futility,
        generalize_to=generalize_to,
    )
    cube = as_cube(
        frame,
        arms=[claim.arm, claim.baseline],
        metric=claim.metric,
        task=claim.task,
        condition=claim.condition,
    )
    look = look_at(claim, arm_contrast(cube, claim.arm, claim.baseline), rule)
    found, against = look.corrected(refuted=False), look.corrected(refuted=True)
    shown = against if look.fails or against.p_adjusted < found.p_adjusted else found
    stop, verdict, why = _decide(claim, look, futility)
    text = (
        f"After {look.seeds} of at most {rule.looks[-1]} seeds the difference is {unit.interval(look.evidence.comparison)}, "
        f"p = {shown.p_value:.2g} against {shown.nominal:.2g} at this look: {why}."
    )
    return SequentialDecision(
        claim=claim,
        stop=stop,
        verdict=verdict,
        reason=text,
        seeds=look.seeds,
        looks=rule.looks,
        comparison=look.evidence.comparison,
        p_value=shown.p_value,
        nominal=shown.nominal,
        p_adjusted=shown.p_adjusted,
        predictive_power=look.chance,
    )


def _decide(claim: Claim, look: ClaimLook, futility: float | None) -> tuple[bool, str | None, str]:
    if look.holds:
        return True, POSITIVE[claim.kind], f"{POSITIVE[claim.kind]}, stop"
    if look.fails:
        return True, "refuted", "refuted, stop"
    if look.is_last:
        return True, "inconclusive", "the last look, inconclusive"
    if look.is_hopeless(futility):
        return (
            True,
            "inconclusive",
            f"the last look would decide with a chance of {look.chance:.2g} only, stop",
        )
    hope = "" if look.chance is None else f" (the last look decides with a chance of {look.chance:.2f})"
    return False, None, f"go on{hope}"
