"""A study as TOML text, for studies that are not a file as it stands."""

import json
from typing import Any

from ablation_runner.study._schema import Study


def study_toml(study: Study) -> str:
    """The study as a TOML file that reads back as the same study; what was left out stays left out."""
    raw = study.model_dump(exclude_unset=True, exclude_none=True)
    return "".join(f"{_key(key)} = {toml_value(value)}\n" for key, value in raw.items())


def toml_value(value: Any) -> str:
    """A value as TOML writes it on one line.

    >>> toml_value({"name": "mlp", "depth": 2, "gate": True})
    '{ name = "mlp", depth = 2, gate = true }'
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, dict):
        inside = ", ".join(f"{_key(key)} = {toml_value(item)}" for key, item in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    return str(value)


def _key(key: str) -> str:
    bare = key.isascii() and key.replace("-", "a").replace("_", "a").isalnum()
    return key if bare else toml_value(key)
