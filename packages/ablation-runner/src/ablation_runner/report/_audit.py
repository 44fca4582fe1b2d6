"""The audit in plain words: what was looked at, what was found, how much it matters."""

from collections.abc import Sequence
from dataclasses import dataclass

from ablation_stats import Finding

_HEADINGS = {
    "selective reporting": "Arms and seeds that were declared but are not reported",
    "assay sensitivity": "Whether the study could have seen a difference",
    "convergence": "Arms that were still improving",
    "seeds": "How many seeds there are",
    "over-interpretation": "Differences within their noise",
    "confound": "What differs besides the factor",
    "tuning": "Whether every arm had the same chances",
    "training": "What was trained",
}
_WORDS = {"error": "serious", "warning": "caution", "note": "note"}
_OPEN = 4  # findings of one kind that are shown at once; the rest unfolds


@dataclass(frozen=True, kw_only=True)
class AuditGroup:
    """Findings of one kind: `severity` in a word, a heading, those shown at once and those that unfold."""

    severity: str
    heading: str
    shown: tuple[str, ...]
    more: tuple[str, ...]


def audit_groups(findings: Sequence[Finding]) -> list[AuditGroup]:
    """The findings by kind and severity, in the order given, which has the most severe first."""
    texts: dict[tuple[str, str], list[str]] = {}
    for finding in findings:
        texts.setdefault((finding.severity, finding.check), []).append(finding.text)
    return [
        AuditGroup(
            severity=_WORDS[severity],
            heading=_HEADINGS.get(check, check),
            shown=tuple(found[:_OPEN]),
            more=tuple(found[_OPEN:]),
        )
        for (severity, check), found in texts.items()
    ]
