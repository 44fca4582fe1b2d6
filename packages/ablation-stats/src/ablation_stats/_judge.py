"""Verdicts on claims: adjusted together, gated by convergence and by a positive control, with reasons in words."""

from collections.abc import Collection, Sequence
from typing import Any

from ablation_stats._adjust import adjust_pvalues
from ablation_stats._claim import Claim, Verdict
from ablation_stats._compare_t import estimate_t
from ablation_stats._contrast import arm_contrast
from ablation_stats._cube import PairedCube, as_cube
from ablation_stats._evidence import weigh
from ablation_stats._gates import Case, Outcome, gate, p_text, sensitivity
from ablation_stats._known_arms import require_arms
from ablation_stats._refuse import require_known, require_level
from ablation_stats._settle import what_would_settle
from ablation_stats._t_interval import TARGETS
from ablation_stats._unit import AS_STORED, Unit

POSITIVE = {"superiority": "supported", "equivalence": "equivalent", "non-inferiority": "non-inferior"}


def judge(
    claims: Sequence[Claim],
    frame: Any,
    *,
    control: str | Sequence[str | None] | None = None,
    not_converged: Collection[str] = (),
    confounded: Collection[str] = (),
    generalize_to: str = "both",
    alpha: float = 0.05,
    adjust: str = "holm",
    unit: Unit = AS_STORED,
) -> tuple[Verdict, ...]:
    """A verdict on every claim, in the order given.

    Args:
        claims: fixed before the results; p-values are adjusted over all of them.
        frame: long frame of results, or the `PairedCube` made of one; a list of one for each claim, where they are
            about different items.
        control: the positive control, an arm that must come out worse (images shuffled across items), or one for
            each claim. Without one that is told apart from a claim's baseline, "equivalent" and "non-inferior" are
            not given.
        not_converged: arms still improving when training stopped, as the function `not_converged` finds them; claims about
            them are inconclusive.
        confounded: arms that differ in more than their factor, as `confound_report` finds them; claims about them are
            inconclusive, because the factor's effect is not identifiable.
        generalize_to: "both", "items" or "seeds", as for `paired_difference`. With one seed "both" and "seeds" give
            an inconclusive verdict and the comparison over items.
        alpha: error rate over all claims, 0..0.5.
        adjust: method of `adjust_pvalues`.
        unit: in which the reasons write the metric.

    Raises:
        ValueError: no claim, an arm (of a claim, `not_converged`, `confounded`) or control that the frame does not hold,
            gaps or duplicates in the frame, or another number of frames or controls than of claims.

    >>> import polars as pl
    >>> rows = [{"arm": arm, "seed": seed, "item": item, "value": base + (seed * 7 + item * 3) % 5 / 50}
    ...         for arm, base in (("mlp", 0.8), ("linear", 0.5)) for seed in range(3) for item in range(20)]
    >>> rows = [row | {"value": row["value"] + (row["item"] * row["seed"] % 4 / 90 if row["arm"] == "mlp" else 0)}
    ...         for row in rows]
    >>> judge([Claim(text="MLP wins", arm="mlp", baseline="linear")], pl.DataFrame(rows))[0].verdict
    'supported'
    """
    require_known(generalize_to, TARGETS, what="generalize_to")
    require_level(2 * alpha)
    if not claims:
        raise ValueError("claims must hold at least one claim, got none")
    frames = _one_each(frame, len(claims), what="frame")
    controls = _one_each(control, len(claims), what="control")
    require_arms(frames, not_converged, what="an arm of not_converged")
    require_arms(frames, confounded, what="an arm of confounded")
    cubes = _align(claims, frames, controls)
    cases = [
        _case(claim, cube, own, generalize_to, alpha)
        for claim, cube, own in zip(claims, cubes, controls, strict=True)
    ]
    adjusted_for = adjust_pvalues([case.evidence.p_for for case in cases], adjust)
    adjusted_against = adjust_pvalues([case.evidence.p_against for case in cases], adjust)
    verdicts = []
    for claim, case, own, p_for, p_against in zip(
        claims, cases, controls, adjusted_for, adjusted_against, strict=True
    ):
        short = case.target != generalize_to
        found = gate(claim, case, not_converged=not_converged, confounded=confounded, short=short, unit=unit)
        found = found or _weighed(
            claim, case, (float(p_for), float(p_against)), own, alpha=alpha, tests=len(claims), unit=unit
        )
        evidence = case.evidence
        reverse = claim.kind == "superiority" and evidence.p_against < evidence.p_for
        against = found.verdict == "refuted" or reverse
        verdicts.append(
            Verdict(
                claim=claim,
                verdict=found.verdict,
                reason=found.reason,
                settle=found.settle,
                comparison=evidence.comparison,
                control=case.control,
                p_value=evidence.p_against if against else evidence.p_for,
                p_adjusted=float(p_against if against else p_for),
            )
        )
    return tuple(verdicts)


