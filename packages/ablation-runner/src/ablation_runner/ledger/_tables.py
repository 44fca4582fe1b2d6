"""The TOML files beside the claims: counterparts of the guide's tables, the brief's statements, and the checks."""

import tomllib
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field, ValidationError, model_validator

from ablation_runner.errors import StudyError, nearest
from ablation_runner.ledger._claim import Expects, Quantity, Unit
from ablation_runner.ledger._row import PROVENANCES, Place
from ablation_runner.study._settings import Settings

File = TypeVar("File", bound=Settings)
Names = dict[str, str]


def place_of(text: str) -> Place:
    """Table, arm and metric of a place.

    Raises:
        ValueError: the text is not "section/table: arm, metric".

    >>> place_of("token-budget/sampling-proportions: 2:3:5@64, opencompass_average")
    ('token-budget/sampling-proportions', '2:3:5@64', 'opencompass_average')
    """
    table, colon, rest = text.partition(": ")
    arm, comma, metric = rest.rpartition(", ")
    if not (colon and comma and table and arm and metric):
        raise ValueError(f"a place is 'section/table: arm, metric', found {text!r}")
    return table, arm, metric


def _a_place(text: str) -> str:
    place_of(text)
    return text


def _a_provenance(name: str) -> str:
    if name not in PROVENANCES:
        raise ValueError(f"unknown provenance {name!r}; {nearest(name, PROVENANCES)}")
    return name


Words = Annotated[str, Field(min_length=1)]
PlaceText = Annotated[str, AfterValidator(_a_place)]


class Counterpart(Settings):
    """What is measured here for a metric of the guide, or why nothing is."""

    quantity: Quantity | None = None
    question_types: list[str] = Field(default_factory=list)
    why: Words | None = None

    @model_validator(mode="after")
    def _either(self) -> "Counterpart":
        if (self.quantity is None) == (self.why is None):
            raise ValueError("say either quantity or why there is none")
        return self


class Table(Settings):
    """A table of the guide: the study that measures it, its arms' names there, metrics that are its own."""

    study: Words
    arms: Names = Field(default_factory=dict)
    ladder: Names = Field(default_factory=dict)
    metrics: dict[str, Counterpart] = Field(default_factory=dict)


class Margins(Settings):
    """What counts as no difference, by unit; of a ratio as a share of 1."""

    points: Annotated[float, Field(gt=0)]
    cider: Annotated[float, Field(gt=0)]
    ratio: Annotated[float, Field(gt=0)]


class Counterparts(Settings):
    """`counterparts.toml`."""

    margins: Margins
    metrics: dict[str, Counterpart]
    tables: dict[str, Table]


class Statement(Settings):
    """A statement of the brief with its contrast, in the guide's names."""

    text: Words
    source: Words
    provenance: Annotated[str, AfterValidator(_a_provenance)]
    table: Words
    metric: Words
    arm: Words
    against: Words
    beyond: Annotated[list[str] | None, Field(min_length=2, max_length=2)] = None
    unit: Unit
    value: float | Annotated[list[float], Field(min_length=2, max_length=2)] | None = None
    expects: Expects | None = None
    margin: Annotated[float | None, Field(gt=0)] = None
    conditions: str = ""

    @model_validator(mode="after")
    def _says_something(self) -> "Statement":
        if self.value is None and self.expects is None:
            raise ValueError("say value, or expects where there is no number")
        if isinstance(self.value, list) and self.value[0] > self.value[1]:
            raise ValueError(f"a range goes from low to high, found {self.value}")
        if self.arm == self.against:
            raise ValueError(f"arm and against are both {self.arm!r}")
        return self

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Arm and against, and those of the second difference where there is one."""
        own = [(self.arm, self.against)]
        return [*own, (self.beyond[0], self.beyond[1])] if self.beyond else own


class Statements(Settings):
    """`statements.toml`."""

    statements: list[Statement]


class Anchor(Settings):
    """A row that was measured against another number than its baseline's row."""

    table: Words
    arm: Words
    metric: Words
    value: float
    why: Words


class Line(Settings):
    """A metric that grows by the same amount for every step of the arms, which are numbers."""

    table: Words
    metric: Words
    why: Words


class Same(Settings):
    """Places that must hold the same number."""

    places: Annotated[list[PlaceText], Field(min_length=2)]
    why: Words


class Within(Settings):
    """An arm's change against its baseline, and where the range stands that must hold it."""

    change: PlaceText
    low: PlaceText
    high: PlaceText


class Remark(Settings):
    """What a reader finds at a place and no rule can."""

    place: PlaceText
    text: Words


class Checks(Settings):
    """`checks.toml`."""

    averages: dict[str, list[str]]
    anchors: list[Anchor]
    lines: list[Line]
    same: list[Same]
    within: list[Within]
    remarks: list[Remark]


def read_table(path: Path, kind: type[File]) -> File:
    """A checked TOML file.

    Raises:
        StudyError: it cannot be read or does not fit; the message names the file and the entry.
    """
    try:
        return kind.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise StudyError(f"{path}: {error.strerror}") from error
    except ValidationError as error:
        raise StudyError(f"{path.name}: {_first_problem(error)}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise StudyError(f"{path.name}: not TOML in UTF-8: {error}") from error


def _first_problem(error: ValidationError) -> str:
    """One line: the entry (lists counted from 1, as a reader of the file does) and what is wrong with it."""
    problems = sorted(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
    problem = problems[0]
    where = ".".join(str(part + 1 if isinstance(part, int) else part) for part in problem["loc"])
    message = str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        message = "unknown key"
    elif problem["type"] != "value_error" and problem["type"] != "missing":
        message = f"{message[0].lower()}{message[1:]}, found {problem['input']!r}"
    return f"{where}: {message}"
