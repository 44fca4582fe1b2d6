"""A study at another scale: what a table `[scales.NAME]` of its file puts in the place of the rest."""

from collections.abc import Mapping
from typing import Any

from ablation_runner.errors import StudyError, nearest

CPU = "cpu"
# Tables whose keys are names that claims and arms count on: a scale gives them other values, but no other names.
_NAMED = ("factors", "arms", "conditions")

Table = Mapping[str, Any]


def scaled(raw: dict[str, Any], scale: str) -> dict[str, Any]:
    """A parsed study file at one of its scales; the one given is left as it is.

    Tables are merged with those of the file; any other value, and a table that names a variant, replaces what is
    there.

    Args:
        raw: of the study file.
        scale: the file's own (`cpu`, where it says nothing else), which changes nothing, or a name below `scales`.

    Raises:
        StudyError: the scale is unknown, or it names a factor, level, arm or condition that the file does not have.

    >>> raw = {"seeds": [0], "baseline": {"tokens": {"budget": 4}}, "scales": {"gpu": {"seeds": [0, 1]}}}
    >>> scaled(raw, "gpu")
    {'seeds': [0, 1], 'baseline': {'tokens': {'budget': 4}}, 'scale': 'gpu'}
    """
    own, others = raw.get("scale", CPU), _table(raw.get("scales"))
    if scale == own:
        return raw
    if scale not in others:
        raise StudyError(f"unknown scale {scale!r}; known: {', '.join([str(own), *others])}")
    rest = {key: value for key, value in raw.items() if key != "scales"}
    return {**_merged(rest, _table(others[scale]), f"scales.{scale}"), "scale": scale}


def _merged(own: Table, other: Table, where: str, *, fixed: bool = False) -> dict[str, Any]:
    """`own` with what `other` says; `fixed` where it may have no key that `own` has not."""
    merged = dict(own)
    for key, value in other.items():
        path = f"{where}.{key}"
        if fixed and key not in own:
            raise StudyError(f"{path}: not in the study that is scaled; {nearest(key, own)}")
        named = fixed or (key in _NAMED and where.count(".") == 1)
        merges = isinstance(value, dict) and isinstance(own.get(key), dict) and "name" not in value
        merged[key] = _merged(own[key], value, path, fixed=named) if merges else value
    return merged


def _table(value: Any) -> Table:
    """The value where it is a table; what it is instead is refused when the study is checked."""
    return value if isinstance(value, dict) else {}
