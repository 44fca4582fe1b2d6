"""Every claim of the ledger with what was measured for it here, and its verdict."""

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ablation_runner.commands._options import RUNS
from ablation_runner.ledger._claim import Asked, Claim
from ablation_runner.ledger._folders import was_started
from ablation_runner.ledger._measured import Measured, Missing
from ablation_runner.ledger._verdict import Verdict, verdict_on
from ablation_runner.study import built_in_studies


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """A claim with its verdict.

    Attributes:
        claim: the claim.
        verdict: on it.
        reason: the rule that gave it.
        measured: what it rests on; None where nothing is measured.
        command: runs the study where it has not been run, else empty.
    """

    claim: Claim
    verdict: Verdict
    reason: str
    measured: Measured | None = None
    command: str = ""


def judge_claims(claims: Sequence[Claim], runs: Path, *, asked: Sequence[Claim]) -> list[Judgement]:
    """The verdict on each of some claims, in their order.

    Args:
        claims: what to judge.
        runs: where runs are kept.
        asked: all claims that the ledger asks of the studies, over which p-values are adjusted.

    Raises:
        StudyError: a result of a finished trial cannot be read.
    """
    built_in = built_in_studies()
    wanted = {claim.contrast.study for claim in claims if claim.contrast} & built_in.keys()
    there = {study for study in wanted if was_started(runs, study)}
    measured: dict[Asked, Measured | Missing] = {}
    for study in sorted(there):
        measured |= _measured(study, asked, runs)
    return [_judgement(claim, measured, built_in.keys(), runs) for claim in claims]


def _measured(study: str, claims: Iterable[Claim], runs: Path) -> dict[Asked, Measured | Missing]:
    """Everything that the ledger asks of a study; empty where it has no finished trial."""
    from ablation_runner.ledger._adjusted import adjusted
    from ablation_runner.ledger._measure import measure
    from ablation_runner.ledger._study_run import read_study_run

    run = read_study_run(runs, study)
    if run is None:
        return {}
    wanted = dict.fromkeys(
        (claim.contrast, claim.margin) for claim in claims if claim.contrast and claim.contrast.study == study
    )
    found = {each: measure(each[0], run, margin=each[1]) for each in wanted}
    numbers = {each: value for each, value in found.items() if isinstance(value, Measured)}
    return found | adjusted(numbers)


def _judgement(
    claim: Claim, measured: dict[Asked, Measured | Missing], built_in: Iterable[str], runs: Path
) -> Judgement:
    contrast = claim.contrast
    if contrast is None:
        return Judgement(claim=claim, verdict=Verdict.NOT_COMPARABLE, reason=claim.why)
    if contrast.study not in built_in:
        return Judgement(
            claim=claim,
            verdict=Verdict.NOT_COMPARABLE,
            reason=f"no study yet: {contrast.study} is not built in",
        )
    found = measured.get((contrast, claim.margin))
    if found is None:
        return _not_run(claim, f"{contrast.study} has no result", contrast.study, runs)
    if isinstance(found, Missing):
        if found.pending:
            return _not_run(claim, found.reason, contrast.study, runs)
        return Judgement(claim=claim, verdict=Verdict.NOT_COMPARABLE, reason=found.reason)
    verdict, reason = verdict_on(claim, found)
    return Judgement(claim=claim, verdict=verdict, reason=reason, measured=found)


def _not_run(claim: Claim, reason: str, study: str, runs: Path) -> Judgement:
    return Judgement(claim=claim, verdict=Verdict.NOT_RUN, reason=reason, command=_command(study, runs))


def _command(study: str, runs: Path) -> str:
    parts = ["ablate", "run", study]
    return shlex.join(parts if runs == RUNS else [*parts, "--runs", str(runs)])
