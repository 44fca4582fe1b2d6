"""What the guide's own numbers say against each other: found from the numbers alone, before anything is measured."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from ablation_runner.errors import StudyError
from ablation_runner.ledger._claim import direction
from ablation_runner.ledger._ledger import Ledger
from ablation_runner.ledger._row import Place, Row
from ablation_runner.ledger._table_claims import change_of
from ablation_runner.ledger._tables import Statement, place_of

CHECKS = {
    "average": "An average that is not the mean of its rows",
    "anchor": "A number that is not compared with its table's baseline",
    "line": "Equal steps that change a number unequally",
    "same": "Two places for one thing with two numbers",
    "within": "A change outside the range that another table gives for it",
    "relative": "A relative number that is not 1 at its table's baseline",
    "statement": "A statement that its rows do not say",
    "remark": "What a reader should know besides",
}
_ROUNDING = 1e-9  # what floating point may add to half a unit of a last digit


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A contradiction, or something that a reader must know of a number.

    Attributes:
        check: a key of `CHECKS`.
        section: which section's.
        place: where, as in `checks.toml`, or the text of a statement.
        text: what is said there, and what it should be.
    """

    check: str
    section: str
    place: str
    text: str


def ledger_findings(ledger: Ledger) -> tuple[Finding, ...]:
    """Everything that does not follow, check by check, each in the order of the files.

    Raises:
        StudyError: a check names a place that is no row.
    """
    checks = (_averages, _anchors, _lines, _same, _within, _relative, _statements, _remarks)
    return tuple(finding for check in checks for finding in check(ledger))


def _averages(ledger: Ledger) -> Iterator[Finding]:
    """An average is the mean of the metrics it stands for, rounded to the digits that it is given with."""
    for row in ledger.rows.values():
        parts = ledger.checks.averages.get(row.metric)
        if parts is None or not any((row.title, row.arm, part) in ledger.rows for part in parts):
            continue  # the average alone is given
        values = [_row(ledger, (row.title, row.arm, part)).value for part in parts]
        mean = sum(values) / len(values)
        if abs(mean - row.value) > 0.05 + _ROUNDING:
            text = f"{row.value:.1f} is given, but the mean of its {len(values)} rows is {mean:.2f}"
            yield _finding("average", row, text)


def _anchors(ledger: Ledger) -> Iterator[Finding]:
    for place, anchor in ledger.anchors.items():
        row = _row(ledger, place)
        base = _row(ledger, (row.title, row.baseline, row.metric))
        text = f"compared with {anchor.value:g}, not with its baseline's {base.value:g}: {anchor.why}"
        yield _finding("anchor", row, text)


def _lines(ledger: Ledger) -> Iterator[Finding]:
    """Steps between neighbours are equal, to what rounding of the numbers to whole ones allows."""
    for line in ledger.checks.lines:
        rows = [row for row in ledger.rows.values() if (row.title, row.metric) == (line.table, line.metric)]
        rows.sort(key=lambda row: float(row.arm))
        steps = [(below, above, float(above.arm) - float(below.arm)) for below, above in pairwise(rows)]
        slopes = [(above.value - below.value) / width for below, above, width in steps]
        if max(slopes) - min(slopes) > 2 / min(width for _, _, width in steps):
            shown = ", ".join(
                f"{slope:.1f} from {below.arm} to {above.arm}"
                for slope, (below, above, _) in zip(slopes, steps, strict=True)
            )
            yield _finding("line", rows[-1], f"per step {shown}, but {line.why}")


def _same(ledger: Ledger) -> Iterator[Finding]:
    for same in ledger.checks.same:
        rows = [_row(ledger, place_of(place)) for place in same.places]
        if len({row.value for row in rows}) > 1:
            others = ", ".join(f"{row.value:g} in {_said(row)}" for row in rows[1:])
            yield _finding("same", rows[0], f"{rows[0].value:g}, but {others}: {same.why}")


def _within(ledger: Ledger) -> Iterator[Finding]:
    for within in ledger.checks.within:
        row, low, high = (_row(ledger, place_of(place)) for place in (within.change, within.low, within.high))
        change, _ = change_of(row, ledger.rows, ledger.anchors)
        if not low.value - _ROUNDING <= change <= high.value + _ROUNDING:
            limits = f"{_signed(low.value)} to {_signed(high.value)}"
            text = f"changes by {_signed(change)}, outside {limits} of {low.title}: {low.arm}"
            yield _finding("within", row, text)


