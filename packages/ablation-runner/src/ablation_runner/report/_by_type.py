"""The score of every arm by question type."""

import math
from typing import TYPE_CHECKING, Any

import polars as pl

from ablation_runner.report._chart import BLUE, INK, MUTED, Figure, draw
from ablation_runner.report._numbers import Scale, number, plural
from ablation_runner.report._rows import question_types
from ablation_runner.report._text import short_names, shorten
from ablation_runner.results import StudyResults

if TYPE_CHECKING:
    import altair as alt

_TYPES = 12  # panels of the figure; the table has all types
_NAME_WIDTH = 26


def by_type(results: StudyResults, scale: Scale) -> Figure | None:
    """One panel per question type; None where there is one type, or none, with results."""
    rows = _rows(results, scale)
    if not rows or (count := results.by_type["question_type"].n_unique()) == 1:
        return None
    panels = list(dict.fromkeys(row["panel"] for row in rows))
    names = list(dict.fromkeys(row["name"] for row in rows))
    domain = _domain(rows)
    for row in rows:
        row["off"] = -90 if row["estimate"] < domain[0] else 90 if row["estimate"] > domain[1] else 0
    return draw(
        name="accuracy-by-type",
        title=f"{scale.heading} by question type",
        short="By question type",
        caption=(
            f"Dot: mean over seeds{f', {scale.unit}' if scale.unit else ''}. Line: 95 % interval. "
            "Diamond: the baseline. Grey: the blind control."
            + (" An arrow points to a value off the scale." if any(row["off"] for row in rows) else "")
            + (f" The {_TYPES} most frequent of {count} types." if count > _TYPES else "")
        ),
        data={"rows": rows},
        wide=_chart(panels, names, domain, scale, columns=2 if len(panels) > 1 else 1, width=340),
        narrow=_chart(panels, names, domain, scale, columns=1, width=150),
    )


def _rows(results: StudyResults, scale: Scale) -> list[dict[str, Any]]:
    if results.by_type.is_empty():
        return []
    types = question_types(results.by_type)[:_TYPES]
    items = dict(results.by_type.group_by("question_type").agg(pl.col("items").max()).iter_rows())
    panels = short_names(types, 30)
    names = short_names([arm.name for arm in results.arms], _NAME_WIDTH)
    role = {
        arm.name: "baseline" if arm.is_baseline else "control" if arm.is_blind else "arm"
        for arm in results.arms
    }
    colours = {"baseline": INK, "control": MUTED, "arm": BLUE}
    order = {name: place for place, name in enumerate(role)}
    found = results.by_type.filter(pl.col("question_type").is_in(types), pl.col("estimate").is_finite())
    found = found.with_columns(_ends(scale))
    return [
        {
            "panel": f"{shorten(panels[row['question_type']], 30)} · {plural(items[row['question_type']], 'question')}",
            "name": names[row["arm"]],
            "role": role[row["arm"]],
            "colour": colours[role[row["arm"]]],
            "text": number(row["estimate"] / scale.factor, scale),
            **{end: row[end] for end in ("estimate", "low", "high")},
        }
        for row in sorted(
            found.iter_rows(named=True),
            key=lambda row: (types.index(row["question_type"]), order[row["arm"]]),
        )
    ]


def _ends(scale: Scale) -> list[pl.Expr]:
    """The estimate and its interval as shown; an end that is not a number is left out, and a share's is cut."""
    limits = (0.0, 1.0) if scale.unit == "%" else (-math.inf, math.inf)
    shown = [pl.col(end).clip(*limits) for end in ("estimate", "low", "high")]
    return [pl.when(end.is_finite()).then(end * scale.factor) for end in shown]


def _domain(rows: list[dict[str, Any]]) -> tuple[float, float]:
    """The scale of the arms that see; a blind control far away would push them together, so it gets an arrow."""
    seeing = [row for row in rows if row["role"] != "control"] or rows
    ends = [row[end] for row in seeing for end in ("estimate", "low", "high") if row[end] is not None]
    inside = [row for row in rows if min(ends) <= row["estimate"] <= max(ends)]
    ends += [row[end] for row in inside for end in ("low", "high") if row[end] is not None]
    return min(ends), max(ends)


def _chart(
    panels: list[str],
    names: list[str],
    domain: tuple[float, float],
    scale: Scale,
    *,
    columns: int,
    width: int,
) -> "alt.FacetChart":
    import altair as alt

    x_scale = alt.Scale(domain=list(domain), nice=True, zero=False)
    every = alt.Chart().encode(
        y=alt.Y("name:N", sort=names, title=None, axis=alt.Axis(ticks=False, domain=False, offset=6)),
        color=alt.Color("colour:N", scale=None),
    )
    base = every.transform_filter("datum.off == 0")
    x_title = f"{scale.word}, {scale.unit}" if scale.unit else scale.word
    layers = [
        base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", scale=x_scale), x2="high:Q"),
        base.mark_point(filled=True, size=55, opacity=1).encode(
            x=alt.X("estimate:Q", scale=x_scale, title=x_title, axis=alt.Axis(tickCount=width // 50)),
            shape=alt.condition("datum.role == 'baseline'", alt.value("diamond"), alt.value("circle")),
        ),
        *(
            every.transform_filter(f"datum.off == {turn}")
            .mark_point(filled=True, shape="triangle", size=60, opacity=1, angle=turn % 360)
            .encode(x=alt.value(place))
            for turn, place in ((-90, 0), (90, width))
        ),
        every.mark_text(align="left", fontSize=11, color=INK).encode(
            text="text:N", x=alt.value(width + 8), color=alt.value(INK)
        ),
    ]
    facet = alt.Facet(
        "panel:N", sort=panels, title=None, header=alt.Header(labelAnchor="start", labelPadding=6)
    )
    return (
        alt.layer(*layers)
        .properties(width=width, height=alt.Step(20))
        .facet(facet, columns=columns, data=alt.NamedData("rows"), spacing={"row": 22, "column": 58})
        .resolve_axis(x="independent")
    )
