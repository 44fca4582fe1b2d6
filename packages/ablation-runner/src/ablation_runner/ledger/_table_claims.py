"""The rows of the guide as claims: each arm against its baseline's row."""

from collections.abc import Iterator, Mapping

from ablation_runner.errors import StudyError
from ablation_runner.ledger._claim import Claim, Contrast, Unit, direction
from ablation_runner.ledger._contrasts import contrast_of, counterpart_of, table_of
from ablation_runner.ledger._row import Place, Row
from ablation_runner.ledger._tables import Anchor, Counterparts

_DIFFERENCES: dict[str, Unit] = {"percent": "points", "cider": "cider"}
_LOW, _HIGH = "_change_low", "_change_high"


def change_of(row: Row, rows: Mapping[Place, Row], anchors: Mapping[Place, Anchor]) -> tuple[float, Unit]:
    """A row's number against its baseline's: a difference of scores, a ratio of costs.

    A row with an anchor of its own is compared with that instead.
    """
    anchor = anchors.get(row.place)
    base = anchor.value if anchor else rows[row.title, row.baseline, row.metric].value
    unit = _DIFFERENCES.get(row.unit, "ratio")
    return (row.value / base if unit == "ratio" else round(row.value - base, 6)), unit


def table_claims(
    rows: Mapping[Place, Row], counterparts: Counterparts, anchors: Mapping[Place, Anchor]
) -> Iterator[Claim]:
    """One claim per row that is no anchor, in the order of the file; the two ends of a range are one.

    Raises:
        StudyError: a table or a metric of the rows has no entry among the counterparts, or a range has one end.
    """
    for row in rows.values():
        if row.is_saturation:
            yield _saturation(row, counterparts)
        elif row.is_change:
            if row.metric.endswith(_LOW):
                yield _range(row, rows, counterparts)
        elif row.arm != row.baseline:
            value, unit = change_of(row, rows, anchors)
            conditions = anchors[row.place].why if row.place in anchors else row.note
            yield _claim(row, row.metric, (value, value), unit, counterparts, conditions)


def _range(row: Row, rows: Mapping[Place, Row], counterparts: Counterparts) -> Claim:
    metric = row.metric.removesuffix(_LOW)
    high = rows.get((row.title, row.arm, f"{metric}{_HIGH}"))
    if high is None or high.value < row.value:
        raise StudyError(f"claims.csv:{row.line}: {row.metric} has no {metric}{_HIGH} at or above it")
    unit: Unit = "cider" if "cider" in metric else "points"
    return _claim(row, metric, (row.value, high.value), unit, counterparts, row.note)


def _claim(
    row: Row,
    metric: str,
    value: tuple[float, float],
    unit: Unit,
    counterparts: Counterparts,
    conditions: str,
) -> Claim:
    where = f"claims.csv:{row.line}"
    table = table_of(counterparts, row.title, where=where)
    what = counterpart_of(counterparts, row.title, metric, where=where)
    return Claim(
        section=row.section,
        table=row.table,
        metric=metric,
        text=f"{row.arm} against {row.baseline}",
        source=row.source,
        provenance=row.provenance,
        unit=unit,
        low=value[0],
        high=value[1],
        expects=direction(*value, unit),
        margin=getattr(counterparts.margins, unit),
        conditions=conditions,
        contrast=contrast_of(table, what, [(row.arm, row.baseline)]),
        why=what.why or "",
    )


def _saturation(row: Row, counterparts: Counterparts) -> Claim:
    """Of a task that saturates below the largest budget: no difference from there on; else: still a loss below it."""
    where = f"claims.csv:{row.line}"
    table = table_of(counterparts, row.title, where=where)
    what = counterpart_of(counterparts, row.title, row.arm, where=where)
    budgets = sorted(map(int, table.ladder))
    tokens, largest = int(row.value), budgets[-1]
    reached = tokens < largest
    if reached and tokens not in budgets:
        raise StudyError(f"{where}: {tokens} tokens are not in the ladder {budgets}")
    arm = tokens if reached else budgets[-2]
    return Claim(
        section=row.section,
        table=row.table,
        metric=row.metric,
        text=f"{row.arm} saturates at {tokens} tokens: {arm} against {largest}",
        source=row.source,
        provenance=row.provenance,
        unit="points",
        low=None,
        high=None,
        expects="none" if reached else "less",
        margin=counterparts.margins.points,
        conditions=row.note,
        contrast=Contrast(
            study=table.study,
            arm=table.ladder[str(arm)],
            against=table.ladder[str(largest)],
            question_types=tuple(what.question_types),
        ),
    )
