"""Comparisons and audits as a terminal shows them, and as JSON."""

import json
import math
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ablation_stats._claim import Verdict
from ablation_stats._contrast import linear_scores
from ablation_stats._cube import PairedCube
from ablation_stats._finding import Finding
from ablation_stats._result import Tabular
from ablation_stats._unit import AS_STORED

# What a verdict on "the arm beats the baseline" says of the arm.
IN_WORDS = {"supported": "better", "refuted": "worse"}
SPEAKS_OF = {
    "both": "the recipe on new items",
    "items": "these trained models on new items",
    "seeds": "the recipe on these items",
}


def show_comparison(
    cube: PairedCube, verdicts: Sequence[Verdict], console: Console, *, baseline: str, generalize_to: str
) -> None:
    """A line on the data, a table with a row per arm, and the reasons."""
    named = " on ".join(each for each in (cube.metric or "value", cube.task) if each)
    console.print(f"{named}: {_counts(cube)}", markup=False, highlight=False)
    table = plain_table("arm", "mean", f"minus {baseline}", "p adj.", "verdict")
    add_row(table, baseline, _mean(cube, baseline), "", "", "baseline")
    for each in verdicts:
        shown = "" if each.comparison is None else AS_STORED.interval(each.comparison)
        p = "" if each.p_adjusted is None else f"{each.p_adjusted:.2g}"
        add_row(table, each.claim.arm, _mean(cube, each.claim.arm), shown, p, _word(each))
    control = verdicts[0].control
    if control is not None and control.arm is not None:
        add_row(
            table, control.arm, _mean(cube, control.arm), AS_STORED.signed(control.estimate), "", "control"
        )
    console.print(table)
    console.print(f"This speaks about {SPEAKS_OF[generalize_to]}.", highlight=False)
    for each in verdicts:
        notes = [each.reason, *([f"To settle: {each.settle}"] if each.settle else [])]
        console.print(f"{each.claim.arm}: {' '.join(notes)}", markup=False, highlight=False)
    for said in _warnings(verdicts):
        console.print(f"note: {said}", markup=False, highlight=False)


def show_audit(findings: Sequence[Finding], console: Console) -> None:
    """A row per finding, or a line that says that there is none."""
    if not findings:
        console.print("No finding.")
        return
    table = plain_table("severity", "check", "subject", "finding")
    for each in findings:
        add_row(table, each.severity, each.check, each.subject, each.text)
    console.print(table)


def as_json(results: Sequence[Tabular]) -> str:
    """Results of one kind as a JSON list, one object each; null where a number does not exist."""
    rows = [{name: _finite(value) for name, value in each.to_row().items()} for each in results]
    return json.dumps(rows, indent=1, allow_nan=False)


def _finite(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def plain_table(*columns: str) -> Table:
    """A table without lines; long cells fold."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(Text(column), overflow="fold")
    return table


def add_row(table: Table, *cells: str) -> None:
    """A row of plain text: brackets in it are no markup."""
    table.add_row(*(Text(cell) for cell in cells))


def _word(verdict: Verdict) -> str:
    if verdict.claim.kind != "superiority":
        return verdict.verdict
    return IN_WORDS.get(verdict.verdict, verdict.verdict)


def _mean(cube: PairedCube, arm: str) -> str:
    return f"{linear_scores(cube, cube.index(arm)).mean():.4f}"


def _counts(cube: PairedCube) -> str:
    parts = [
        counted(len(cube.arms), "arm"),
        counted(len(cube.seeds), "seed"),
        counted(cube.items.len(), "item"),
    ]
    grouped = cube.clusters.len() < cube.items.len()
    return ", ".join(parts) + (f" in {counted(cube.clusters.len(), 'cluster')}" if grouped else "")


def counted(count: int, noun: str) -> str:
    """A number with its noun: "1 seed", "1,200 items"."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def _warnings(verdicts: Sequence[Verdict]) -> list[str]:
    """What the comparisons warn of, each once."""
    said = [text for each in verdicts if each.comparison is not None for text in each.comparison.warnings]
    return list(dict.fromkeys(said))
