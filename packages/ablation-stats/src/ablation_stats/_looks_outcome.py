"""The verdict that the looks at a claim came to, in words."""

from ablation_stats._claim import Claim
from ablation_stats._claim_look import ClaimLook, LookRule
from ablation_stats._gates import Outcome
from ablation_stats._judge import POSITIVE
from ablation_stats._looks_taken import LooksTaken
from ablation_stats._settle import what_would_settle
from ablation_stats._unit import Unit


def looks_outcome(
    claim: Claim,
    taken: LooksTaken,
    rule: LookRule,
    *,
    adjusted_for: float,
    adjusted_against: float,
    unit: Unit,
) -> Outcome:
    """Verdict, reason and what would settle it.

    Args:
        claim: the claim.
        taken: its looks.
        rule: that they follow.
        adjusted_for: p of the claim, corrected for looks and claims.
        adjusted_against: p of its refutation, likewise.
        unit: in which the reason writes the metric.
    """
    if taken.blocked is not None:
        return taken.blocked
    look = taken.look
    if look is None:
        return Outcome("inconclusive", f"Not the {rule.looks[0]} seeds of the first look yet.", "Run them.")
    so_far = f"After {look.seeds} of at most {rule.looks[-1]} seeds the difference is {unit.interval(look.evidence.comparison)} as of one look"
    if taken.end == "open":
        return _open(taken, look, so_far)
    if taken.end == "hopeless":
        said = f"{so_far}: the last look would decide with a chance of {look.chance:.2g} only, so none were added."
        return Outcome("inconclusive", said, "Only a study planned anew, with more seeds or items.")
    margin = f" (margin {unit.amount(claim.margin)})" if claim.margin else ""
    if look.fails or adjusted_against < rule.family_alpha:
        return Outcome("refuted", f"{so_far}, p = {adjusted_against:.2g} over looks and claims{margin}.")
    if look.holds or adjusted_for < rule.family_alpha:
        if taken.control is not None and taken.control.outcome is not None:
            return taken.control.outcome
        said = f"{so_far}, p = {adjusted_for:.2g} over looks and claims{margin}."
        return Outcome(POSITIVE[claim.kind], said)
    said = f"{so_far}, which neither shows nor excludes the claim{margin}; that was the last look."
    return Outcome("inconclusive", said, f"Only a study planned anew. {_settle(taken, look, rule, unit)}")


def _open(taken: LooksTaken, look: ClaimLook, so_far: str) -> Outcome:
    if taken.control is not None and taken.control.lacks:
        said = f"{so_far}; the claim holds if the control is told apart after {taken.control_needs} seeds."
        return Outcome("inconclusive", said, f"{taken.control_needs} seeds of the control.")
    hope = "" if look.chance is None else f"; the last look decides with a chance of {look.chance:.2f}"
    return Outcome("inconclusive", f"{so_far}, not decided yet{hope}.", f"{taken.needs} seeds of both arms.")


def _settle(taken: LooksTaken, look: ClaimLook, rule: LookRule, unit: Unit) -> str:
    assert taken.case is not None
    return what_would_settle(
        taken.case.contrast,
        generalize_to=rule.generalize_to,
        distance=look.evidence.distance,
        tail=look.evidence.tail,
        unit=unit,
    )
