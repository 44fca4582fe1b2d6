"""A part of the page: sentences, a figure, tables of arms by something else; which of these it has is its own affair."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ablation_runner.report._chart import Figure
from ablation_runner.report._numbers import NOTHING

_COLUMNS = 5  # of a table beside its first

Cell = tuple[str, str]  # what is shown, and smaller below it what qualifies it


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A table: what its rows are, its columns, and each row's name and cells."""

    head: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the page.

    Attributes:
        name: its anchor, and the name of its figure's files.
        title, short: heading, and entry in the list of contents.
        text: paragraphs above the figure; names of others may stand in them.
        figure: None where there is nothing to draw.
        note: how to read the tables.
        grids: tables below the figure.
        folded: whether the tables unfold, because the figure has their numbers.
    """

    name: str
    title: str
    short: str
    text: tuple[str, ...] = ()
    figure: Figure | None = None
    note: str = ""
    grids: tuple[Grid, ...] = ()
    folded: bool = False


def with_figure(
    figure: Figure | None,
    *,
    text: Sequence[str] = (),
    note: str = "",
    grids: Sequence[Grid] = (),
    folded: bool = False,
) -> Section | None:
    """The section that a figure heads; None without one."""
    if figure is None:
        return None
    return Section(
        name=figure.name,
        title=figure.title,
        short=figure.short,
        text=tuple(text),
        figure=figure,
        note=note,
        grids=tuple(grids),
        folded=folded,
    )


def grids(
    head: str, columns: Sequence[str], names: Sequence[str], cells: Mapping[tuple[str, str], Cell]
) -> tuple[Grid, ...]:
    """Tables of about equal width, a few columns to each.

    Args:
        head: what the rows are.
        columns: all columns, in order.
        names: of the rows, in order.
        cells: row and column to cell; others are left empty.
    """
    if not columns or not names:
        return ()
    width = math.ceil(len(columns) / math.ceil(len(columns) / _COLUMNS))
    parts = [columns[start : start + width] for start in range(0, len(columns), width)]
    empty = (NOTHING, "")
    return tuple(
        Grid(
            head=head,
            columns=tuple(part),
            rows=tuple((name, tuple(cells.get((name, column), empty) for column in part)) for name in names),
        )
        for part in parts
    )
