"""Effects as dots with their intervals about a line at zero; several kinds of one effect stand below each other."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ablation_runner.report._chart import BLUE, INK, ORANGE, PURPLE, Figure, draw
from ablation_runner.report._numbers import Scale, signed
from ablation_runner.report._text import short_names
from ablation_runner.results import EffectResult

if TYPE_CHECKING:
    import altair as alt

_SHAPES = ("circle", "square", "triangle-up", "diamond")
_COLOURS = (BLUE, ORANGE, PURPLE, INK)


def effect_figure(
    effects: Sequence[EffectResult],
    scale: Scale,
    *,
    name: str,
    title: str,
    short: str,
    caption: str,
    kinds: Mapping[str, str],
) -> Figure:
    """The figure.

    Args:
        effects: in the order of the figure.
        scale: of the metric.
        name: of the files.
        title: heading.
        short: in the list of contents.
        caption: how to read it.
        kinds: kind to its word, where each name has several; else empty.
    """
    names = short_names(list(dict.fromkeys(effect.name for effect in effects)), 24)
    rows = [
        {
            "name": names[effect.name],
            "kind": kinds.get(effect.kind, ""),
            "text": signed(effect.difference.estimate, scale),
            **{end: _shown(getattr(effect.difference, end), scale) for end in ("estimate", "low", "high")},
        }
        for effect in effects
    ]
    words = [word for word in kinds.values()]
    return draw(
        name=name,
        title=title,
        short=short,
        caption=caption,
        data={"rows": rows, "zero": [{"zero": 0}]},
        wide=_chart(list(names.values()), words, scale, width=480),
        narrow=_chart(list(names.values()), words, scale, width=180),
    )


def _shown(value: float, scale: Scale) -> float | None:
    return value * scale.factor if math.isfinite(value) else None


def _chart(names: list[str], kinds: list[str], scale: Scale, *, width: int) -> "alt.LayerChart":
    import altair as alt

    title = f"difference in {scale.word}, {scale.step}"
    y: dict[str, Any] = {
        "y": alt.Y("name:N", sort=names, title=None, axis=alt.Axis(ticks=False, domain=False, offset=8))
    }
    look: dict[str, Any] = {}
    if kinds:
        y["yOffset"] = alt.YOffset("kind:N", sort=kinds)
        legend = alt.Legend(orient="top", columns=1 if width < 300 else 0)
        look["color"] = alt.Color("kind:N", sort=kinds, title=None, legend=legend,
                                  scale=alt.Scale(domain=kinds, range=list(_COLOURS[: len(kinds)])))  # fmt: skip
        look["shape"] = alt.Shape("kind:N", sort=kinds, title=None, legend=legend,
                                  scale=alt.Scale(domain=kinds, range=list(_SHAPES[: len(kinds)])))  # fmt: skip
    else:
        look["color"] = alt.value(BLUE)
    lines = {"color": look["color"]}
    base = alt.Chart(alt.NamedData("rows")).encode(**y)
    x = alt.X("estimate:Q", title=title, axis=alt.Axis(tickCount=max(3, width // 70)))
    return alt.layer(
        alt.Chart(alt.NamedData("zero")).mark_rule(color=INK, strokeWidth=1.2).encode(x="zero:Q"),
        base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", title=title), x2="high:Q", **lines),
        base.mark_point(filled=True, size=75, opacity=1).encode(x=x, **look),
        base.mark_text(align="left", fontSize=11, color=INK).encode(text="text:N", x=alt.value(width + 8)),
    ).properties(width=width, height=alt.Step(18 if kinds else 30))
