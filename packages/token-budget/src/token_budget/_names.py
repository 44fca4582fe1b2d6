"""How a variant's name becomes what it names, options included: exact names, the nearest one in the error."""

import importlib
from collections.abc import Iterable, Mapping
from dataclasses import fields
from difflib import get_close_matches
from typing import Any


def unknown_name(kind: str, name: str, known: Iterable[str]) -> ValueError:
    """An error that gives the nearest known name and all of them.

    Args:
        kind: what is named, for the text ("method", "schedule").
        name: the name that nothing has.
        known: the names there are.

    >>> unknown_name("method", "tomee", ["random", "tome"])
    ValueError("unknown method 'tomee'; did you mean 'tome'? There are: random, tome")
    """
    known = sorted(known)
    near = get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ";"
    return ValueError(f"unknown {kind} {name!r}{hint} There are: {', '.join(known)}")


def named_options(kind: str, name: str, table: Mapping[str, type], options: Mapping[str, Any] | None) -> Any:
    """The options class of `name`, filled in; lists, as TOML and JSON have them, become tuples.

    Args:
        kind: what is named, for the text ("method", "schedule").
        name: a name of the table.
        table: options class by name.
        options: values for the fields; None for the defaults.

    Raises:
        ValueError: no such name, no such option, or a value out of its range.

    >>> from token_budget import Fixed
    >>> named_options("schedule", "fixed", {"fixed": Fixed}, {"budget": 64})
    Fixed(budget=64)
    """
    if name not in table:
        raise unknown_name(kind, name, table)
    known = [field.name for field in fields(table[name])]
    for option in options or {}:
        if option not in known:
            raise unknown_name(f"option of {name!r}", option, known)
    return table[name](**{option: _tuples(value) for option, value in (options or {}).items()})


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def import_object(reference: str) -> Any:
    """The object that `package.module:Name` names.

    Raises:
        ValueError: the reference has no colon, or the module or the name does not exist.

    >>> import_object("math:tau") > 6
    True
    """
    module_name, colon, attribute = reference.partition(":")
    if not (module_name and colon and attribute):
        raise ValueError(f"a variant of your own is named 'package.module:Name', got {reference!r}")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise ValueError(f"{reference!r}: there is no module {error.name!r}") from error
    if not hasattr(module, attribute):
        raise ValueError(f"{reference!r}: module {module_name!r} has no {attribute!r}")
    return getattr(module, attribute)
