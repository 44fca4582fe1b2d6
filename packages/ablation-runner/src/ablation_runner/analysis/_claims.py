"""The study's claims, judged by ablation-stats."""

from collections.abc import Mapping

import ablation_stats as stats
from ablation_runner.analysis._cubes import NotAsked, Tested
from ablation_runner.report import scale_of
from ablation_runner.results import ClaimResult
from ablation_runner.running.prepared import Prepared
from ablation_runner.scores.stats_claims import stats_claim
from ablation_runner.storage.lock import claim_hash, read_lock
from ablation_runner.study import Claim


def judge_claims(prepared: Prepared, tested: Tested, not_converged: list[str]) -> dict[str, stats.Verdict]:
    """Hash of each claim that can be judged to its verdict; all of them are corrected together.

    Args:
        prepared: the study.
        tested: the scores.
        not_converged: arms whose validation loss was still falling, under every condition.
    """
    if prepared.needed:
        return {name: found.verdict for name, found in prepared.needed.verdicts.items()}
    baseline, blind = prepared.arms[0].name, prepared.blind
    found = {claim: _asked(claim, tested, baseline) for claim in prepared.study.claims}
    cubes = {claim: cube for claim, cube in found.items() if isinstance(cube, stats.PairedCube)}
    if not cubes:
        return {}
    arms = {arm for cube in cubes.values() for arm in cube.arms}
    verdicts = stats.judge(
        [stats_claim(claim, baseline) for claim in cubes],
        list(cubes.values()),
        control=[_control(cube, blind) for cube in cubes.values()],
        not_converged=[arm for arm in not_converged if arm in arms],
        generalize_to=prepared.study.generalizes_to,
        unit=scale_of(prepared.study.metric).in_sentences,
    )
    names = [claim_hash(claim, prepared.study.seeds) for claim in cubes]
    return dict(zip(names, verdicts, strict=True))


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
    names = [claim_hash(claim, prepared.study.seeds) for claim in prepared.study.claims]
    return tuple(
        _result(
            claim,
            verdicts.get(name),
            ("", "") if name in verdicts else _open(claim, prepared, tested),
            name in locked,
        )
        for name, claim in zip(names, prepared.study.claims, strict=True)
    )


def _asked(claim: Claim, tested: Tested, baseline: str) -> stats.PairedCube | NotAsked:
    """The scores of the questions that a claim is about."""
    return tested.asked(claim.arm, claim.against or baseline, types=[claim.type] if claim.type else [])


def _control(cube: stats.PairedCube, blind: str | None) -> str | None:
    """The blind control as it was asked the same questions."""
    return next((arm for arm in cube.arms if arm.split(" @ ")[0] == blind), None)


def _open(claim: Claim, prepared: Prepared, tested: Tested) -> tuple[str, str]:
    """Why a claim could not be judged, and what to do."""
    baseline = prepared.arms[0].name
    if any(tested.cube_of(arm) is None for arm in (claim.arm, claim.against or baseline)):
        return "An arm of this claim has no finished trial.", f"Run the missing trials: {prepared.command}"
    if tested.cube_of(claim.arm, claim.against or baseline) is None:
        return (
            "Its two arms were asked different questions, so they cannot be compared question by question.",
            "State in the claim what it is against, tested under the same condition.",
        )
    found = _asked(claim, tested, baseline)
    assert isinstance(found, NotAsked)
    return f"Not judged: {found.reason}.", "A claim about questions that were asked as the arms were trained."


def _result(
    claim: Claim, verdict: stats.Verdict | None, not_judged: tuple[str, str], locked: bool
) -> ClaimResult:
    reason, settle = (verdict.reason, verdict.settle) if verdict else not_judged
    return ClaimResult(
        text=claim.text,
        arm=claim.arm,
        against=claim.against,
        verdict=verdict.verdict.replace("not-informative", "not informative") if verdict else "inconclusive",
        reason=reason,
        settle=settle,
        locked=locked,
        question_type=claim.type,
    )
