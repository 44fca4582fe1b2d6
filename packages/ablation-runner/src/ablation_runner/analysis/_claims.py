"""The study's claims, judged by ablation-stats."""

from collections.abc import Mapping

import ablation_stats as stats
from ablation_runner.analysis._cubes import Tested
from ablation_runner.lock import claim_hash, read_lock
from ablation_runner.prepared import Prepared
from ablation_runner.report import scale_of
from ablation_runner.results import ClaimResult
from ablation_runner.study import Claim

_KINDS = {
    "better": ("superiority", "better"),
    "worse": ("superiority", "worse"),
    "equivalent": ("equivalence", "better"),
    "not-worse": ("non-inferiority", "better"),
}


def judge_claims(prepared: Prepared, tested: Tested, not_converged: list[str]) -> dict[str, stats.Verdict]:
    """Hash of each claim that can be judged to its verdict.

    Args:
        prepared: the study.
        tested: the scores.
        not_converged: arms whose validation loss was still falling, under every condition.
    """
    verdicts: dict[str, stats.Verdict] = {}
    for cube in tested.cubes:  # claims about the same questions are judged, and corrected, together
        verdicts |= _judged(cube, prepared, not_converged, set(verdicts))
    return verdicts


def claim_results(
    prepared: Prepared, tested: Tested, verdicts: Mapping[str, stats.Verdict]
) -> tuple[ClaimResult, ...]:
    """Every claim with its verdict; one whose arms have no results to compare is inconclusive.

    Args:
        prepared: the study.
        tested: the scores.
        verdicts: as `judge_claims` gives them.
    """
    locked = set(read_lock(prepared.folder).get("claims", []))
    return tuple(
        _result(
            claim,
            verdicts.get(claim_hash(claim)),
            _open(claim, prepared, tested),
            claim_hash(claim) in locked,
        )
        for claim in prepared.study.claims
    )


def _judged(
    cube: stats.PairedCube, prepared: Prepared, not_converged: list[str], before: set[str]
) -> dict[str, stats.Verdict]:
    baseline, blind = prepared.arms[0].name, prepared.arms[-1].name
    claims = [
        claim
        for claim in prepared.study.claims
        if {claim.arm, claim.against or baseline} <= set(cube.arms) and claim_hash(claim) not in before
    ]
    if not claims:
        return {}
    found = stats.judge(
        [_stats_claim(claim, baseline) for claim in claims],
        cube,
        control=next((arm for arm in cube.arms if arm.split(" @ ")[0] == blind), None),
        not_converged=[arm for arm in not_converged if arm in cube.arms],
        generalize_to="both",
        unit=scale_of(prepared.study.metric).in_sentences,
    )
    return dict(zip(map(claim_hash, claims), found, strict=True))


def _open(claim: Claim, prepared: Prepared, tested: Tested) -> tuple[str, str]:
    """Why a claim could not be judged, and what to do."""
    arms = {claim.arm, claim.against or prepared.arms[0].name}
    if all(tested.cube_of(arm) for arm in arms):
        return (
            "Its two arms were asked different questions, so they cannot be compared question by question.",
            "State in the claim what it is against, tested under the same condition.",
        )
    return "An arm of this claim has no finished trial.", f"Run the missing trials: {prepared.command}"


def _result(
    claim: Claim, verdict: stats.Verdict | None, not_judged: tuple[str, str], locked: bool
) -> ClaimResult:
    reason, settle = (verdict.reason, verdict.settle) if verdict else not_judged
    return ClaimResult(
        text=claim.text,
        arm=claim.arm,
        against=claim.against,
        verdict=verdict.verdict if verdict else "inconclusive",
        reason=reason,
        settle=settle,
        locked=locked,
    )


def _stats_claim(claim: Claim, baseline: str) -> stats.Claim:
    kind, expects = _KINDS[claim.kind]
    return stats.Claim(
        text=claim.text,
        arm=claim.arm,
        baseline=claim.against or baseline,
        kind=kind,
        margin=claim.margin,
        expects=expects,
    )
