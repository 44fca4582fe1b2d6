"""The tables of the HTML page, by great-tables: every cell names its column and its row for those who hear the page."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
from markupsafe import Markup, escape

from ablation_runner.report._numbers import NOTHING
from ablation_runner.report._page import Page
from ablation_runner.report._rows import ArmRow, DifferingRow, TrialRow
from ablation_runner.report._section import Cell, Grid
from ablation_runner.report._text import visible

_END = "</table>"
_SYLLABLES = {"Parameters": "Param\u00adeters"}
_LINE_BREAK = Markup("<br>")


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column beside the first: what is over it, what stands before its cells on a narrow screen, where they stand."""

    head: Markup
    short: str
    is_text: bool = False


def isolated(text: object) -> Markup:
    """Other people's text: visible, escaped, and kept from turning the direction of what stands beside it."""
    return Markup("<bdi>{}</bdi>").format(visible(str(text)))


def arms_table(page: Page) -> Markup:
    """The main table: every arm's score, difference and verdict, and what it costs."""
    columns = [
        _column(page.scale.heading),
        _column("Difference"),
        _column("Adjusted\u00a0p"),
        _column("Verdict", is_text=True),
        *(_column(head) for head in page.facts),
    ]
    rows = [
        (
            _arm(arm),
            _cell((arm.mean, arm.mean_range)),
            _cell((arm.difference, arm.difference_range)),
            escape(arm.p),
            _verdict(arm),
            *(escape(getattr(arm, name)) for name in page.facts.values()),
        )
        for arm in page.arms
    ]
    return _table("arms-1", "Arm", columns, rows)


def grid_table(grid: Grid, *, name: str) -> Markup:
    """A table of a section; `name` tells it from the others of the page."""
    columns = [Column(head=isolated(head), short=visible(head)) for head in grid.columns]
    rows = [(isolated(row), *map(_cell, cells)) for row, cells in grid.rows]
    return _table(name, grid.head, columns, rows)


def differences_table(rows: Sequence[DifferingRow]) -> Markup:
    """What the study sets in every arm, and what follows from it."""
    columns = [
        Column(head=escape("Set by the study (baseline → arm)"), short="Set", is_text=True),
        Column(head=escape("Follows from it"), short="Follows", is_text=True),
    ]
    return _table(
        "differences-1",
        "Arm",
        columns,
        [(isolated(row.name), _lines(row.set), _lines(row.implied)) for row in rows],
    )


def trials_table(rows: Sequence[TrialRow]) -> Markup:
    """The trials that did not finish."""
    columns = [
        _column("Seed"),
        _column("State", is_text=True),
        _column("Cause", is_text=True),
    ]
    return _table(
        "trials-1",
        "Arm",
        columns,
        [(isolated(row.arm), escape(row.seed), isolated(row.status), _cause(row.cause)) for row in rows],
    )


def _table(name: str, head: str, columns: Sequence[Column], rows: Sequence[Sequence[Markup]]) -> Markup:
    from great_tables import GT, html

    keys = [str(place) for place in range(len(columns) + 1)]
    labels = [
        Markup(),
        *(Markup('<span data-label="{}"></span>').format(column.short) for column in columns),
    ]
    cells = {
        key: [label + Markup("<div>{}</div>").format(row[place]) for row in rows]
        for place, (key, label) in enumerate(zip(keys, labels, strict=True))
    }
    texts = [key for key, column in zip(keys[1:], columns, strict=True) if column.is_text]
    numbers = [key for key in keys[1:] if key not in texts]
    laid_out = (
        GT(pl.DataFrame(cells, schema=dict.fromkeys(keys, pl.String)), rowname_col=keys[0], id=name)
        .tab_stubhead(html(isolated(head)))
        .cols_label({key: html(column.head) for key, column in zip(keys[1:], columns, strict=True)})
        .cols_align("left", columns=texts)
        .cols_align("right", columns=numbers)
        .fmt_passthrough(columns=keys, escape=False)
        .as_raw_html()
    )
    # Without its own style, of which one part would hold for the whole page: the page's style has dark and narrow screens.
    return Markup(laid_out[laid_out.index("<table") : laid_out.rindex(_END) + len(_END)])


def _column(head: str, *, is_text: bool = False) -> Column:
    return Column(head=escape(_SYLLABLES.get(head, head)), short=head, is_text=is_text)


def _cell(cell: Cell) -> Markup:
    value, below = cell
    return escape(value) + (Markup(" <small>{}</small>").format(below) if below else Markup())


def _arm(arm: ArmRow) -> Markup:
    role = Markup(" <small>{}</small>").format(arm.role) if arm.role not in ("", arm.name) else Markup()
    kind = {"baseline": "baseline", "blind control": "control"}.get(arm.role, "")
    return Markup('<span class="{}">{}{}</span>').format(kind, isolated(arm.name), role)


def _verdict(arm: ArmRow) -> Markup:
    if arm.role:
        return escape(arm.verdict)
    word, _, why = arm.verdict.partition(":")
    badge = Markup('<span class="verdict {}">{}</span>').format(arm.verdict, word)
    return badge + (Markup("<small>{}</small>").format(why) if why else Markup())


def _lines(lines: Sequence[str]) -> Markup:
    return _LINE_BREAK.join(map(isolated, lines)) if lines else escape(NOTHING)


def _cause(cause: str) -> Markup:
    return Markup('<div class="long">{}</div>').format(isolated(cause) if cause else NOTHING)
