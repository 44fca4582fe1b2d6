"""Trained models tested under other conditions: a table of arms by conditions."""

from collections.abc import Mapping

from ablation_runner.report._numbers import Scale, range_text, signed, value_text
from ablation_runner.report._section import Cell, Section, grids
from ablation_runner.report._standing import LEVEL
from ablation_runner.results import Interval, StudyResults


def conditions(study: StudyResults, scale: Scale) -> Section | None:
    """The table; None where arms were tested as trained only."""
    rows = study.conditions
    if rows.is_empty():
        return None
    cells = {(row["arm"], row["condition"]): _cell(row, scale) for row in rows.iter_rows(named=True)}
    return Section(
        name="conditions",
        title="Trained once, tested under other conditions",
        short="Conditions",
        note=(
            f"Each cell: mean {scale.word}; below it the difference to the baseline under the same condition, in "
            f"{scale.axis}, with its 95 % interval (for the baseline itself, the interval of its mean). A star marks "
            "differences whose p, adjusted for the arms under that condition, is below 0.05. Nothing was trained again."
        ),
        grids=grids(
            "Arm",
            rows["condition"].unique(maintain_order=True).to_list(),
            rows["arm"].unique(maintain_order=True).to_list(),
            cells,
        ),
    )


def _cell(row: Mapping[str, object], scale: Scale) -> Cell:
    mean, difference = _interval(row, "estimate", "low", "high"), None
    if row["difference"] is not None:
        difference = _interval(row, "difference", "difference_low", "difference_high")
    shown = value_text(mean.estimate, scale)
    if difference is None:
        return shown, range_text(mean, scale)
    p = row["p_adjusted"]
    star = "*" if isinstance(p, float) and p < LEVEL else ""
    ends = range_text(difference, scale, sign=True)
    return shown, f"{signed(difference.estimate, scale)}{star}, {ends}"


def _interval(row: Mapping[str, object], *columns: str) -> Interval:
    estimate, low, high = (float(str(row[column])) for column in columns)
    return Interval(estimate=estimate, low=low, high=high)
