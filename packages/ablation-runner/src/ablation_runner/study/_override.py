"""Single values of a study file given on the command line: `training.steps=200`."""

import tomllib
from collections.abc import Iterable, Sequence
from typing import Any

from ablation_runner.errors import StudyError, nearest
from ablation_runner.study._configuration import Configuration
from ablation_runner.study._kinds import CommandStudy, kind_of
from ablation_runner.study._schema import Study

_MARK = "the value's place"  # what a path is parsed with


def overridden(raw: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """A parsed study file with some values replaced; the one given is left as it is.

    Args:
        raw: of the study file.
        overrides: a dotted path, an equals sign and a TOML value each; `baseline.` may be left out.

    Raises:
        StudyError: not of that form, or the path cannot be reached.

    >>> overridden({"baseline": {"training": {"steps": 1000}}}, ["training.steps=200"])
    {'baseline': {'training': {'steps': 200}}}
    """
    for override in overrides:
        path, value = parse_override(override, settings=_settings(raw))
        raw = _with(raw, path, value, f"--set {override}")
    return raw


def _settings(raw: dict[str, Any]) -> Iterable[str]:
    """The keys of a baseline: those that a command takes, or those of a configuration that is trained here."""
    baseline = raw.get("baseline")
    own = kind_of(raw) is CommandStudy and isinstance(baseline, dict)
    return list(baseline or ()) if own else Configuration.model_fields


def parse_override(
    override: str, *, settings: Iterable[str] = Configuration.model_fields
) -> tuple[tuple[str, ...], Any]:
    """The path, from the study file's top, and the value of an override.

    Args:
        override: as it was given.
        settings: keys of the baseline, which may stand without `baseline.`.

    Raises:
        StudyError: not a dotted path, an equals sign and a TOML value; or the path starts with an unknown key.

    >>> parse_override("training.steps=200")
    (('baseline', 'training', 'steps'), 200)
    """
    if any("\ud800" <= letter <= "\udfff" for letter in override):
        raise StudyError(f"--set {override!r}: not UTF-8 text")
    for place, sign in enumerate(override):
        if sign == "=" and (path := _parsed_path(override[:place])):
            return _from_the_top(path, override, settings), _parsed_value(override[place + 1 :], override)
    raise StudyError(f"--set {override}: expected PATH=VALUE, such as training.steps=200")


def _parsed_path(text: str) -> tuple[str, ...] | None:
    """The keys of a dotted path as TOML reads them; None where it is none (an equals sign may be in quotes)."""
    if "\n" in text:
        return None
    try:
        node: Any = tomllib.loads(f"{text} = {_MARK!r}")
    except tomllib.TOMLDecodeError:
        return None
    path = []
    while isinstance(node, dict) and len(node) == 1:
        ((key, node),) = node.items()
        path.append(key)
    return tuple(path) if node == _MARK else None


def _parsed_value(text: str, override: str) -> Any:
    text = text.strip()
    try:
        parsed = tomllib.loads(f"value = {text}")
        if set(parsed) == {"value"}:
            return parsed["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        pass
    raise StudyError(f"--set {override}: {text} is not a TOML value (text stands in quotes: '\"{text}\"')")


def _from_the_top(path: tuple[str, ...], override: str, settings: Iterable[str]) -> tuple[str, ...]:
    if path[0] in Study.model_fields:
        return path
    if path[0] in settings:
        return ("baseline", *path)
    known = [*Study.model_fields, *settings]
    raise StudyError(f"--set {override}: unknown key {path[0]!r}; {nearest(path[0], known)}")


def _with(node: Any, path: tuple[str, ...], value: Any, where: str) -> Any:
    """A copy of `node` in which what stands at `path` is `value`; tables on the way are made."""
    if not path:
        return value
    key, *rest = path
    if isinstance(node, dict):
        return {**node, key: _with(node.get(key, {}), tuple(rest), value, where)}
    if isinstance(node, list):
        if not key.isdecimal() or int(key) >= len(node):
            raise StudyError(
                f"{where}: {key!r} is no place in a list of {len(node)}; use 0 to {len(node) - 1}"
            )
        place = int(key)
        return [*node[:place], _with(node[place], tuple(rest), value, where), *node[place + 1 :]]
    raise StudyError(f"{where}: {key!r} cannot be set inside the value {node!r}; set the whole value")
