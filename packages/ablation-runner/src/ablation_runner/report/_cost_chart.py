"""The scatter plot of score against cost, with its front and the names that find room."""

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ablation_runner.report._chart import BLUE, INK, MUTED, PAPER
from ablation_runner.report._labels import Box, place_labels
from ablation_runner.report._numbers import Scale

if TYPE_CHECKING:
    import altair as alt

_HEIGHT = 330
_HALO = 4  # pixels about a line that no name may cover


def stairs(rows: list[dict[str, Any]], edge: float) -> list[dict[str, float]]:
    """The front as a line: level until the next arm's cost is reached, then up; level to the right edge at last."""
    front = [row for row in rows if row["on_front"]]
    corners = [(row["cost"], row["score"]) for row in front] + [(edge, front[-1]["score"])]
    return [{"cost": across, "score": up, "order": place} for place, (across, up) in enumerate(corners)]


def domains(rows: list[dict[str, Any]], *, log: bool) -> tuple[tuple[float, float], tuple[float, float]]:
    """The ends of the axes of cost and score, with some room beside the points."""
    costs = [row["cost"] for row in rows]
    scores = [row[end] for row in rows for end in ("score", "low", "high") if row[end] is not None]
    pad = 0.05 * (max(scores) - min(scores)) or 1.0
    if log:
        step = (max(costs) / min(costs)) ** 0.08
        return (min(costs) / step, max(costs) * step), (min(scores) - pad, max(scores) + pad)
    step = 0.08 * (max(costs) - min(costs))
    return (max(0.0, min(costs) - step), max(costs) + step), (min(scores) - pad, max(scores) + pad)


def cost_chart(
    rows: list[dict[str, Any]], title: str, scale: Scale, *, log: bool, width: int
) -> "alt.LayerChart":
    """The chart; it names its rows `rows` and `front`.

    Args:
        rows: arms, with name, cost, score, low, high, on_front and shape.
        title: of the cost axis.
        scale: of the score.
        log: whether the cost axis is logarithmic.
        width: of the plotting area, pixels.
    """
    import altair as alt

    across, up = domains(rows, log=log)
    x = alt.X(
        "cost:Q",
        title=title,
        scale=alt.Scale(type="log" if log else "linear", domain=list(across), nice=False),
        axis=alt.Axis(format="~s", grid=False, tickCount=width // 90, labelOverlap=True),
    )
    y_title = f"{scale.word}, {scale.unit}" if scale.unit else scale.word
    y_scale = alt.Scale(domain=list(up), nice=False)
    y = alt.Y("score:Q", title=y_title, scale=y_scale, axis=alt.Axis(tickCount=6))
    points = alt.Chart(alt.NamedData("rows"))
    stairs = alt.Chart(alt.NamedData("front")).mark_line(
        interpolate="step-after", color=BLUE, strokeWidth=1.5
    )
    dots = points.encode(x=x, y=y, shape=alt.Shape("shape:N", scale=None))
    return alt.layer(
        stairs.encode(x=x, y=y, order="order:Q"),
        points.mark_rule(strokeWidth=1.2, color=MUTED).encode(
            x=x, y=alt.Y("low:Q", scale=y_scale), y2="high:Q"
        ),
        dots.transform_filter("datum.on_front").mark_point(filled=True, size=90, opacity=1, color=BLUE),
        dots.transform_filter("!datum.on_front").mark_point(size=70, opacity=1, stroke=MUTED, fill=PAPER),
        *_names(rows, across, up, x, y, log=log, width=width),
    ).properties(width=width, height=_HEIGHT)


def _names(
    rows: list[dict[str, Any]],
    across: tuple[float, float],
    up: tuple[float, float],
    x: "alt.X",
    y: "alt.Y",
    *,
    log: bool,
    width: int,
) -> "list[alt.Chart]":
    """The names that find room; every arm stands in the table as well."""
    import altair as alt

    bend = math.log if log else float

    def place(cost: float, score: float) -> tuple[float, float]:
        right = (bend(cost) - bend(across[0])) / (bend(across[1]) - bend(across[0]))
        return width * right, _HEIGHT * (up[1] - score) / (up[1] - up[0])

    corners = [place(corner["cost"], corner["score"]) for corner in stairs(rows, across[1])]
    lines = [
        Box(x - _HALO, min(top, bottom) - _HALO, x + _HALO, max(top, bottom) + _HALO)
        for row in rows
        if row["low"] is not None and row["high"] is not None
        for (x, top), (_, bottom) in [(place(row["cost"], row["high"]), place(row["cost"], row["low"]))]
    ]
    lines += [Box(x, y - _HALO, following, y + _HALO) for (x, y), (following, _) in pairwise(corners)]
    places = place_labels(
        [place(row["cost"], row["score"]) for row in rows],
        [row["name"] for row in rows],
        width=width,
        height=_HEIGHT,
        obstacles=lines,
    )
    return [
        alt.Chart(alt.NamedData("rows"))
        .transform_window(place="row_number()")
        .transform_filter(f"datum.place == {at}")
        .mark_text(align=found.align, dx=found.dx, dy=found.dy, color=INK, **look)
        .encode(x=x, y=y, text="name:N")
        for at, found in enumerate(places, start=1)
        if found
        for look in ({"stroke": PAPER, "strokeWidth": 4, "strokeJoin": "round"}, {})
    ]
