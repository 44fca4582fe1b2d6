"""Values and stages of a configuration as a person writes them."""

from collections.abc import Iterator, Sequence
from typing import Any

Stage = dict[str, Any]


def show_value(value: object) -> str:
    """A configuration value as a person writes it: a variant by its name and options.

    >>> show_value({"name": "q-former", "queries": 8}), show_value(None), show_value(True)
    ('q-former (queries=8)', 'none', 'true')
    """
    if isinstance(value, dict) and "name" in value:
        options = ", ".join(f"{key}={show_value(option)}" for key, option in value.items() if key != "name")
        return f"{value['name']} ({options})" if options else str(value["name"])
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    return str(value)


def show_stages(before: Sequence[Stage], after: Sequence[Stage]) -> str:
    """What differs between the stages that two arms train before: stages of one alone, and settings of both.

    >>> show_stages([{"name": "text", "steps": 9}, {"name": "align", "steps": 5}], [{"name": "text", "steps": 7}])
    'stage text: steps: 9 → 7; without the stage align'
    """
    own, other = ({stage["name"]: stage for stage in stages} for stages in (before, after))
    said = []
    for name in dict.fromkeys([*own, *other]):
        if name not in other:
            said.append(f"without the stage {name}")
        elif name not in own:
            said.append(f"with the stage {name}")
        else:
            said += [f"stage {name}: {line}" for line in _changes(own[name], other[name])]
    return "; ".join(said) or "the stages in another order"


def _changes(before: Stage, after: Stage, prefix: str = "") -> Iterator[str]:
    for key in dict.fromkeys([*before, *after]):
        own, other = before.get(key), after.get(key)
        if own == other:
            continue
        if isinstance(own, dict) and isinstance(other, dict) and "name" not in own:
            yield from _changes(own, other, f"{key}.")
        else:
            yield f"{prefix}{key}: {show_value(own)} → {show_value(other)}"
