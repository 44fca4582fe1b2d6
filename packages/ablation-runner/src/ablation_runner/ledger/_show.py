"""The ledger printed: by section, statements in words, then tables of numbers; at the end what does not follow."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from rich import box
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ablation_runner.ledger._cells import literature, measured_lines
from ablation_runner.ledger._findings import CHECKS, Finding
from ablation_runner.ledger._judge import Judgement
from ablation_runner.ledger._judged import JudgedLedger
from ablation_runner.ledger._verdict import Verdict

if TYPE_CHECKING:
    from rich.console import Console

_STYLES = {
    Verdict.SAME: "green",
    Verdict.SUPPORTED: "green",
    Verdict.OPPOSITE: "red",
    Verdict.REFUTED: "red",
    Verdict.EQUIVALENT: "blue",
    Verdict.NOT_RUN: "dim",
    Verdict.NOT_COMPARABLE: "dim",
}
# What such a verdict rests on is in the numbers beside it.
_PLAIN = frozenset({Verdict.SAME, Verdict.OPPOSITE, Verdict.EQUIVALENT, Verdict.SUPPORTED, Verdict.REFUTED})
_ROOMY = 120  # columns from which an interval stands beside its estimate
_INDENT = 2
_HOW_TO_READ = (
    (
        "Literature: what arms differ by, in points of a percentage or as a ratio (×), as publications give it (reported), as is usual "
        "in the field (typical), or as somebody expects it and nobody has measured it (hypothesis)."
    ),
    "Measured here: the same difference in your runs, with its 95 % interval, scale and seeds.",
    (
        "Verdicts: same direction, opposite: significant, corrected for all that is asked of the study, and as the literature says or "
        "against it; equivalent: shown to be no difference that matters; inconclusive: not decided; not informative: this run could not "
        "have shown it; not comparable: nothing here measures it. Supported and refuted need the large models of the gpu scale."
    ),
)


def show_claims(judged: JudgedLedger, console: "Console") -> None:
    """Prints every claim with the literature's value, what was measured here and the verdict; then what is left to do.

    Args:
        judged: the claims and the findings; a section's claims stand together.
        console: as wide as it is; 80 columns are enough.
    """
    judgements = judged.judgements
    for line in _HOW_TO_READ:
        console.print(Text(line, "dim"))
    for section, group in groupby(judgements, key=lambda judgement: judgement.claim.section):
        console.print(Text(f"\n{section}", "bold"))
        for table, members in groupby(group, key=lambda judgement: judgement.claim.table):
            _show_table(table, list(members), console)
    _show_findings(judged.findings, console)
    _show_commands(judgements, console)
    counts = Counter(judgement.verdict for judgement in judgements)
    summary = ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict])
    console.print(Text(f"\n{len(judgements)} claims: {summary}"))


def _show_table(name: str, judgements: list[Judgement], console: "Console") -> None:
    provenance = ", ".join(dict.fromkeys(judgement.claim.provenance for judgement in judgements))
    console.print(Text(f"{name or 'in words'} ({provenance})", "underline"))
    table, bare, rows = _table(console), [], []
    for metric in dict.fromkeys(judgement.claim.metric for judgement in judgements):
        members = [judgement for judgement in judgements if judgement.claim.metric == metric]
        if metric and _says_nothing(members):
            bare.append(_values(metric, members))
            continue
        if metric:
            table.add_row(Text(metric, "italic"))
        for judgement in members:
            table.add_row(*_cells(judgement, console))
        rows += members
    if rows:
        console.print(table)
    for line in [*bare, *_footnotes(judgements, rows)]:
        console.print(Padding(line, (0, 0, 0, _INDENT)))


def _says_nothing(judgements: list[Judgement]) -> bool:
    """Whether a metric has no counterpart in any arm, for one reason: its values then fit into a line."""
    return {judgement.verdict for judgement in judgements} == {Verdict.NOT_COMPARABLE} and len(
        {judgement.reason for judgement in judgements}
    ) == 1


def _values(metric: str, judgements: list[Judgement]) -> Text:
    pairs = [each.claim.text.partition(" against ") for each in judgements]
    bases = {base for _, _, base in pairs}
    shared = f"against {bases.pop()}: " if len(bases) == 1 else ""
    values = "; ".join(
        f"{arm if shared else each.claim.text} {literature(each.claim)}"
        for each, (arm, _, _) in zip(judgements, pairs, strict=True)
    )
    line = Text(metric, "italic")
    line.append(f" not comparable: {judgements[0].reason}. ", "not italic dim")
    return line.append(shared + values, "not italic")


def _table(console: "Console") -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), show_edge=False)
    roomy = console.width >= _ROOMY
    table.add_column("claim", ratio=1)
    table.add_column("literature", justify="right", max_width=20 if roomy else 14)
    table.add_column("measured here", justify="right", max_width=40 if roomy else 20)
    table.add_column("verdict", no_wrap=True)
    table.expand = True
    return table


def _cells(judgement: Judgement, console: "Console") -> Iterator[Text]:
    said = Text(f"{' ' * _INDENT if judgement.claim.metric else ''}{judgement.claim.text}")
    if judgement.measured is not None and judgement.verdict not in _PLAIN:
        said.append(f"\n{judgement.reason}", "dim")
    yield said
    yield Text(literature(judgement.claim))
    between = " " if console.width >= _ROOMY else "\n"
    yield Text(between.join(measured_lines(judgement)))
    yield Text(judgement.verdict, _STYLES.get(judgement.verdict, ""))


def _footnotes(judgements: Sequence[Judgement], rows: Sequence[Judgement]) -> Iterator[Text]:
    """Each once: why claims in a table's rows are not comparable, and what must be known of the runs."""
    for reason in dict.fromkeys(each.reason for each in rows if each.verdict is Verdict.NOT_COMPARABLE):
        yield Text(f"not comparable: {reason}", "dim")
    notes = {
        each.claim.contrast.study: "; ".join(each.measured.notes)
        for each in judgements
        if each.measured and each.measured.notes and each.claim.contrast
    }
    for study, note in notes.items():
        yield Text(f"{study}: {note}", "dim")


def _show_findings(findings: Sequence[Finding], console: "Console") -> None:
    if findings:
        console.print(Text("\nWhat does not follow in the literature's own numbers", "bold"))
    for check, group in groupby(findings, key=lambda finding: finding.check):
        console.print(Text(CHECKS[check], "underline"))
        for finding in group:
            line = Text(finding.place, "italic")
            line.append(f" {finding.text}", "not italic")
            console.print(Padding(line, (0, 0, 0, _INDENT)))


def _show_commands(judgements: Sequence[Judgement], console: "Console") -> None:
    commands = dict.fromkeys(judgement.command for judgement in judgements if judgement.command)
    if commands:
        console.print(Text("\nNot run yet", "bold"))
    for command in commands:
        console.print(Text(f"{' ' * _INDENT}{command}"), soft_wrap=True)
