"""The numbers of a claim as people read them: the literature's and ours in the same unit."""

from ablation_runner.ledger._claim import Claim, Unit
from ablation_runner.ledger._judge import Judgement
from ablation_runner.report._numbers import NOTHING, Scale, number, plural, signed

_POINTS = Scale(factor=1.0, decimals=1, unit="", step="points", axis="percentage points", word="accuracy")
_RATIO = Scale(factor=1.0, decimals=2, unit="", step="", axis="ratio", word="ratio")


def literature(claim: Claim) -> str:
    """What the literature gives; which way it points where the number does not say it: +2.2, x1.80, none (+0.4)."""
    word = "no difference" if claim.expects == "none" else claim.expects
    if claim.low is None or claim.high is None:
        return word
    shown = _value(claim.low, claim.unit)
    if claim.high != claim.low:
        shown = f"{shown} to {_value(claim.high, claim.unit)}"
    if claim.unit == "cider":
        shown = f"{shown} CIDEr"
    return shown if claim.expects == claim.points_to else f"{word} ({shown})"


def measured_lines(judgement: Judgement) -> tuple[str, ...]:
    """What was measured: the estimate, its interval, at which scale with how many seeds, on which questions."""
    found = judgement.measured
    if found is None:
        return (NOTHING,)
    unit = judgement.claim.unit
    types = judgement.claim.contrast.question_types if judgement.claim.contrast else ()
    where = ", ".join([found.scale, plural(found.seeds, "seed"), *types])
    if found.exact:
        return _value(found.estimate, unit), "(exact)", where
    if found.low == found.high:
        return _value(found.estimate, unit), where
    return (
        _value(found.estimate, unit),
        f"({_value(found.low, unit)} to {_value(found.high, unit)})",
        where,
    )


def _value(value: float, unit: Unit) -> str:
    return f"×{number(value, _RATIO)}" if unit == "ratio" else signed(value, _POINTS)
