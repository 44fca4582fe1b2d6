"""The forest plot: every arm's paired difference to the baseline with its interval."""

import math
from typing import TYPE_CHECKING, Any

from ablation_runner.report._chart import GREEN, INK, MUTED, PAPER, VERMILION, Figure, draw
from ablation_runner.report._numbers import Scale, range_text, signed, value_text
from ablation_runner.report._standing import Standing, baseline_of, standing, the_baseline
from ablation_runner.report._text import short_names
from ablation_runner.results import ArmResult, Interval, StudyResults

if TYPE_CHECKING:
    import altair as alt

_COLOURS = {
    Standing.BETTER: GREEN,
    Standing.WORSE: VERMILION,
    Standing.CONTROL: MUTED,
    Standing.NO_RESULT: MUTED,
}
_NAME_WIDTH = 28
_MANY = 15  # arms from which rows move closer together
_WIDE, _NARROW = 540, 330  # pixels of the plotting area


def forest(results: StudyResults, scale: Scale) -> Figure | None:
    """The forest plot; None while no arm has a difference."""
    if not any(arm.difference for arm in results.arms):
        return None
    domain = _domain(results, scale)
    rows = [_placed(row, domain) for row in _rows(results, scale)]
    baseline = baseline_of(results).name
    return draw(
        name="forest",
        title=f"Difference to {the_baseline(baseline)}",
        short="Forest plot",
        caption=(
            f"Dot: the arm's {scale.word} minus the baseline's, in {scale.axis}. Line: its 95 % interval. "
            "An interval that crosses the vertical line is compatible with no difference."
            + (" An arrow points to a value off the scale." if any(row["off"] for row in rows) else "")
        ),
        data={
            "rows": rows,
            "inside": [row for row in rows if row["estimate"] is not None and not row["off"]],
            "arrows": [row for row in rows if row["off"]],
            "zero": [{"zero": 0}],
        },
        wide=_chart([row["name"] for row in rows], domain, scale, wide=True),
        narrow=_chart([row["name"] for row in rows], domain, scale, wide=False),
    )


def _rows(results: StudyResults, scale: Scale) -> list[dict[str, Any]]:
    names = short_names([arm.name for arm in results.arms], _NAME_WIDTH)
    return [_row(arm, names[arm.name], results, scale) for arm in results.arms]


def _row(arm: ArmResult, name: str, results: StudyResults, scale: Scale) -> dict[str, Any]:
    word = standing(arm, results)
    row: dict[str, Any] = {"name": name, "word": word.value, "colour": _COLOURS.get(word, INK)}
    if arm.is_baseline:
        shown = value_text(arm.mean.estimate, scale) if arm.mean else "no result yet"
        return row | {"estimate": 0.0, "low": 0.0, "high": 0.0, "text": shown}
    if arm.difference is None:
        return row | {"estimate": None, "low": None, "high": None, "text": ""}
    ends = {end: getattr(arm.difference, end) * scale.factor for end in ("estimate", "low", "high")}
    ends = {end: value if math.isfinite(value) else None for end, value in ends.items()}
    text = f"{signed(arm.difference.estimate, scale)} ({range_text(arm.difference, scale, sign=True)})"
    return row | ends | {"text": text}


def _domain(results: StudyResults, scale: Scale) -> tuple[float, float]:
    """The scale of the arms that are compared; a blind control far away would flatten them, so it gets an arrow."""
    compared = [arm.difference for arm in results.arms if arm.difference and not arm.is_blind]
    blind = [arm.difference for arm in results.arms if arm.difference and arm.is_blind]
    ends = _ends(compared or blind, scale)
    ends += _ends([one for one in blind if min(ends) <= one.estimate * scale.factor <= max(ends)], scale)
    margin = 0.06 * (max(ends) - min(ends)) or 1.0
    return min(ends) - margin, max(ends) + margin


def _ends(intervals: list[Interval], scale: Scale) -> list[float]:
    ends = [end * scale.factor for one in intervals for end in (one.estimate, one.low, one.high)]
    return [0.0, *(end for end in ends if math.isfinite(end))]


def _placed(row: dict[str, Any], domain: tuple[float, float]) -> dict[str, Any]:
    """The row with whether it lies off the scale and, if so, at which edge an arrow stands and how it is turned."""
    low, high = domain
    below = row["estimate"] is not None and row["estimate"] < low
    off = below or (row["estimate"] is not None and row["estimate"] > high)
    return row | {
        "off": off,
        "edge": low if below else high,
        "turn": -90 if below else 90,
        "beside": row["text"] or row["word"],
    }


def _chart(names: list[str], domain: tuple[float, float], scale: Scale, *, wide: bool) -> "alt.LayerChart":
    import altair as alt

    width = _WIDE if wide else _NARROW
    x_scale = alt.Scale(domain=list(domain), nice=False)
    title = f"difference in {scale.word}, {scale.axis}"
    x = alt.X("estimate:Q", scale=x_scale, title=title, axis=alt.Axis(tickCount=6))
    labels = alt.Axis(ticks=False, domain=False, offset=10) if wide else None
    y = alt.Y("name:N", sort=names, title=None, axis=labels)
    colour = alt.Color("colour:N", scale=None)
    shape = alt.condition("datum.word == 'baseline'", alt.value("diamond"), alt.value("circle"))
    inside = alt.Chart(alt.NamedData("inside"))
    arrows = alt.Chart(alt.NamedData("arrows"))
    zero = alt.Chart(alt.NamedData("zero")).mark_rule(color=INK, strokeWidth=1.2)
    return alt.layer(
        zero.encode(x=alt.X("zero:Q", scale=x_scale)),
        inside.mark_rule(strokeWidth=2.5).encode(
            y=y, x=alt.X("low:Q", scale=x_scale), x2="high:Q", color=colour
        ),
        inside.mark_point(filled=True, size=85, opacity=1).encode(y=y, x=x, color=colour, shape=shape),
        arrows.mark_point(filled=True, shape="triangle", size=90, opacity=1).encode(
            y=y, x=alt.X("edge:Q", scale=x_scale), angle=alt.Angle("turn:Q", scale=None), color=colour
        ),
        *_texts(alt.Chart(alt.NamedData("rows")).encode(y=y), width, wide=wide),
    ).properties(width=width, height=alt.Step((32 if len(names) <= _MANY else 22) if wide else 48))


def _texts(base: "alt.Chart", width: int, *, wide: bool) -> list["alt.Chart"]:
    """Numbers and verdicts to the right of a wide plot; names and numbers above each line of a narrow one."""
    import altair as alt

    if wide:
        texts = base.mark_text(align="left", baseline="middle")
        return [
            texts.encode(text="text:N", x=alt.value(width + 20)),
            texts.encode(text="word:N", x=alt.value(width + 175)),
        ]
    halo = {"stroke": PAPER, "strokeWidth": 5, "strokeJoin": "round"}  # keeps the grid out of the letters
    name = {"align": "left", "dy": -15, "fontWeight": "bold"}
    figures = {"align": "right", "dy": -15}
    return [
        base.mark_text(**place, **look).encode(text=text, x=alt.value(at))
        for place, text, at in ((name, "name:N", 0), (figures, "beside:N", width))
        for look in (halo, {})
    ]
