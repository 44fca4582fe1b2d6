"""The rows of `claims.csv`: one number each, as the guide gives it, with its source."""

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ablation_runner.errors import StudyError, nearest

PROVENANCES = ("reported", "typical", "hypothesis")
UNITS = (
    "percent", "cider", "points", "ratio", "tokens", "GB", "ms", "hours", "billions", "millions",
)  # fmt: skip
COLUMNS = (
    "section", "table", "baseline", "arm", "metric", "value", "unit", "kind", "source", "note",
)  # fmt: skip

Place = tuple[str, str, str]  # table, arm and metric of a row


@dataclass(frozen=True, kw_only=True)
class Row:
    """One number of the guide.

    Attributes:
        line: of the file, for errors.
        section, table: where the guide has it.
        baseline: the arm of the same table that `arm` is compared with.
        arm: whose number it is; the baseline's own row is an anchor and claims nothing.
        metric, value, unit: the number.
        provenance: "reported" by a paper, "typical" in the guide's judgement, or a "hypothesis".
        source: who says so; note: what is said beside it.
    """

    line: int
    section: str
    table: str
    baseline: str
    arm: str
    metric: str
    value: float
    unit: str
    provenance: str
    source: str
    note: str

    @property
    def title(self) -> str:
        """Section and table, which name a table."""
        return f"{self.section}/{self.table}"

    @property
    def place(self) -> Place:
        """What no other row of the file has."""
        return self.title, self.arm, self.metric

    @property
    def is_change(self) -> bool:
        """Whether the number is a difference already, so that it needs no baseline's row."""
        return self.unit == "points"

    @property
    def is_saturation(self) -> bool:
        """Whether it says from which number of tokens on more of them do not help; the baseline is a number too."""
        return self.metric == "saturation_tokens"


def read_rows(path: Path) -> tuple[Row, ...]:
    """The checked rows of a claims file, in its order.

    Args:
        path: CSV in UTF-8 with exactly the columns of `COLUMNS`.

    Raises:
        StudyError: the file cannot be read, a row does not fit, stands there twice, or has no row of its baseline to be
            compared with; the message names file and line.
    """
    rows: dict[Place, Row] = {}
    for line, cells in _lines(path):
        try:
            row = _row(line, cells)
            if row.place in rows:
                raise ValueError(f"{' '.join(row.place)} stands in line {rows[row.place].line} already")
        except ValueError as error:
            raise StudyError(f"{path.name}:{line}: {error}") from error
        rows[row.place] = row
    for row in rows.values():
        if not (row.is_change or row.is_saturation) and (row.title, row.baseline, row.metric) not in rows:
            raise StudyError(
                f"{path.name}:{row.line}: {row.title} has no row of {row.metric} for the baseline {row.baseline!r}"
            )
    return tuple(rows.values())


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Number and cells of every line below the heading."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file, strict=True)
            heading = next(reader, [])
            if tuple(heading) != COLUMNS:
                raise StudyError(
                    f"{path.name}:1: the columns must be {', '.join(COLUMNS)}; found {', '.join(heading)}"
                )
            for cells in reader:
                yield reader.line_num, cells
    except OSError as error:
        raise StudyError(f"{path}: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise StudyError(f"{path.name}: not CSV in UTF-8: {error}") from error


def _row(line: int, cells: list[str]) -> Row:
    if len(cells) != len(COLUMNS):
        raise ValueError(f"{len(COLUMNS)} cells expected, found {len(cells)}")
    named = dict(zip(COLUMNS, cells, strict=True))
    for column in COLUMNS[:-1]:
        if not named[column].strip():
            raise ValueError(f"{column} is empty")
    for column, known in (("kind", PROVENANCES), ("unit", UNITS)):
        if named[column] not in known:
            raise ValueError(f"unknown {column} {named[column]!r}; {nearest(named[column], known)}")
    value = _number(named.pop("value"), "value")
    if named["metric"] == "saturation_tokens":
        _number(named["baseline"], "baseline of saturation_tokens")
    return Row(line=line, value=value, provenance=named.pop("kind"), **named)


def _number(text: str, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{what} must be a number, found {text!r}")
    return value
