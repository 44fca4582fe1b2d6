"""The summary that a run ends with: the answer, the main table and the claims, in any terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ablation_runner.report._answer import answer, cautions
from ablation_runner.report._numbers import scale_of
from ablation_runner.report._rows import ArmRow, arm_rows, known_facts
from ablation_runner.report._text import short_names, visible
from ablation_runner.results import StudyResults

if TYPE_CHECKING:
    from rich.console import Console, OverflowMethod
    from rich.table import Table
    from rich.text import Text

_STYLES = {
    "supported": "green",
    "better": "green",
    "refuted": "red",
    "worse": "red",
    "equivalent": "blue",
    "non-inferior": "blue",
}
# Field of an arm's row to its heading here, where there is room.
_COSTS = {"parameters": "parameters", "macs": "MACs", "visual_tokens": "tokens", "train_seconds": "training"}
_ROOMY = 120  # columns from which the costs find room beside the rest
_ASCII = str.maketrans({"−": "-", "–": "-", "…": "~", "·": "-", "×": "x", "\u00a0": " ", "⟨": "<", "⟩": ">"})


def print_summary(results: StudyResults, console: "Console") -> None:
    """Print the answer, what qualifies it, the main table and the claims; as wide as the console is, 80 is enough.

    Names are shown without markup and without control characters, so they cannot steer the terminal.
    """
    from rich.text import Text

    def text(content: str, style: str = "") -> Text:
        return Text(_fitting(content, console), style=style)

    scale = scale_of(results.metric)
    console.print()
    console.print(text(results.title, "bold"))
    console.print(text(answer(results, scale)))
    for caution in cautions(results, scale):
        console.print(text(f"- {caution}"))
    console.print(_table(results, console))
    for claim in results.claims:
        line = text(claim.verdict, f"bold {_STYLES.get(claim.verdict, '')}".strip())
        about = f" ({claim.question_type} questions)" if claim.question_type else ""
        line.append_text(text(about + ("" if claim.locked else " (exploratory)")))
        line.append_text(text(f": {claim.text}", "not bold"))
        console.print(line)
        console.print(text(f"  {claim.reason}"))
        if claim.settle:
            console.print(text(f"  What would settle it: {claim.settle}"))


def _table(results: StudyResults, console: "Console") -> "Table":
    from rich import box
    from rich.table import Table

    roomy = console.width >= _ROOMY
    scale = scale_of(results.metric)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), show_edge=False)
    # Rich's ellipsis is not in every encoding.
    overflow: OverflowMethod = "ellipsis" if _is_unicode(console) else "crop"
    heads = ["arm", scale.word if roomy else "mean", "difference\n(95 % interval)", "adj. p", "verdict"]
    rows = arm_rows(results, scale)
    costs = [name for name in known_facts(rows).values() if roomy and name in _COSTS]
    for head in [*heads, *(_COSTS[name] for name in costs)]:
        words = head in {"arm", "verdict"}
        table.add_column(head, justify="left" if words else "right", no_wrap=True, overflow=overflow)
    names = short_names([arm.name for arm in results.arms], 28 if roomy else 21)
    for row in rows:
        table.add_row(
            *_cells(row, names[row.name], console, costs),
            style="dim" if row.role == "blind control" else "",
        )
    return table


def _cells(row: ArmRow, name: str, console: "Console", costs: Sequence[str]) -> list["Text"]:
    from rich.text import Text

    difference = f"{row.difference} ({row.difference_range})" if row.difference_range else row.difference
    verdict = row.verdict.split(": ")[-1]
    shown = (name, row.mean, difference, row.p, verdict, *(getattr(row, cost) for cost in costs))
    cells = [Text(_fitting(cell, console)) for cell in shown]
    cells[4].stylize(_STYLES.get(row.verdict, ""))
    return cells


def _is_unicode(console: "Console") -> bool:
    return console.encoding.lower().startswith("utf")


def _fitting(text: str, console: "Console") -> str:
    """The text without control characters, in the characters that the console's encoding has."""
    shown = visible(text)
    return (
        shown
        if _is_unicode(console)
        else shown.translate(_ASCII).encode(console.encoding, "replace").decode(console.encoding)
    )
