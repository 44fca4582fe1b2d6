"""One look at a claim in a group-sequential study: its p-values held against the boundaries of both verdicts."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ablation_stats._boundaries import Boundaries, sequential_boundaries
from ablation_stats._claim import Claim
from ablation_stats._claim_power import claim_test, sides_of, verdict_probability
from ablation_stats._contrast import Contrast
from ablation_stats._error_model import error_model
from ablation_stats._evidence import Evidence, weigh
from ablation_stats._refuse import require_known
from ablation_stats._sequential_test import SequentialLook, sequential_look_at_p
from ablation_stats._variance_components import components_of


@dataclass(frozen=True, kw_only=True)
class LookRule:
    """When a study that adds seeds may stop, fixed before the results.

    Attributes:
        looks: numbers of seeds at all looks; alpha: error over all looks, of one claim.
        family_alpha: error over all claims too, at which intervals are given and the control is told apart.
        spending: "obrien-fleming" or "pocock".
        futility: stop where the predictive power of the last look is below this; None never does.
        generalize_to: "both" or "seeds"; looks add seeds, so not "items".

    Raises:
        ValueError: futility outside 0..1, an unknown population.
    """

    looks: tuple[int, ...]
    alpha: float
    family_alpha: float
    spending: str
    futility: float | None
    generalize_to: str

    def __post_init__(self) -> None:
        """Check the rule where it is written."""
        require_known(self.generalize_to, ("both", "seeds"), what="generalize_to")
        if self.futility is not None and not 0 <= self.futility <= 1:
            raise ValueError(f"futility must lie in 0..1 or be None, got {self.futility!r}")

    def boundaries(self, claim: Claim, *, refuted: bool) -> Boundaries:
        """What the p-value of the claim's test, or of its refutation, must not exceed at each look."""
        sides = sides_of(claim.kind, refuted=refuted)
        return sequential_boundaries(self.looks, alpha=self.alpha, spending=self.spending, sides=sides)


class ClaimLook(NamedTuple):
    """A look at a claim; for each of claim and refutation its p-value as if there were one look, and its boundaries.

    `chance` is that of a decision at the last look; None at the last look or where the seeds do not differ.
    """

    seeds: int
    evidence: Evidence
    p_for: float
    p_against: float
    bounds_for: Boundaries
    bounds_against: Boundaries
    chance: float | None

    @property
    def is_last(self) -> bool:
        """Whether no look comes after."""
        return self.seeds == self.bounds_for.looks[-1]

    @property
    def holds(self) -> bool:
        """Whether the claim's own boundary is reached."""
        return self.p_for <= self.bounds_for.nominal[self.bounds_for.looks.index(self.seeds)]

    @property
    def fails(self) -> bool:
        """Whether the boundary of its refutation is reached."""
        return self.p_against <= self.bounds_against.nominal[self.bounds_against.looks.index(self.seeds)]

    def is_hopeless(self, futility: float | None) -> bool:
        """Whether more seeds will hardly decide."""
        return futility is not None and self.chance is not None and self.chance < futility

    def corrected(self, *, refuted: bool) -> SequentialLook:
        """The p-value of one of the two, corrected for the looks so far."""
        if refuted:
            return sequential_look_at_p(self.p_against, seeds=self.seeds, boundaries=self.bounds_against)
        return sequential_look_at_p(self.p_for, seeds=self.seeds, boundaries=self.bounds_for)


def look_at(claim: Claim, contrast: Contrast, rule: LookRule) -> ClaimLook:
    """The look at a claim after the seeds of `contrast`, which are one of the rule's looks.

    Raises:
        ValueError: another number of seeds; as `sequential_boundaries`.
    """
    seeds = contrast.scores.shape[0]
    if seeds not in rule.looks:
        raise ValueError(f"the frame must hold as many seeds as one of the looks {rule.looks}, got {seeds}")
    p_for, p_against = p_values(claim, contrast, rule.generalize_to, rule.alpha)
    found = ClaimLook(
        seeds=seeds,
        evidence=weigh(claim, contrast, generalize_to=rule.generalize_to, alpha=rule.family_alpha),
        p_for=p_for,
        p_against=p_against,
        bounds_for=rule.boundaries(claim, refuted=False),
        bounds_against=rule.boundaries(claim, refuted=True),
        chance=None,
    )
    return found if found.is_last else found._replace(chance=_predictive_power(claim, contrast, found, rule))


def p_values(claim: Claim, contrast: Contrast, generalize_to: str, alpha: float) -> tuple[float, float]:
    """The p-values for and against: of the test asked for, and no smaller than those of a t over seeds.

    The two-way degrees of freedom are made for levels near 0.05; at the far smaller ones of early looks the t over seeds,
    for which the boundaries are calibrated, keeps the error.
    """
    kinds = ("seeds",) if generalize_to == "seeds" else ("seeds", generalize_to)
    weighed = [weigh(claim, contrast, generalize_to=kind, alpha=alpha) for kind in kinds]
    return max(each.p_for for each in weighed), max(each.p_against for each in weighed)


def _predictive_power(claim: Claim, contrast: Contrast, look: ClaimLook, rule: LookRule) -> float | None:
    """Chance that the last look decides, under a flat prior (Spiegelhalter, Freedman and Parmar 1994).

    The mean over the seeds to come is t-distributed around the one so far, on the same items; the error at the last look
    is that of the components estimated so far. Looks in between are passed over.
    """
    from scipy.special import stdtr

    now, last, gain = look.seeds, rule.looks[-1], look.evidence.gain
    over_seeds = float(contrast.scores.mean(axis=1).std(ddof=1))
    scale = over_seeds * (1 / now - 1 / last) ** 0.5
    if scale <= contrast.resolution:
        return None
    items = contrast.scores.shape[1]
    model = error_model(components_of(contrast), seeds=last, items=items, generalize_to=rule.generalize_to)
    chances = [
        verdict_probability(
            claim_test(claim),
            model,
            lambda bound: np.asarray(stdtr(now - 1, (gain - bound) / scale)),
            alpha=bounds.nominal[-1],
            refuted=refuted,
        )
        for bounds, refuted in ((look.bounds_for, False), (look.bounds_against, True))
    ]
    return min(1.0, sum(chances))