def _relative(ledger: Ledger) -> Iterator[Finding]:
    """A relative cost is 1 at the baseline it is relative to."""
    relative = (row for row in ledger.rows.values() if row.unit == "ratio")
    for _, group in groupby(relative, key=lambda row: (row.title, row.metric)):
        row = next(iter(group))
        base = ledger.rows[row.title, row.baseline, row.metric]
        if base.value != 1:
            text = f"{base.value:g} at the baseline itself, so the table's ratios are to another arm"
            yield _finding("relative", base, text)


def _statements(ledger: Ledger) -> Iterator[Finding]:
    """A statement's value follows from the rows of its arms, where there are any, and so does its direction."""
    for statement in ledger.statements:
        rows = [_of(ledger, statement, arm, statement.metric) for pair in statement.pairs for arm in pair]
        value = statement.value
        if not isinstance(value, float) or any(row is None for row in rows):
            continue
        change = _change(statement, [row for row in rows if row is not None], ledger)
        if abs(change - value) > 0.05 + _ROUNDING:
            yield _stated(statement, f"{_signed(value)} is stated, the rows give {_signed(change)}")
        yield from _wrong_way(statement, change)
        yield from _by_parts(statement, change, ledger)


def _change(statement: Statement, rows: Sequence[Row], ledger: Ledger) -> float:
    """The first of two rows against the second, less the third against the fourth."""
    anchor = ledger.anchors.get(rows[0].place)
    base = anchor.value if anchor else rows[1].value
    if statement.unit == "ratio":
        return rows[0].value / base
    beyond = rows[2].value - rows[3].value if rows[2:] else 0.0
    return rows[0].value - base - beyond


def _wrong_way(statement: Statement, change: float) -> Iterator[Finding]:
    found = direction(change, change, statement.unit)
    if statement.expects in ("more", "less") and found not in (statement.expects, "none"):
        text = f"says {statement.expects}, but the rows say {found} ({_signed(change)})"
        yield _stated(statement, text)


def _by_parts(statement: Statement, change: float, ledger: Ledger) -> Iterator[Finding]:
    """Of differences of averages: what their own rows make of them."""
    parts = ledger.checks.averages.get(statement.metric, [])
    means = []
    for arm in (arm for pair in statement.pairs for arm in pair):
        rows = [_of(ledger, statement, arm, part) for part in parts]
        if not rows or None in rows:
            return
        means.append(sum(row.value for row in rows if row is not None) / len(rows))
    ours = means[0] - means[1] - (means[2] - means[3] if means[2:] else 0.0)
    if abs(ours - change) > 0.05 * len(means) + _ROUNDING:  # every average is rounded
        text = f"{_signed(change)} by the averages given, {_signed(ours)} by their {len(parts)} rows"
        yield _stated(statement, text)


def _of(ledger: Ledger, statement: Statement, arm: str, metric: str) -> Row | None:
    return ledger.rows.get((statement.table, arm, metric))


def _remarks(ledger: Ledger) -> Iterator[Finding]:
    for remark in ledger.checks.remarks:
        row = _row(ledger, place_of(remark.place))
        yield _finding("remark", row, remark.text)


def _row(ledger: Ledger, place: Place) -> Row:
    rows: Mapping[Place, Row] = ledger.rows
    if place not in rows:
        table, arm, metric = place
        raise StudyError(f"checks.toml: claims.csv has no row '{table}: {arm}, {metric}'")
    return rows[place]


def _finding(check: str, row: Row, text: str) -> Finding:
    return Finding(check=check, section=row.section, place=_said(row), text=text)


def _stated(statement: Statement, text: str) -> Finding:
    return Finding(
        check="statement", section=statement.table.partition("/")[0], place=statement.text, text=text
    )


def _signed(value: float) -> str:
    rounded = round(value, 1) + 0.0  # no negative zero
    return f"{rounded:+.1f}".replace("-", "−") if rounded else "0.0"


def _said(row: Row) -> str:
    return f"{row.title}: {row.arm}, {row.metric}"
