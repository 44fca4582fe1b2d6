"""Whether a study may stop after the seeds it has: for a claim, against it, or because more seeds will hardly decide."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ablation_stats._boundaries import sequential_boundaries
from ablation_stats._claim import Claim
from ablation_stats._claim_power import claim_test, sides_of, verdict_probability
from ablation_stats._contrast import Contrast, arm_contrast
from ablation_stats._cube import as_cube
from ablation_stats._error_model import error_model
from ablation_stats._evidence import weigh
from ablation_stats._judge import POSITIVE
from ablation_stats._refuse import require_known
from ablation_stats._result import Estimate, Tabular
from ablation_stats._sequential_test import SequentialLook, sequential_look_at_p
from ablation_stats._unit import AS_STORED, Unit
from ablation_stats._variance_components import components_of


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
    own `alpha` knows nothing of looks, so report `p_adjusted`.

    Args:
        claim: fixed before the results. For several, pass alpha / claims.
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
    require_known(generalize_to, ("both", "seeds"), what="generalize_to")
    if futility is not None and not 0 <= futility <= 1:
        raise ValueError(f"futility must lie in 0..1 or be None, got {futility!r}")
    cube = as_cube(
        frame,
        arms=[claim.arm, claim.baseline],
        metric=claim.metric,
        task=claim.task,
        condition=claim.condition,
    )
    contrast = arm_contrast(cube, claim.arm, claim.baseline)
    seeds, planned = contrast.scores.shape[0], tuple(int(look) for look in looks)
    if seeds not in planned:
        raise ValueError(f"the frame must hold as many seeds as one of the looks {planned}, got {seeds}")
    evidence = weigh(claim, contrast, generalize_to=generalize_to, alpha=alpha)
    found, against = (
        sequential_look_at_p(
            p,
            seeds=seeds,
            boundaries=sequential_boundaries(
                planned, alpha=alpha, spending=spending, sides=sides_of(claim.kind, refuted=refuted)
            ),
        )
        for p, refuted in zip(p_values(claim, contrast, generalize_to, alpha), (False, True), strict=True)
    )
    shown = against if against.crossed or against.p_adjusted < found.p_adjusted else found
    chance = None
    if seeds < planned[-1]:
        chance = _predictive_power(claim, contrast, evidence.gain, found, against, generalize_to)
    stop, verdict, why = _decide(claim, found, against, chance, futility)
    text = (
        f"After {seeds} of at most {planned[-1]} seeds the difference is {unit.interval(evidence.comparison)}, "
        f"p = {shown.p_value:.2g} against {shown.nominal:.2g} at this look: {why}."
    )
    return SequentialDecision(
        claim=claim,
        stop=stop,
        verdict=verdict,
        reason=text,
        seeds=seeds,
        looks=planned,
        comparison=evidence.comparison,
        p_value=shown.p_value,
        nominal=shown.nominal,
        p_adjusted=shown.p_adjusted,
        predictive_power=chance,
    )


def p_values(claim: Claim, contrast: Contrast, generalize_to: str, alpha: float) -> tuple[float, float]:
    """The p-values for and against: of the test asked for, and no smaller than those of a t over seeds.

    The two-way degrees of freedom are made for levels near 0.05; at the far smaller ones of early looks the t over seeds,
    for which the boundaries are calibrated, keeps the error.
    """
    kinds = ("seeds",) if generalize_to == "seeds" else ("seeds", generalize_to)
    weighed = [weigh(claim, contrast, generalize_to=kind, alpha=alpha) for kind in kinds]
    return max(each.p_for for each in weighed), max(each.p_against for each in weighed)


def _decide(
    claim: Claim,
    found: SequentialLook,
    against: SequentialLook,
    chance: float | None,
    futility: float | None,
) -> tuple[bool, str | None, str]:
    if found.crossed:
        return True, POSITIVE[claim.kind], f"{POSITIVE[claim.kind]}, stop"
    if against.crossed:
        return True, "refuted", "refuted, stop"
    if found.seeds == found.boundaries.looks[-1]:
        return True, "inconclusive", "the last look, inconclusive"
    if futility is not None and chance is not None and chance < futility:
        return True, "inconclusive", f"the last look would decide with a chance of {chance:.2g} only, stop"
    hope = "" if chance is None else f" (the last look decides with a chance of {chance:.2f})"
    return False, None, f"go on{hope}"


def _predictive_power(
    claim: Claim,
    contrast: Contrast,
    gain: float,
    found: SequentialLook,
    against: SequentialLook,
    generalize_to: str,
) -> float | None:
    """Chance that the last look decides, under a flat prior (Spiegelhalter, Freedman and Parmar 1994).

    The mean over the seeds to come is t-distributed around the one so far, on the same items; the error at the last look
    is that of the components estimated so far. Looks in between are passed over.
    """
    from scipy.special import stdtr

    now, last = found.seeds, found.boundaries.looks[-1]
    over_seeds = float(contrast.scores.mean(axis=1).std(ddof=1))
    scale = over_seeds * (1 / now - 1 / last) ** 0.5
    if scale <= contrast.resolution:
        return None
    items = contrast.scores.shape[1]
    model = error_model(components_of(contrast), seeds=last, items=items, generalize_to=generalize_to)
    chances = [
        verdict_probability(
            claim_test(claim),
            model,
            lambda bound: np.asarray(stdtr(now - 1, (gain - bound) / scale)),
            alpha=look.boundaries.nominal[-1],
            refuted=refuted,
        )
        for look, refuted in ((found, False), (against, True))
    ]
    return min(1.0, sum(chances))
