"""A heat map with the number in every cell, readable in print, in the dark and without seeing colours."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypedDict

from ablation_runner.report._chart import INK, Figure, draw
from ablation_runner.report._text import short_names

if TYPE_CHECKING:
    import altair as alt

# The page turns INK light in a dark window; letters inside a coloured cell must stay as they are.
_DARK, _LIGHT = "#1c1c1c", "#fdfdfd"
_NAME_WIDTH = 22


class HeatCell(TypedDict):
    """A cell: `strength` 0..1 gives the colour, `text` and `below` are written in it; `marked` has a frame."""

    row: str
    column: str
    strength: float
    text: str
    below: str
    marked: bool


def heat_map(
    cells: Sequence[HeatCell],
    *,
    name: str,
    title: str,
    short: str,
    caption: str,
    row_title: str,
    column_title: str,
    colours: Sequence[str],
) -> Figure:
    """The map.

    Args:
        cells: row by row; a pair without a cell is left empty.
        name: of its files.
        title: of the figure.
        short: in a list of contents.
        caption: how to read it.
        row_title: what rows are.
        column_title: what columns are.
        colours: that strengths 0 to 1 go through.
    """
    names = short_names(
        list(dict.fromkeys([*(c["row"] for c in cells), *(c["column"] for c in cells)])), _NAME_WIDTH
    )
    rows = [
        {
            **cell,
            "row": names[cell["row"]],
            "column": names[cell["column"]],
            "ink": _ink(cell["strength"], colours),
        }
        for cell in cells
    ]
    orders = [list(dict.fromkeys(str(row[axis]) for row in rows)) for axis in ("row", "column")]
    return draw(
        name=name,
        title=title,
        short=short,
        caption=caption,
        data={"cells": rows},
        wide=_chart(orders, (row_title, column_title), colours, width=104, height=52),
        narrow=_chart(orders, (row_title, column_title), colours, width=max(44, 250 // len(orders[1])), height=48),
    )  # fmt: skip


def _ink(strength: float, colours: Sequence[str]) -> str:
    """Light letters on dark colours, dark ones on light colours."""
    place = min(int(strength * (len(colours) - 1) + 0.5), len(colours) - 1)
    red, green, blue = (int(colours[place][at : at + 2], 16) for at in (1, 3, 5))
    return _LIGHT if 0.299 * red + 0.587 * green + 0.114 * blue < 140 else _DARK


def _chart(
    orders: list[list[str]], titles: tuple[str, str], colours: Sequence[str], *, width: int, height: int
) -> "alt.LayerChart":
    import altair as alt

    base = alt.Chart(alt.NamedData("cells")).encode(
        x=alt.X(
            "column:N",
            sort=orders[1],
            title=titles[1],
            axis=alt.Axis(orient="top", labelAngle=0, ticks=False, domain=False),
            scale=alt.Scale(paddingInner=0.04),
        ),
        y=alt.Y(
            "row:N",
            sort=orders[0],
            title=titles[0],
            axis=alt.Axis(ticks=False, domain=False),
            scale=alt.Scale(paddingInner=0.06),
        ),
    )
    colour = alt.Color(
        "strength:Q", legend=None, scale=alt.Scale(domain=[0, 1], range=list(colours), interpolate="rgb")
    )
    texts = base.mark_text().encode(color=alt.Color("ink:N", scale=None))
    return (
        alt.layer(
            base.mark_rect().encode(color=colour),
            base.transform_filter("datum.marked").mark_rect(fillOpacity=0, stroke=INK, strokeWidth=2),
            texts.mark_text(dy=-8, fontWeight="bold").encode(text="text:N"),
            texts.mark_text(dy=9, fontSize=11).encode(text="below:N"),
        )
        .resolve_scale(color="independent")
        .properties(width=alt.Step(width), height=alt.Step(height))
    )
