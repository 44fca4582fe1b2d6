"""The study file described, and a new one begun."""

import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import BaseModel

from ablation_runner import StudyError
from ablation_runner.new_study import new_study
from ablation_runner.study import Configuration, Study, built_in_studies, load_study
from ablation_runner.study._document import study_document, study_schema


def errors(raw: dict[str, Any]) -> list[str]:
    jsonschema.Draft202012Validator.check_schema(study_schema())
    return [error.json_path for error in jsonschema.Draft202012Validator(study_schema()).iter_errors(raw)]


@pytest.mark.parametrize("name", built_in_studies())
def test_every_built_in_study_fits_the_json_schema(name: str) -> None:
    assert errors(tomllib.loads(built_in_studies()[name].read_text(encoding="utf-8"))) == []


def test_the_json_schema_finds_wrong_keys_types_and_ranges() -> None:
    raw = tomllib.loads(built_in_studies()["fusion-method"].read_text(encoding="utf-8"))
    raw["baseline"]["training"]["stepz"] = 1
    raw["baseline"]["training"]["steps"] = 0
    raw["baseline"]["model"]["connector"] = 3
    raw["claims"][1]["kind"] = "best"
    assert set(errors(raw)) == {
        "$.baseline.training", "$.baseline.training.steps", "$.baseline.model.connector", "$.claims[1].kind",
    }  # fmt: skip


def settings_below(kind: type[BaseModel]) -> set[type[BaseModel]]:
    """A settings class and those its annotations name, found without the JSON Schema."""
    found = {kind}
    for field in kind.model_fields.values():
        words = re.findall(r"[\w.]+", str(field.annotation))
        inner = {each for each in every_settings() if f"{each.__module__}.{each.__name__}" in words}
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            inner.add(field.annotation)
        for each in inner - found:
            found |= settings_below(each)
    return found


def every_settings() -> list[type[BaseModel]]:
    below = [Study.__mro__[1]]
    for kind in below:
        below += kind.__subclasses__()
    return below[1:]


def test_every_key_of_every_table_is_described() -> None:
    document = study_document()
    tables = [kind for kind in settings_below(Study) if kind.__name__ != "Variant"]
    assert len(tables) >= 9
    for kind in tables:
        for name, field in kind.model_fields.items():
            assert f"`{name}`" in document or f".{name}]" in document or f"[{name}" in document, (kind, name)
            if f"`{name}`" in document:
                assert field.description
                assert field.description in document
    assert "None" not in document


def test_types_ranges_and_defaults_are_said() -> None:
    lines = study_document().splitlines()
    assert "- `steps` (whole number, at least 1): Optimizer steps." in lines
    assert any(line.startswith("- `learning_rate` (number, above 0; default 0.002)") for line in lines)
    assert any(
        line.startswith('- `precision` ("float32" | "bfloat16" | "float16"; default "float32")')
        for line in lines
    )
    assert "## [baseline.training]" in lines
    assert "## [factors.NAME]" in lines
    assert "## [[claims]]" in lines
    headings = {line.removeprefix("## ").strip("[]") for line in lines if line.startswith("## ")}
    values = {line.split("`")[1] for line in lines if line.startswith("- `")}
    assert [
        name for name in Configuration.model_fields if not {f"baseline.{name}", name} & (headings | values)
    ] == []


def test_a_new_study_is_a_copy_that_loads_under_its_own_name(tmp_path: Path) -> None:
    path = new_study("mine", source="fusion-method", folder=tmp_path)
    assert path == tmp_path / "mine.toml"
    assert load_study(path) == load_study(built_in_studies()["fusion-method"])


def test_a_new_study_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("precious", encoding="utf-8")
    with pytest.raises(StudyError, match=r"mine\.toml exists; it is not overwritten"):
        new_study("mine", source="fusion-method", folder=tmp_path)
    assert (tmp_path / "mine.toml").read_text(encoding="utf-8") == "precious"


@pytest.mark.parametrize(
    ("name", "source", "expected"),
    [
        ("../mine", "fusion-method", "named by letters"),
        ("", "fusion-method", "named by letters"),
        ("fusion-method", "fusion-method", "the name of a built-in study"),
        ("mine", "fusion-methd", "did you mean 'fusion-method'?"),
    ],
)
def test_a_new_study_that_cannot_be_made_is_refused(
    tmp_path: Path, name: str, source: str, expected: str
) -> None:
    with pytest.raises(StudyError, match=re.escape(expected)):
        new_study(name, source=source, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []
