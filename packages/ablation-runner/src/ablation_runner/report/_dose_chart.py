"""The curve of score by dose with its intervals, the margin and the bend; one panel for each kind of question."""

from typing import TYPE_CHECKING, Any

from ablation_runner.report._chart import BLUE, GRID, INK, MUTED, PAPER
from ablation_runner.report._numbers import Scale

if TYPE_CHECKING:
    import altair as alt

_RATIO = 4  # largest to smallest dose from which equal widths for doublings help
_HEIGHT = 260


def is_log(doses: list[float]) -> bool:
    """Whether doses are shown by their doublings."""
    return min(doses) > 0 and max(doses) >= _RATIO * min(doses)


def dose_chart(
    rows: list[dict[str, Any]], quantity: str, scale: Scale, *, log: bool, panels: int, width: int
) -> "alt.TopLevelMixin":
    """The chart; it names its data `rows`: points, bends and limits, told apart by their kind.

    Args:
        rows: points, with panel, dose, score, low, high, label, shape, converged and enough.
        quantity: what the dose is.
        scale: of the score.
        log: whether doublings have equal widths.
        panels: number of kinds of questions.
        width: of the whole figure's plotting area, pixels.
    """
    import altair as alt

    layers, data = alt.layer(*_layers(rows, quantity, scale, log=log, width=width)), alt.NamedData("rows")
    if panels == 1:
        return layers.properties(data=data, width=width, height=_HEIGHT)
    columns = 1 if width < 400 else 2
    order = list(dict.fromkeys(row["panel"] for row in rows))
    facet = alt.Facet(
        "panel:N",
        sort=order,
        title=None,
        header=alt.Header(labelAnchor="start", labelExpr="datum.value == '' ? 'all questions' : datum.value"),
    )
    return (
        layers.properties(width=width // columns - 20 * (columns - 1), height=_HEIGHT // 2 + 40)
        .facet(facet, data=data, columns=columns, spacing=24)
        .resolve_axis(x="independent")
    )


def _layers(
    rows: list[dict[str, Any]], quantity: str, scale: Scale, *, log: bool, width: int
) -> "list[alt.Chart]":
    import altair as alt

    across, up = _domains(rows, log=log)
    doses = sorted({row["dose"] for row in rows})
    x_scale = alt.Scale(type="log", base=2, domain=across, nice=False) if log else alt.Scale(domain=across, nice=False)  # fmt: skip
    labels = alt.Axis(values=doses, format=",", grid=False, labelOverlap="greedy")
    x = alt.X("dose:Q", title=quantity, scale=x_scale, axis=labels)
    y_title = f"{scale.word}, {scale.unit}" if scale.unit else scale.word
    y_scale = alt.Scale(domain=up, nice=False)
    y = alt.Y("score:Q", title=y_title, scale=y_scale, axis=alt.Axis(tickCount=5))
    points, bends, limits = (
        alt.Chart().transform_filter(f"datum.kind == '{kind}'") for kind in ("point", "bend", "limit")
    )
    points = points.encode(x=x, y=y)
    dots = points.encode(shape=alt.Shape("shape:N", scale=None))
    return [
        bends.mark_rect(color=GRID, opacity=0.7, clip=True).encode(
            x=alt.X("low:Q", scale=x_scale, title=quantity), x2="high:Q"
        ),
        bends.mark_rule(color=MUTED, strokeWidth=1.2).encode(x=alt.X("bend:Q", scale=x_scale)),
        limits.mark_rule(color=MUTED, strokeDash=[5, 4]).encode(
            y=alt.Y("limit:Q", scale=y_scale, title=y_title)
        ),
        points.mark_line(color=BLUE, strokeWidth=1.5),
        points.mark_rule(color=MUTED, strokeWidth=1.4).encode(y=alt.Y("low:Q", scale=y_scale), y2="high:Q"),
        points.transform_filter("datum.enough").mark_point(filled=False, size=300, stroke=INK, strokeWidth=1.8),
        dots.transform_filter("datum.converged").mark_point(filled=True, size=80, opacity=1, color=BLUE),
        dots.transform_filter("!datum.converged").mark_point(size=80, opacity=1, stroke=MUTED, fill=PAPER),
    ]  # fmt: skip


def _domains(rows: list[dict[str, Any]], *, log: bool) -> tuple[list[float], list[float]]:
    """The ends of the axes, with some room beside the points."""
    doses = [row["dose"] for row in rows]
    ends = [row[end] for row in rows for end in ("score", "low", "high")]
    pad = 0.06 * (max(ends) - min(ends)) or 1.0
    up = [min(ends) - pad, max(ends) + pad]
    if log:
        step = (max(doses) / min(doses)) ** 0.06
        return [min(doses) / step, max(doses) * step], up
    step = 0.06 * (max(doses) - min(doses))
    return [min(doses) - step, max(doses) + step], up
