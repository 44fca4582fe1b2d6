"""The report of a study: a page to read, Markdown, LaTeX tables, figures, and a summary for the terminal."""

from pathlib import Path

from ablation_runner.report._disagreements import most_disputed
from ablation_runner.report._numbers import scale_of
from ablation_runner.report._standing import is_significant
from ablation_runner.report._terminal import print_summary
from ablation_runner.results import StudyResults

__all__ = ["is_significant", "most_disputed", "print_summary", "scale_of", "write_report"]


def write_report(results: StudyResults, folder: Path) -> Path:
    """The path of the report's `index.html`, written with `report.md`, `tables.tex` and `figures/` into the folder.

    The page is one file that needs no network. Every file is written beside its place and renamed, the page last,
    so a reader finds the old report or the new one, never half a file. Text from the study, the questions and the
    answers is shown as text in every format. A study without all its results is reported as far as it goes.

    Args:
        results: what the study found; at least the arms must be known, one of them the baseline.
        folder: is made where it does not exist; other files in it stay.

    Raises:
        ValueError: not exactly one arm is marked as the baseline.
        OSError: the folder cannot be written.
    """
    from ablation_runner.report._page import gather
    from ablation_runner.report._write import write_files

    return write_files(gather(results), folder)
