"""What stands before the numbers of a claim: convergence, confounds, seeds, identical arms, the positive control."""

from collections.abc import Collection
from typing import NamedTuple

from ablation_stats._claim import Claim
from ablation_stats._contrast import Contrast
from ablation_stats._evidence import Evidence
from ablation_stats._result import Estimate
from ablation_stats._unit import Unit


class Case(NamedTuple):
    """A claim's data: contrast, evidence, the control's comparison and the population it could be judged for."""

    contrast: Contrast
    evidence: Evidence
    control: Estimate | None
    target: str


class Outcome(NamedTuple):
    """A verdict, its reason and what would settle it."""

    verdict: str
    reason: str
    settle: str = ""


def gate(
    claim: Claim,
    case: Case,
    *,
    not_converged: Collection[str],
    confounded: Collection[str],
    short: bool,
    unit: Unit,
) -> Outcome | None:
    """The verdict where something stands before the numbers; None where nothing does."""
    shown = unit.interval(case.evidence.comparison)
    late = sorted({claim.arm, claim.baseline} & set(not_converged))
    if late:
        names = " and ".join(late)
        said = f"{names} had not converged: more training could change the difference of {shown}."
        return Outcome("inconclusive", said, f"Train {names} until the validation loss stops falling.")
    mixed = sorted({claim.arm, claim.baseline} & set(confounded))
    if mixed:
        names = " and ".join(mixed)
        said = f"Not identifiable: {names} differs in more than its factor, so the difference of {shown} may be due to the rest."
        return Outcome("inconclusive", said, f"An arm that matches {names} in everything but the factor.")
    if short:
        said = f"One seed shows nothing of how training varies; on these trained models the difference is {shown}."
        return Outcome(
            "inconclusive", said, "At least 3 seeds per arm, or a claim about these trained models only."
        )
    if case.contrast.is_constant and case.contrast.estimate == 0.0:
        said = f"{claim.arm} and {claim.baseline} score the same on every item under every seed."
        return Outcome(
            "not-informative", said, "Check that the factor is applied, or use items that tell arms apart."
        )
    return None


def sensitivity(claim: Claim, case: Case, control: str | None, *, alpha: float, unit: Unit) -> Outcome | None:
    """Why this study could not have seen a difference had there been one; None where it could."""
    if control is None or control in (claim.arm, claim.baseline) or case.control is None:
        said = "No positive control: nothing shows that this study could tell arms apart."
        return Outcome(
            "not-informative", said, "Add an arm that must be worse, such as one whose images are shuffled."
        )
    shown = case.control
    drop = -shown.estimate if claim.higher_is_better else shown.estimate
    p = shown.p_value if shown.p_value is not None else 1.0
    if drop <= 0 or p >= alpha:
        said = f"The control {control} is not told apart from {claim.baseline}: {unit.interval(shown)}, {p_text(p)}."
        return Outcome(
            "not-informative", said, "More seeds or items, or a task that cannot be done without the input."
        )
    if drop <= claim.margin:
        said = f"The control {control} itself loses only {unit.amount(drop)}, within the margin of {unit.amount(claim.margin)}."
        return Outcome(
            "not-informative", said, "A smaller margin, or a task on which the control fails clearly."
        )
    return None


def p_text(p: float) -> str:
    """A p-value with the digits that matter: "p = 0.034", "p < 0.001"."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"
