"""The verdict on a claim: the rules, in the order in which they are asked; the first that fits decides.

=================  ===================================================================================================
verdict            given where
=================  ===================================================================================================
not comparable     nothing here stands for the claim: no built-in study, arm, question or number
not run            the study has no finished trial of the arms (`ablate run STUDY`)
not informative    the study could not have shown the difference: an arm of the contrast had not converged (its loss on
                   validation was still falling); there is no blind control, or it is not significantly worse than the
                   best arm of the contrast; or the arms score the same on every item under every seed
inconclusive       one seed, or no spread, so that there is no error to judge by
equivalent         the 90 % interval lies inside ± the margin (two one-sided tests at 5 %), and the blind control loses
                   more than the margin; where it does not, "not informative"
same direction     the difference is significant (5 %, two-sided) and points as the claim does
opposite           it is significant and points the other way; of a claim of no difference: it is significant, and more
                   than the margin
inconclusive       anything else
=================  ===================================================================================================

The p-values are adjusted (Holm) over all contrasts that the ledger asks of the same study, scores and each cost for
themselves, differences and equivalence too, so an interval can exclude 0 where the verdict is inconclusive. Costs (times, tokens, parameters, MACs)
need neither convergence nor the blind control; counts have no error, and are judged as they are.

At a scale whose models are those the literature speaks of ("gpu"), and only there, the size counts too:

- *supported*: "equivalent" for a claim of no difference; else the same direction, and the interval, widened by the margin,
  reaches the literature's value, or "equivalent" where the literature's value is itself within the margin;
- *refuted*: "opposite"; or "equivalent" for a claim of a difference larger than the margin.

A contrast that is none of these keeps its verdict of direction. At "cpu" scale no claim is ever supported or refuted.
"""

import math
from enum import StrEnum

from ablation_runner.ledger._claim import Claim, Unit
from ablation_runner.ledger._folders import COMPARABLE
from ablation_runner.ledger._measured import Measured

ALPHA = 0.05
_ALONE = "alone it would be significant; corrected for all that is asked of this study it is not"


class Verdict(StrEnum):
    """What the ledger says of a claim; the value is what the reader sees."""

    SAME = "same direction"
    OPPOSITE = "opposite"
    EQUIVALENT = "equivalent"
    INCONCLUSIVE = "inconclusive"
    NOT_INFORMATIVE = "not informative"
    NOT_COMPARABLE = "not comparable"
    NOT_RUN = "not run"
    SUPPORTED = "supported"
    REFUTED = "refuted"


def verdict_on(claim: Claim, measured: Measured) -> tuple[Verdict, str]:
    """The verdict on a claim that something was measured for, and the rule that gave it, in words."""
    blocked = _not_informative(claim, measured)
    if blocked:
        return Verdict.NOT_INFORMATIVE, blocked
    found, reason = _direction(claim, measured)
    return _sized(claim, measured, found, reason) if measured.scale == COMPARABLE else (found, reason)


def _not_informative(claim: Claim, measured: Measured) -> str:
    """Why the study could not have shown a difference; empty where it could."""
    if claim.unit == "ratio":
        return ""
    if measured.not_converged:
        return f"the validation loss of {' and '.join(measured.not_converged)} was still falling"
    if measured.blind_loss is None:
        return "the study has no blind control"
    if measured.blind_loss <= 0 or measured.blind_p is None or measured.blind_p >= ALPHA:
        return "the blind control is not told apart from the best of the arms"
    if measured.identical:
        return "the arms score the same on every item under every seed"
    return ""


def _direction(claim: Claim, measured: Measured) -> tuple[Verdict, str]:
    same, shift = _scale(claim.unit), _shift(measured.estimate, claim.unit)
    if measured.exact:
        significant, equivalent = shift != 0, abs(shift) <= _limit(claim)
    elif measured.p is None or measured.p_equivalent is None or measured.seeds < 2:
        why = "one seed shows nothing of how training varies" if measured.seeds < 2 else "nothing varies"
        return Verdict.INCONCLUSIVE, f"{why}, so there is no error to judge by"
    else:
        significant, equivalent = measured.p < ALPHA, measured.p_equivalent < ALPHA
    if equivalent:
        if measured.blind_loss is not None and measured.blind_loss <= claim.margin:
            return Verdict.NOT_INFORMATIVE, "the blind control itself loses no more than the margin"
        return Verdict.EQUIVALENT, f"within the margin of {claim.margin:g}{same}"
    if not significant:
        alone = not measured.low <= (1.0 if claim.unit == "ratio" else 0.0) <= measured.high
        return Verdict.INCONCLUSIVE, _ALONE if alone else "neither a difference nor its absence is shown"
    if claim.expects == "none":
        if abs(shift) > _limit(claim):
            return Verdict.OPPOSITE, "a difference is shown where none is claimed"
        return Verdict.INCONCLUSIVE, "a difference is shown, but perhaps within the margin"
    agrees = (shift > 0) == (claim.expects == "more")
    return (Verdict.SAME if agrees else Verdict.OPPOSITE), "the difference is significant"


def _sized(claim: Claim, measured: Measured, found: Verdict, reason: str) -> tuple[Verdict, str]:
    """The verdict where the literature's size counts as well."""
    if found is Verdict.OPPOSITE:
        return Verdict.REFUTED, reason
    if claim.expects == "none":
        return (Verdict.SUPPORTED if found is Verdict.EQUIVALENT else found), reason
    if claim.low is None or claim.high is None:
        return (Verdict.SUPPORTED if found is Verdict.SAME else found), reason
    low, high = (_shift(value, claim.unit) for value in (claim.low, claim.high))
    limit = _limit(claim)
    if found is Verdict.EQUIVALENT:
        small = low <= limit and high >= -limit
        return (Verdict.SUPPORTED if small else Verdict.REFUTED), reason
    ends = [_shift(end, claim.unit) for end in (measured.low, measured.high)]
    if found is Verdict.SAME:
        if ends[0] - limit <= high and ends[1] + limit >= low:
            return Verdict.SUPPORTED, "of the literature's size, within the interval and the margin"
        return found, "the difference is significant, but not of the literature's size"
    return found, reason


def _scale(unit: Unit) -> str:
    return " of 1" if unit == "ratio" else " points"


def _shift(value: float, unit: Unit) -> float:
    """How far a value is from no difference, 0; of a ratio its logarithm."""
    return math.log(value) if unit == "ratio" else value


def _limit(claim: Claim) -> float:
    """The margin on the same axis."""
    return math.log1p(claim.margin) if claim.unit == "ratio" else claim.margin
