"""Every key of the study file described: for a person to read, and as JSON Schema for an editor."""

from typing import Any

from ablation_runner.study._kinds import CommandStudy, TrainedStudy
from ablation_runner.study._toml import toml_value

Node = dict[str, Any]

_BY_KIND = ("baseline", "engine")  # what differs between a study that is trained here and one of a command

_TYPES = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
_LIMITS = {
    "minimum": "at least",
    "exclusiveMinimum": "above",
    "maximum": "at most",
    "exclusiveMaximum": "below",
}


def study_schema() -> Node:
    """The JSON Schema of a study file; a variant may also be its name alone."""
    trained, command = TrainedStudy.model_json_schema(), CommandStudy.model_json_schema()
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **trained,
        "properties": trained["properties"] | {key: {} for key in _BY_KIND},
        "$defs": trained["$defs"] | command["$defs"],
        "if": {"properties": {"engine": {"required": ["command"]}}, "required": ["engine"]},
        "then": {"properties": {key: command["properties"][key] for key in _BY_KIND}},
        "else": {"properties": {key: trained["properties"][key] for key in _BY_KIND}},
    }
    variant = schema["$defs"]["Variant"]
    schema["$defs"]["Variant"] = {
        "anyOf": [{"type": "string"}, variant],
        "description": variant["description"],
    }
    cleaned: Node = _without_null(schema)
    return cleaned


def _without_null(node: Any) -> Any:
    """A schema in which no value may be null: TOML has none, so a key is left out or has its type."""
    if isinstance(node, list):
        return [_without_null(each) for each in node]
    if not isinstance(node, dict):
        return node
    kept = {key: _without_null(value) for key, value in node.items()}
    shapes = [shape for shape in kept.get("anyOf", ()) if shape != {"type": "null"}]
    if "anyOf" in kept and len(shapes) == 1:
        return {**{key: value for key, value in kept.items() if key != "anyOf"}, **shapes[0]}
    return kept | {"anyOf": shapes} if "anyOf" in kept else kept


def study_document() -> str:
    """Every table and key of a study file as Markdown: type, range, default, meaning."""
    schema = study_schema()
    trained = {**schema, "properties": schema["properties"] | schema["else"]["properties"]}
    lines = ["# The study file", "", "Keys without a default are needed.", ""]
    of_command = _tables("", schema["then"], schema["$defs"])[1:]
    tables = [
        *_tables("", trained, schema["$defs"]),
        *((f"{heading} with a command", table) for heading, table in of_command),
    ]
    for heading, table in tables:
        if heading:
            lines += [f"## {heading}", "", table["description"], ""]
        described = [
            _line(key, node, key in table.get("required", ())) for key, node in _plain(table, schema)
        ]
        lines += [*described, ""] if described else []
    return "\n".join(lines)


def _tables(heading: str, table: Node, defined: Node) -> list[tuple[str, Node]]:
    """A table under its TOML heading, then the tables inside it."""
    found = [(heading, table)]
    for key, node in table["properties"].items():
        path = f"{heading.strip('[]')}.{key}" if heading else key
        shapes = {
            f"[{path}]": node,
            f"[{path}.NAME]": node.get("additionalProperties"),
            f"[[{path}]]": node.get("items"),
        }
        for inside, part in shapes.items():
            if inner := _table(part, defined):
                said = dict.fromkeys([node.get("description", ""), inner["description"]])
                found += _tables(inside, {**inner, "description": " ".join(said).strip()}, defined)
    return found


def _table(node: Any, defined: Node) -> Node | None:
    """The settings that a node refers to; None where it is a value (a variant is one)."""
    if not isinstance(node, dict):
        return None
    for part in (
        node.get("anyOf") or node.get("oneOf") or ()
    ):  # a table that may be left out, or another value
        if inner := _table(part, defined):
            return inner
    if "$ref" not in node:
        return None
    found: Node = defined[node["$ref"].rpartition("/")[2]]
    return found if "properties" in found else None


def _plain(table: Node, schema: Node) -> list[tuple[str, Node]]:
    """The keys of a table that are values."""
    defined = schema["$defs"]
    return [
        (key, node)
        for key, node in table["properties"].items()
        if not any(
            _table(part, defined) for part in (node, node.get("additionalProperties"), node.get("items"))
        )
    ]


def _line(key: str, node: Node, needed: bool) -> str:
    parts = [_type(node)]
    if not needed and node.get("default") is not None:
        parts.append(f"default {toml_value(node['default'])}")
    elif not needed:
        parts.append("may be left out")
    return f"- `{key}` ({'; '.join(parts)}): {node.get('description', '')}"


def _type(node: Node) -> str:
    """What a value may be, in words."""
    if "enum" in node:
        return " | ".join(map(toml_value, node["enum"]))
    if "const" in node:
        return toml_value(node["const"])
    if "anyOf" in node:
        return " or ".join(_type(part) for part in node["anyOf"] if part.get("type") != "null")
    if "$ref" in node:
        return "a name, or a table with `name` and options"
    if node.get("type") == "array":
        inside = _type(node["items"]) if node.get("items") else "values"
        return f"list of {inside.replace('whole number', 'whole numbers')}" + _least(node, "minItems")
    if node.get("type") == "object":
        return "table" + _least(node, "minProperties")
    limits = [f"{words} {node[limit]}" for limit, words in _LIMITS.items() if limit in node]
    return ", ".join([_TYPES.get(str(node.get("type")), "any value"), *limits])


def _least(node: Node, key: str) -> str:
    return f", at least {node[key]}" if node.get(key) else ""
