"""What arms also give beside the metric that is judged: a table of arms by metrics."""

from ablation_runner.report._numbers import range_text, scale_of, value_text
from ablation_runner.report._section import Section, grids
from ablation_runner.results import Interval, StudyResults


def besides(results: StudyResults) -> Section | None:
    """The table; None where no arm gives any such metric."""
    rows = results.besides
    if rows is None or rows.is_empty():
        return None
    cells = {}
    for row in rows.iter_rows(named=True):
        scale = scale_of(row["metric"])
        mean = Interval(estimate=row["estimate"], low=row["low"], high=row["high"])
        cells[row["arm"], scale.heading] = (value_text(mean.estimate, scale), range_text(mean, scale))
    return Section(
        name="besides",
        title="Beside what is judged",
        short="Besides",
        note=(
            "Recall at k: the share of test images for which a statement that is true of them (a question with its answer) "
            "is among the k nearest of all statements; below it the 95 % interval. Only arms that learned the contrast of "
            "images and texts have one. No claim rests on these numbers."
        ),
        grids=grids(
            "Arm",
            [scale_of(metric).heading for metric in rows["metric"].unique(maintain_order=True)],
            rows["arm"].unique(maintain_order=True).to_list(),
            cells,
        ),
    )