def _one_each(value: Any, claims: int, *, what: str) -> list[Any]:
    """A list with an entry for each claim: the list given, or the one value for all of them."""
    if not isinstance(value, list | tuple):
        return [value] * claims
    if len(value) != claims:
        raise ValueError(f"{what} must be one, or one for each of the {claims} claims, got {len(value)}")
    return list(value)


def _align(
    claims: Sequence[Claim], frames: Sequence[Any], controls: Sequence[str | None]
) -> list[PairedCube]:
    """The cube of each claim: of all the arms that claims about the same frame, metric, task and condition name."""
    keys = [
        (id(frame), claim.metric, claim.task, claim.condition)
        for claim, frame in zip(claims, frames, strict=True)
    ]
    arms: dict[Any, set[str]] = {}
    for key, claim, control in zip(keys, claims, controls, strict=True):
        named = {claim.arm, claim.baseline} | ({control} if control is not None else set())
        arms.setdefault(key, set()).update(named)
    of_frame = dict(zip(keys, frames, strict=True))
    cubes = {
        key: as_cube(of_frame[key], arms=sorted(names), metric=key[1], task=key[2], condition=key[3])
        for key, names in arms.items()
    }
    return [cubes[key] for key in keys]


def _case(claim: Claim, cube: PairedCube, control: str | None, generalize_to: str, alpha: float) -> Case:
    contrast = arm_contrast(cube, claim.arm, claim.baseline)
    target = generalize_to if contrast.scores.shape[0] > 1 else "items"
    evidence = weigh(claim, contrast, generalize_to=target, alpha=alpha)
    shown = None
    if control is not None and control != claim.baseline:
        shown = estimate_t(arm_contrast(cube, control, claim.baseline), generalize_to=target, level=1 - alpha)
    return Case(contrast, evidence, shown, target)


def _weighed(
    claim: Claim,
    case: Case,
    adjusted: tuple[float, float],
    control: str | None,
    *,
    alpha: float,
    tests: int,
    unit: Unit,
) -> Outcome:
    """The numbers' verdict, unless it rests on a difference not seen that this study could not have seen.

    A difference that refutes equivalence was seen, so it needs no control.
    """
    decided = _decide(claim, case, *adjusted, alpha=alpha, tests=tests, unit=unit)
    if claim.kind == "superiority" or decided.verdict == "refuted":
        return decided
    return sensitivity(claim, case, control, alpha=alpha, unit=unit) or decided


def _decide(
    claim: Claim, case: Case, p_for: float, p_against: float, *, alpha: float, tests: int, unit: Unit
) -> Outcome:
    evidence = case.evidence
    shown, margin = unit.interval(evidence.comparison), _beside(claim, unit)
    if p_for < alpha:
        return Outcome(
            POSITIVE[claim.kind], f"The difference is {shown}, as claimed{margin}: adjusted {p_text(p_for)}."
        )
    if p_against < alpha:
        return Outcome(
            "refuted", f"The difference is {shown}, against the claim{margin}: adjusted {p_text(p_against)}."
        )
    if not evidence.varies:
        said = f"Not identifiable: the difference is {unit.signed(evidence.comparison.estimate)} on every unit, so it has no error."
        return Outcome("inconclusive", said, "Items and seeds on which the scores vary.")
    if min(evidence.p_for, evidence.p_against) < alpha:
        word, p = (
            (POSITIVE[claim.kind], p_for) if evidence.p_for < evidence.p_against else ("refuted", p_against)
        )
        beside = f"Judged alone the claim would be {word}; corrected for the study's other claims it is not"
        said = f"The difference is {shown}{margin}. {beside} (adjusted {p_text(p)})."
    else:
        said = f"The difference is {shown}, which neither shows nor excludes the claim{margin}."
    # Each of several claims has to reach its share of the error, whatever the others show.
    settle = what_would_settle(
        case.contrast,
        generalize_to=case.target,
        distance=evidence.distance,
        tail=evidence.tail / tests,
        unit=unit,
    )
    return Outcome("inconclusive", said, settle)


def _beside(claim: Claim, unit: Unit) -> str:
    return f" (margin {unit.amount(claim.margin)})" if claim.margin else ""
