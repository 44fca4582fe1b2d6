"""What was chosen on validation: every candidate with its accuracy, and which was taken."""

from ablation_runner.report._numbers import NOTHING
from ablation_runner.report._section import Grid, Section, grids
from ablation_runner.results import Choice, StudyResults

_PICKED = "picked"


def choices(study: StudyResults) -> Section | None:
    """The section; None where the study chose nothing."""
    if not study.choices:
        return None
    tables = [
        table
        for what in dict.fromkeys(choice.what for choice in study.choices)
        for table in _tables(what, [choice for choice in study.choices if choice.what == what])
    ]
    return Section(
        name="choices",
        title="What was chosen on validation",
        short="Choices",
        note=(
            "Each cell: accuracy on the validation questions; test questions played no part in the choice. "
            "The highest was picked; of equal ones, that with the lower validation loss."
        ),
        grids=tuple(tables),
    )


def _tables(what: str, found: list[Choice]) -> tuple[Grid, ...]:
    """Tuning has one table, its values as columns; a greedy search has one table for each factor, of its levels."""
    if what != "level":
        return _table("Arm", what, found)
    return tuple(table for choice in found for table in _table("Factor", "", [choice]))


def _table(head: str, what: str, found: list[Choice]) -> tuple[Grid, ...]:
    prefix = f"{what} = " if what else ""
    columns = list(dict.fromkeys(each.value for choice in found for each in choice.candidates))
    return grids(
        head,
        [f"{prefix}{column}" for column in columns],
        [choice.of for choice in found],
        {
            (choice.of, f"{prefix}{each.value}"): (
                NOTHING if each.accuracy is None else f"{100 * each.accuracy:.1f}\u00a0%",
                "failed" if each.accuracy is None else _PICKED if each.value == choice.picked else "",
            )
            for choice in found
            for each in choice.candidates
        },
    )
