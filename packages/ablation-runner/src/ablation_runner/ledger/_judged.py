"""The ledger judged: what `ablate claims` prints."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ablation_runner.errors import StudyError, nearest
from ablation_runner.ledger._findings import Finding, ledger_findings
from ablation_runner.ledger._judge import Judgement, judge_claims
from ablation_runner.ledger._ledger import Ledger


@dataclass(frozen=True, kw_only=True)
class JudgedLedger:
    """Claims with their verdicts, section by section, and what does not follow in the literature's own numbers."""

    judgements: tuple[Judgement, ...]
    findings: tuple[Finding, ...]

    def plain(self) -> dict[str, Any]:
        """As values that JSON can hold."""
        return asdict(self)


def judge_ledger(
    ledger: Ledger, runs: Path, *, section: str | None = None, statements_only: bool = False
) -> JudgedLedger:
    """Judges a ledger by the finished studies of a runs folder.

    Args:
        ledger: what the literature says.
        runs: where runs are kept; a study that has none is "not run".
        section: judge this section's claims alone; p-values are adjusted as if all were judged.
        statements_only: judge what the literature says in words alone.

    Raises:
        StudyError: there is no such section, or a result of a finished trial cannot be read.
    """
    sections = list(dict.fromkeys(row.section for row in ledger.rows.values()))
    if section is not None and section not in sections:
        raise StudyError(f"unknown section {section!r}; {nearest(section, sections)}")
    claims = [
        claim
        for each in sections
        for claim in ledger.claims
        if claim.section == each and section in (None, each) and not (statements_only and claim.table)
    ]
    findings = [
        finding
        for finding in ledger_findings(ledger)
        if section in (None, finding.section) and (finding.check == "statement" or not statements_only)
    ]
    judgements = judge_claims(claims, runs, asked=ledger.claims)
    return JudgedLedger(judgements=tuple(judgements), findings=tuple(findings))
