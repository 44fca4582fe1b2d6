"""Learning curves: one panel per arm, one line per seed."""

import math
from typing import TYPE_CHECKING, Any

import polars as pl

from ablation_runner.report._chart import INK, MUTED, SERIES, Figure, draw
from ablation_runner.report._standing import baseline_of
from ablation_runner.report._text import short_names
from ablation_runner.results import ArmResult, StudyResults

if TYPE_CHECKING:
    import altair as alt

_POINTS = 24_000  # of all lines of the figure together
_RATIO = 4  # largest to smallest validation loss from which a log scale helps


def curves(results: StudyResults) -> Figure | None:
    """Validation loss per seed over training loss; None while no finite loss is known."""
    if results.curves.is_empty():
        return None
    finite = results.curves.filter(pl.col("loss").is_finite() & (pl.col("loss") > 0))
    if finite.is_empty():
        return None
    names = _panel_names(results)
    known = finite.filter(pl.col("arm").is_in(list(names))).with_columns(
        panel=pl.col("arm").replace_strict(names)
    )
    lines = _thin(known)
    loss = pl.col("loss").filter(pl.col("split") == "validation")
    log = bool(known.select((loss.max() > _RATIO * loss.min()).fill_null(False)).item())
    rows = [
        *lines.to_dicts(),
        *(row | {"split": "reference"} for row in _reference(known, results).to_dicts()),
    ]
    panels = [panel for panel in names.values() if panel in set(lines["panel"])]
    objectives = any("objectives" in line for arm in results.arms for line in arm.differs)
    lengths = known.group_by("arm").agg(pl.col("step").max())["step"]
    left_out = results.curves.height - finite.height
    return draw(
        name="learning-curves",
        title="Learning curves",
        short="Learning curves",
        caption=(
            "Coloured, with dots: loss on validation questions, one line per seed. Grey: loss on training questions. "
            f"Dotted: the baseline's validation loss, mean over seeds.{' The loss axis is logarithmic.' if log else ''}"
            + (" Steps are those of an arm's last stage of training." if lengths.n_unique() > 1 else "")
            + (
                " Arms that learn other objectives have other losses: compare those of one arm only."
                if objectives
                else ""
            )
            + (f" {left_out:,} losses that are not positive numbers are not drawn." if left_out else "")
        ),
        data={"rows": rows},
        wide=_chart(rows, panels, log=log, columns=3, width=310),
        narrow=_chart(rows, panels, log=log, columns=1, width=270),
    )


def _panel_names(results: StudyResults) -> dict[str, str]:
    short = short_names([arm.name for arm in results.arms], 24)
    notes = {arm.name: "".join(f" · {note}" for note in _notes(arm)) for arm in results.arms}
    return {name: shown + notes[name] for name, shown in short.items()}


def _notes(arm: ArmResult) -> list[str]:
    falling = arm.mean is not None and not arm.converged
    return ["baseline"] * (arm.is_baseline and arm.name != "baseline") + ["still falling"] * falling


def _thin(rows: pl.DataFrame) -> pl.DataFrame:
    """The lines with as many points as the eye can use: means over equal stretches of steps."""
    line = ["panel", "seed", "split"]
    points = max(20, min(100, _POINTS // rows.select(line).n_unique()))
    stretch = (pl.col("step") - 1) * points // pl.col("step").max().over(line).clip(lower_bound=1)
    return (
        rows.with_columns(stretch=stretch)
        .group_by(*line, "stretch")
        .agg(pl.col("step").max(), pl.col("loss").mean())
        .sort(*line, "step")
        .with_columns(pl.col("loss").round_sig_figs(4), seed=pl.col("seed").cast(pl.String))
        .drop("stretch")
    )


def _reference(rows: pl.DataFrame, results: StudyResults) -> pl.DataFrame:
    """The baseline's mean validation loss, to be repeated in every other panel."""
    name = baseline_of(results).name
    mean = (
        rows.filter(arm=name, split="validation")
        .group_by("step")
        .agg(pl.col("loss").mean().round_sig_figs(4))
    )
    others = rows.filter(pl.col("arm") != name).select("panel").unique(maintain_order=True)
    return others.join(mean.sort("step"), how="cross")


def _chart(
    rows: list[dict[str, Any]], panels: list[str], *, log: bool, columns: int, width: int
) -> "alt.FacetChart":
    import altair as alt

    seeds = sorted({row["seed"] for row in rows if "seed" in row}, key=int)
    many = len(seeds) > len(SERIES)
    colour = (
        alt.value(SERIES[0])
        if many
        else alt.Color(
            "seed:N",
            sort=seeds,
            title="seed",
            scale=alt.Scale(domain=seeds, range=list(SERIES[: len(seeds)])),
            legend=alt.Legend(orient="top", symbolType="stroke", symbolStrokeWidth=3),
        )
    )
    x = alt.X("step:Q", title="training step", axis=alt.Axis(grid=False, tickCount=4))
    losses = [row["loss"] for row in rows]
    domain = (min(losses) * 0.9, max(losses) * 1.1)
    scale = (
        alt.Scale(type="log", domain=list(domain), nice=False) if log else alt.Scale(zero=False, nice=True)
    )
    ticks = alt.Axis(values=_ticks(*domain), format="~g") if log else alt.Axis(tickCount=4)
    y = alt.Y("loss:Q", title="loss", scale=scale, axis=ticks)
    base = alt.Chart().encode(x=x, y=y)
    validation = base.transform_filter("datum.split == 'validation'").encode(color=colour, detail="seed:N")
    layers: list[Any] = [
        base.transform_filter("datum.split == 'train'")
        .mark_line(strokeWidth=0.8, color=MUTED, opacity=0.45)
        .encode(detail="seed:N"),
        base.transform_filter("datum.split == 'reference'").mark_line(
            strokeWidth=1.6, strokeDash=[2, 3], color=INK
        ),
        validation.mark_line(strokeWidth=1.6),
        validation.mark_point(filled=True, size=14, opacity=1),
    ]
    facet = alt.Facet("panel:N", sort=panels, title=None, header=alt.Header(labelAnchor="start"))
    return (
        alt.layer(*layers)
        .properties(width=width, height=140)
        .facet(facet, columns=columns, data=alt.NamedData("rows"), spacing=24)
        .resolve_axis(x="independent")
    )


def _ticks(low: float, high: float) -> list[float]:
    """The 1, 2 and 5 of every power of ten between two losses; the powers alone where they are many.

    >>> _ticks(0.15, 3)
    [0.2, 0.5, 1.0, 2.0]
    """
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    digits = (1, 2, 5) if len(powers) <= 4 else (1,)
    ticks = [float(f"{digit}e{power}") for power in powers for digit in digits]
    return [tick for tick in ticks if low <= tick <= high]
