"""What arms also give beside the metric that is judged: a table of arms by metrics."""

from ablation_runner.report._numbers import range_text, scale_of, value_text
from ablation_runner.report._section import Section, grids
from ablation_runner.results import Interval, StudyResults

_RECALL = (
    "Recall at k: the share of test images for which a statement that is true of them (a question with its answer) is "
    "among the k nearest of all statements. Only arms that learned the contrast of images and texts have one."
)
_CAPTIONS = (
    "Caption CIDEr and ROUGE-L: an arm writes a statement about each test image, from hidden words alone, and it is "
    "compared with every statement that the test split makes of the image; one that is true but not among them counts as "
    "wrong. ROUGE-L: the longest row of words that both have in the same order, 100 % where it is one of them word for word. "
    "CIDEr: the runs of one to four words that both have, rare ones counting most, as a mean over the statements: 0 where "
    "no word that tells images apart is right, 1000 points where it is the only statement word for word. Only arms that "
    "learned to guess hidden words have them."
)
_ALWAYS = "Below each number is its 95 % interval. No claim rests on these numbers."


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
        note=" ".join([*_explained(rows["metric"].to_list()), _ALWAYS]),
        grids=grids(
            "Arm",
            [scale_of(metric).heading for metric in rows["metric"].unique(maintain_order=True)],
            rows["arm"].unique(maintain_order=True).to_list(),
            cells,
        ),
    )


def _explained(metrics: list[str]) -> list[str]:
    """What the metrics that are there mean."""
    texts = {"recall_at_": _RECALL, "caption_": _CAPTIONS}
    return [text for start, text in texts.items() if any(metric.startswith(start) for metric in metrics)]
