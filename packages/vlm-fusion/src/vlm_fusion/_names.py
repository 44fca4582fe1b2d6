"""How a name becomes an options dataclass or an object: exact names, the nearest one in every error."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from difflib import get_close_matches
from importlib import import_module
from typing import Any


def load_named(name: str) -> Any:
    """What `package.module:Name` names.

    Raises:
        ValueError: the module or the name in it does not exist.

    >>> load_named("vlm_fusion._options:MlpOptions").__name__
    'MlpOptions'
    """
    module, _, attribute = name.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"{name!r} names nothing that can be imported: {error}") from error


def nearest_name(kind: str, name: str, known: Iterable[str]) -> ValueError:
    """The error for an unknown name, with the nearest one that exists."""
    near = get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return ValueError(f"unknown {kind} {name!r}{hint} (known: {', '.join(sorted(known))})")


def build_options(owner: str, kind: type, given: Mapping[str, Any]) -> Any:
    """The options dataclass `kind` filled with `given`.

    Raises:
        ValueError: an option does not exist, or its value is out of range.
    """
    known = {field.name: field for field in fields(kind)}
    for key in given:
        if key not in known:
            raise nearest_name(f"option of {owner}", key, known)
    return kind(**given)
