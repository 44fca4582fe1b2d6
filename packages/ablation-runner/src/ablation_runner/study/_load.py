"""Study files from disk: found, parsed and checked, with errors of one line that name file and key."""

import tomllib
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from ablation_runner.errors import StudyError, nearest
from ablation_runner.study._kinds import CommandStudy, TrainedStudy, kind_of
from ablation_runner.study._override import overridden
from ablation_runner.study._scales import scaled
from ablation_runner.study._seeds import SEED_LIST, SEED_RULE


def built_in_studies() -> dict[str, Path]:
    """Name to file of the studies that come with the package, sorted by name."""
    folder = Path(str(resources.files("ablation_runner") / "studies"))
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def find_study(name: str) -> Path:
    """The file of a built-in study, or `name` itself where it is a TOML file.

    Raises:
        StudyError: neither a built-in study nor an existing file.
    """
    built_in = built_in_studies()
    if name in built_in:
        return built_in[name]
    path = Path(name)
    if path.suffix == ".toml" or path.is_file():
        if not path.is_file():
            raise StudyError(f"{name}: no such file")
        return path
    raise StudyError(f"unknown study {name!r}; {nearest(name, built_in)} (or give a path ending in .toml)")


def load_study(
    path: Path, *, scale: str | None = None, overrides: Sequence[str] = ()
) -> TrainedStudy | CommandStudy:
    """The checked study of a TOML file.

    Args:
        path: of the file.
        scale: one of those that the file names below `scales`; the file as it stands if None.
        overrides: values that replace the file's, as `training.steps=200`.

    Raises:
        StudyError: not TOML, not UTF-8, or a key or value that does not fit; the message has one line,
            with the file, the key, what was found and what would be right.
    """
    raw = _read(path)
    if scale is not None:
        try:
            raw = scaled(raw, scale)
        except StudyError as error:
            raise StudyError(f"{path}: {error}") from error
    asked = [*([f"--scale {scale}"] if scale else []), *(f"--set {override}" for override in overrides)]
    return parse_study(overridden(raw, overrides), source=" ".join([str(path), *asked]))


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StudyError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise StudyError(f"{path}: not UTF-8 text (byte {error.start})") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise StudyError(f"{path}: not TOML: {error}") from error


def parse_study(raw: dict[str, Any], *, source: str) -> TrainedStudy | CommandStudy:
    """The checked study of a parsed file; `source` is named in errors.

    Raises:
        StudyError: a key or value that does not fit.
    """
    kind = kind_of(raw)
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        raise StudyError(f"{source}: {_first_problem(error, kind)}") from error


def _first_problem(error: ValidationError, study: type[BaseModel]) -> str:
    """One line for the first problem; unknown keys come first, since they explain missing ones."""
    problems = sorted(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
    problem = problems[0]
    location = tuple(part for part in problem["loc"] if part not in (SEED_LIST, SEED_RULE))
    key = ".".join(str(part) for part in location) or "the file"
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    kind = problem["type"]
    if kind == "extra_forbidden":
        *parents, name = location
        return f"{key}: unknown key; {nearest(str(name), _fields_at(parents, study))}{more}"
    if kind == "missing":
        return f"{key}: missing; {_description_at(location, study)}{more}"
    message = str(problem["msg"])
    if kind == "value_error":  # raised by our own checks, which name what they found
        return f"{key}: {message.removeprefix('Value error, ')}{more}"
    return f"{key}: {message[0].lower()}{message[1:]}, found {_short(problem['input'])}{more}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _model_at(location: list[Any], study: type[BaseModel]) -> type[BaseModel] | None:
    """The settings class at a location of the study, None where there is none."""
    model: type[BaseModel] | None = study
    for part in location:
        field = model.model_fields.get(str(part)) if model else None
        if field is None:
            continue  # an index, or a name in a table of settings: the class is the one already reached
        model = next(_settings_in(field.annotation), None)
    return model


def _settings_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The settings classes that an annotation names, however deep."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _settings_in(part)


def _fields_at(location: list[Any], study: type[BaseModel]) -> list[str]:
    model = _model_at(location, study)
    return list(model.model_fields) if model else []


def _description_at(location: tuple[Any, ...], study: type[BaseModel]) -> str:
    model = _model_at(list(location[:-1]), study)
    field = model.model_fields.get(str(location[-1])) if model else None
    return (field.description if field else None) or "this key is needed"
