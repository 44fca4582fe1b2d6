"""From the guide's names to what is measured here, by `counterparts.toml`."""

from collections.abc import Sequence

from ablation_runner.errors import StudyError, nearest
from ablation_runner.ledger._claim import Contrast
from ablation_runner.ledger._tables import Counterpart, Counterparts, Table


def table_of(counterparts: Counterparts, title: str, *, where: str) -> Table:
    """The entry of a table of the guide.

    Raises:
        StudyError: there is none; `where` says who asks.
    """
    if title not in counterparts.tables:
        raise StudyError(
            f"{where}: counterparts.toml has no table {title!r}; {nearest(title, counterparts.tables)}"
        )
    return counterparts.tables[title]


def counterpart_of(counterparts: Counterparts, title: str, metric: str, *, where: str) -> Counterpart:
    """The entry of a metric: the table's own, or the one for all tables.

    Raises:
        StudyError: there is neither; `where` says who asks.
    """
    known = counterparts.metrics | table_of(counterparts, title, where=where).metrics
    if metric not in known:
        raise StudyError(f"{where}: counterparts.toml has no metric {metric!r}; {nearest(metric, known)}")
    return known[metric]


def contrast_of(table: Table, what: Counterpart, pairs: Sequence[tuple[str, str]]) -> Contrast | None:
    """What is measured for arms of the guide; None where the metric has no counterpart.

    Args:
        table: whose arms they are.
        what: the metric's counterpart.
        pairs: arm and against, and those of a second difference that is taken from the first.
    """
    if what.quantity is None:
        return None
    named = [(table.arms.get(arm, arm), table.arms.get(against, against)) for arm, against in pairs]
    return Contrast(
        study=table.study,
        arm=named[0][0],
        against=named[0][1],
        quantity=what.quantity,
        question_types=tuple(what.question_types),
        beyond=named[1] if named[1:] else None,
    )
