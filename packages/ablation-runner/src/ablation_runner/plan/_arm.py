"""One arm as a full configuration, with what differs from the baseline."""

from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import ValidationError

from ablation_runner.errors import StudyError, nearest
from ablation_runner.plan._show import show_stages, show_value
from ablation_runner.study import Changes, Configuration, OwnSettings
from ablation_runner.study._settings import Settings

_Settings = TypeVar("_Settings", bound=Settings)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One path at which an arm's configuration is not the baseline's."""

    path: str
    baseline: Any
    value: Any

    def __str__(self) -> str:
        if self.path == "before":
            return show_stages(self.baseline or (), self.value or ())
        return f"{self.path}: {show_value(self.baseline)} → {show_value(self.value)}"


@dataclass(frozen=True, kw_only=True)
class PlannedArm:
    """An arm with its full configuration and what it changes.

    Attributes:
        name: of the arm.
        configuration: everything that determines its trials besides seed and engine.
        differences: what is not as in the baseline.
        levels: factor to name of its level; empty for arms that are not of the design.
        is_baseline: the arm the others are compared with.
        is_blind: the control that sees nothing of use: its images are shuffled, or what a command's study says.
    """

    name: str
    configuration: Configuration | OwnSettings
    differences: tuple[Difference, ...]
    levels: dict[str, str] = field(default_factory=dict)
    is_baseline: bool = False
    is_blind: bool = False


def changed(configuration: _Settings, changes: Changes, *, where: str) -> _Settings:
    """A configuration with some paths set to other values.

    Args:
        configuration: to start from.
        changes: dotted path to value.
        where: the key of the study file that is named in errors.

    Raises:
        StudyError: there is no such path, or the value does not fit.
    """
    raw = configuration.model_dump()
    for path, value in changes.items():
        _set_path(raw, path, value, where=where)
    kind: type[_Settings] = type(configuration)
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        problem = error.errors()[0]
        location = ".".join(str(part) for part in problem["loc"])
        message = str(problem["msg"]).removeprefix("Value error, ")
        raise StudyError(f"{where}: {location}: {message}") from error


def differences(
    baseline: Configuration | OwnSettings, other: Configuration | OwnSettings
) -> tuple[Difference, ...]:
    """Every path at which two configurations differ; a variant with its options is one path."""
    before, after = _leaves(baseline.model_dump()), _leaves(other.model_dump())
    return tuple(
        Difference(path=path, baseline=before.get(path), value=after.get(path))
        for path in sorted(before.keys() | after.keys())
        if before.get(path) != after.get(path)
    )


def _set_path(raw: dict[str, Any], path: str, value: Any, *, where: str) -> None:
    *parents, leaf = path.split(".")
    node: Any = raw
    for part in parents:
        node = _child(node, part, path, where)
    _child(node, leaf, path, where)
    node[leaf] = value


def _child(node: Any, part: str, path: str, where: str) -> Any:
    if not isinstance(node, dict) or part not in node:
        known = node if isinstance(node, dict) else ()
        raise StudyError(f"{where}: no such path {path!r}; at {part!r}: {nearest(part, known)}")
    return node[part]


def _leaves(raw: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Dotted path to value; a variant with its options is one value."""
    leaves: dict[str, Any] = {}
    for key, value in raw.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict) and ("name" not in value or path == "encoder"):
            leaves |= _leaves(value, f"{path}.")
        else:
            leaves[path] = value
    return leaves
