"""How factors change each other's effects: means of two factors' levels, or interactions of several, as a heat map."""

from ablation_runner.report._heat import HeatCell, heat_map
from ablation_runner.report._numbers import Scale, number, range_text, signed, value_text
from ablation_runner.report._section import Section, grids, with_figure
from ablation_runner.report._text import shorten
from ablation_runner.results import DesignEffects, EffectResult

_BLUES = ("#eaf2f9", "#a9cfe8", "#4f9fcd", "#0a5fa0", "#053061")
_DIVERGING = (
    "#b35806",
    "#f1a340",
    "#f7f7f7",
    "#74add1",
    "#2166ac",
)  # brown to blue, safe for colour-blind readers


def interactions(found: DesignEffects, scale: Scale) -> Section | None:
    """The section; None where the design gives neither cells of two factors nor interactions."""
    if found.cells:
        return _cell_means(found, scale)
    pairs = [effect for effect in found.effects if effect.kind == "interaction"]
    if not pairs:
        return None
    largest = max(abs(effect.difference.estimate) for effect in found.effects) or 1.0
    return with_figure(
        heat_map(
            [_heat(effect, largest, scale) for effect in found.effects],
            name="interactions",
            title="Interactions of the factors",
            short="Interactions",
            caption=(
                f"Framed: the factor's own effect, in {scale.axis}. Others: half of what one factor's effect differs "
                "by between the two levels of the other; below 0 each makes the other less useful, above 0 more. A star "
                "marks an adjusted p below 0.05. Blue is above 0, brown below."
            ),
            row_title="factor",
            column_title="factor",
            colours=_DIVERGING,
        )
    )


def _heat(effect: EffectResult, largest: float, scale: Scale) -> HeatCell:
    first, _, second = effect.name.partition(":")
    star = "*" if effect.p_adjusted is not None and effect.p_adjusted < 0.05 else ""
    return HeatCell(
        row=second or first,
        column=first,
        strength=0.5 + effect.difference.estimate / (2 * largest),
        text=signed(effect.difference.estimate, scale) + star,
        below=range_text(effect.difference, scale, sign=True),
        marked=not second,
    )


def _cell_means(found: DesignEffects, scale: Scale) -> Section | None:
    rows, columns = found.levels
    low = min(cell.mean for cell in found.cells)
    spread = max(cell.mean for cell in found.cells) - low
    unit = f", {scale.unit}" if scale.unit else ""
    figure = heat_map(
        [
            HeatCell(
                row=cell.row,
                column=cell.column,
                strength=(cell.mean - low) / spread if spread else 0.5,
                text=number(cell.mean, scale),
                below=signed(cell.beyond, scale),
                marked=cell.is_baseline,
            )
            for cell in found.cells
        ],
        name="interactions",
        title=f"{scale.heading} by {shorten(rows, 40)} and {shorten(columns, 40)}",
        short="Interactions",
        caption=(
            f"Mean {scale.word}{unit}; below it, in {scale.axis}, what the combination has over the two factors' effects added: "
            "numbers near 0 say that the factors act each for itself. Framed: the baseline. Darker is higher."
        ),
        row_title=shorten(rows, 40),
        column_title=shorten(columns, 40),
        colours=_BLUES,
    )
    cells = {
        (cell.row, cell.column): (value_text(cell.mean, scale), f"{signed(cell.beyond, scale)} beyond")
        for cell in found.cells
    }
    tables = grids(rows, list(found.levels[columns]), list(found.levels[rows]), cells)
    note = f"Each cell: mean {scale.word}; beyond: what it has, in {scale.axis}, over the two factors' effects added."
    return with_figure(figure, note=note, grids=tables)
