"""The looks at one claim, from the first to the one that stops it or the last that its seeds allow."""

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Literal, NamedTuple

from ablation_stats._claim import Claim
from ablation_stats._claim_look import ClaimLook, LookRule, look_at
from ablation_stats._compare_t import estimate_t
from ablation_stats._contrast import Contrast, arm_contrast
from ablation_stats._cube import PairedCube
from ablation_stats._gates import Case, Outcome, gate, sensitivity
from ablation_stats._result import Estimate
from ablation_stats._unit import Unit

CubeOf = Callable[[str, str], PairedCube | None]
End = Literal["decided", "last look", "hopeless", "blocked", "open"]


class Control(NamedTuple):
    """The positive control: why it is not told apart, None where it is; whether there is one that can be.

    `seeds` are those it was looked at with, or must be; `lacks` says that it has fewer.
    """

    outcome: Outcome | None
    can_tell: bool
    seeds: int
    lacks: bool


class LooksTaken(NamedTuple):
    """Where the looks at a claim ended.

    Attributes:
        end: decided; the last look; hopeless (stopped for futility); blocked (more seeds cannot help); open (more to come).
        look: the one it ended at; None before the first.
        case: the claim's data there; None before the first.
        blocked: what stands before the numbers, as an outcome; None where nothing does.
        control: at a look where a claim of no difference may hold; None elsewhere.
        needs: seeds of its two arms that the next look needs, or that it ended with; control_needs: of the control, 0
            where it was not looked at.
    """

    end: End
    look: ClaimLook | None
    case: Case | None
    blocked: Outcome | None
    control: Control | None
    needs: int
    control_needs: int


def take_looks(
    claim: Claim,
    cube_of: CubeOf,
    rule: LookRule,
    *,
    control: str | None,
    not_converged: Collection[str],
    unit: Unit,
) -> LooksTaken:
    """Every look in turn at the first seeds of the claim's two arms, until one of them stops.

    A claim of no difference that reaches its boundary stops only if the control is told apart by then, at a boundary of
    its own; else it goes on. What stands before the numbers never takes seeds back that were added before it was known.

    Args:
        claim: the claim.
        cube_of: gives an arm and its baseline on the seeds that both have.
        rule: of the claim; its alpha is the claim's share.
        control: the positive control.
        not_converged: arms still improving when training stopped.
        unit: in which outcomes write the metric.
    """
    cube = cube_of(claim.arm, claim.baseline)
    have = 0 if cube is None else len(cube.seeds)
    taken = LooksTaken("open", None, None, None, None, rule.looks[0], 0)
    for seeds in rule.looks:
        if cube is None or have < seeds:
            if taken.blocked is not None and taken.look is not None:
                return taken._replace(end="blocked", needs=taken.look.seeds)
            return taken._replace(needs=seeds)
        contrast = arm_contrast(first_seeds(cube, seeds), claim.arm, claim.baseline)
        look = look_at(claim, contrast, rule)
        case = Case(contrast, look.evidence, None, rule.generalize_to)
        blocked = gate(claim, case, not_converged=not_converged, confounded=(), short=False, unit=unit)
        told = None
        if claim.kind != "superiority" and blocked is None and _may_hold(look, rule.family_alpha):
            told = _control(claim, case, cube_of, rule, control=control, unit=unit, seeds=seeds)
        control_needs = max(taken.control_needs, told.seeds if told else 0)
        taken = LooksTaken("open", look, case, blocked, told, seeds, control_needs)
        if told and told.lacks:
            return taken
        end = _end(look, told, rule.futility)
        if end is not None:
            return taken._replace(end=end)
    return taken


def first_seeds(cube: PairedCube, seeds: int) -> PairedCube:
    """The cube of its first seeds."""
    return replace(
        cube,
        seeds=cube.seeds[:seeds],
        values=cube.values[:, :seeds],
        weights=None if cube.weights is None else cube.weights[:, :seeds],
    )


def _may_hold(look: ClaimLook, level: float) -> bool:
    """Whether the claim's boundary is reached, or the last look's p is small enough for what others may leave it."""
    return look.holds or (look.is_last and look.corrected(refuted=False).p_adjusted < level)


def _end(look: ClaimLook, told: Control | None, futility: float | None) -> End | None:
    if look.fails or (look.holds and (told is None or told.outcome is None or not told.can_tell)):
        return "decided"
    if look.is_last:
        return "last look"
    return "hopeless" if not look.holds and look.is_hopeless(futility) else None


def _control(
    claim: Claim,
    case: Case,
    cube_of: CubeOf,
    rule: LookRule,
    *,
    control: str | None,
    unit: Unit,
    seeds: int,
) -> Control:
    """Whether the control was told apart at one of the looks so far, at a boundary of its own over all looks."""
    own = control is not None and control not in (claim.arm, claim.baseline)
    cube = cube_of(control, claim.baseline) if own and control is not None else None
    if cube is None or control is None:
        return Control(
            sensitivity(claim, case, control, alpha=rule.family_alpha, unit=unit),
            can_tell=False,
            seeds=0,
            lacks=False,
        )
    worse = Claim(text="the control is worse", arm=control, baseline=claim.baseline)
    nominal = replace(rule, alpha=rule.family_alpha).boundaries(worse, refuted=False).nominal
    outcome = None
    for at, error in zip(rule.looks, nominal, strict=True):
        if at > min(seeds, len(cube.seeds)):
            break
        contrast = arm_contrast(first_seeds(cube, at), control, claim.baseline)
        outcome = sensitivity(
            claim, case._replace(control=_least_sure(contrast, rule)), control, alpha=error, unit=unit
        )
        if outcome is None:
            return Control(None, can_tell=True, seeds=at, lacks=False)
        said = f"{outcome.reason} Its p must not exceed {error:.2g} after {at} seeds."
        outcome = outcome._replace(reason=said)
    return Control(outcome, can_tell=True, seeds=seeds, lacks=len(cube.seeds) < seeds)


def _least_sure(contrast: Contrast, rule: LookRule) -> Estimate:
    """The comparison asked for, or that of the t over seeds where its p-value is larger; see `p_values`."""
    found = [
        estimate_t(contrast, generalize_to=kind, level=1 - rule.family_alpha)
        for kind in sorted({"seeds", rule.generalize_to})
    ]
    return max(found, key=lambda each: 1.0 if each.p_value is None else each.p_value)
