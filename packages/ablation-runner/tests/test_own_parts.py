"""Parts of one's own are named as `package.module:Name`; their sources are part of what a trial is."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ablation_runner.errors import StudyError
from ablation_runner.plan._own_parts import own_sources
from ablation_runner.study import Configuration

Ablate = Callable[..., subprocess.CompletedProcess[str]]


def configuration(**task: object) -> Configuration:
    """A configuration whose task has an option that names a part, or not."""
    model = {"connector": "mlp", "language_model": "llama-tiny"}
    plain = Configuration.model_validate({"model": model, "training": {"steps": 1}})
    data = plain.data.model_copy(update={"task": plain.data.task.model_copy(update=task)})
    return plain.model_copy(update={"data": data})


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of two modules that can be imported."""
    folder = tmp_path / "own_parts_of_a_test"
    folder.mkdir()
    (folder / "__init__.py").write_text("", encoding="utf-8")
    (folder / "tasks.py").write_text("from . import helper\n", encoding="utf-8")
    (folder / "helper.py").write_text("ONE = 1\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    return folder


def test_a_study_without_own_parts_has_no_further_sources() -> None:
    assert own_sources(configuration()) == ""
    assert own_sources(configuration(name="open_clip:ViT")) == ""


def test_any_changed_file_of_the_package_changes_what_a_trial_is(package: Path) -> None:
    read = configuration(name="own_parts_of_a_test.tasks:Tones")
    before = own_sources(read)
    assert own_sources(read) == before != ""
    (package / "helper.py").write_text("ONE = 2\n", encoding="utf-8")
    assert own_sources(read) != before


def test_a_single_module_counts_too(package: Path) -> None:
    (package.parent / "lonely_part_of_a_test.py").write_text("A = 1\n", encoding="utf-8")
    read = configuration(name="lonely_part_of_a_test:A")
    before = own_sources(read)
    (package.parent / "lonely_part_of_a_test.py").write_text("A = 2\n", encoding="utf-8")
    assert own_sources(read) != before


def test_a_package_that_is_not_there_is_named() -> None:
    with pytest.raises(StudyError, match="no package 'nowhere_to_be_found'"):
        own_sources(configuration(name="nowhere_to_be_found.tasks:Tones"))


PARTS = """
from token_budget import select
from vlm_encoders import SmallViTOptions, create_encoder


def vit(weights):
    return create_encoder("small-vit", options=SmallViTOptions(width=32), weights=weights, feature_layer=-1).backbone


def first(tokens, budgets, *, relevance, query, generator, skip=0):
    return select(tokens, tokens.mask.nonzero()[:, 1].reshape(len(budgets), -1)[:, skip : skip + int(budgets[0])])
"""


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module with an encoder and a reducer of one's own, as studies name it."""
    (tmp_path / "parts_of_a_test.py").write_text(PARTS, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    return "parts_of_a_test"


def settings(**tables: object) -> Configuration:
    model = {"connector": "mlp", "language_model": "llama-tiny"}
    return Configuration.model_validate({"model": model, "training": {"steps": 1}, **tables})


def test_an_encoder_of_ones_own_has_the_facts_of_what_its_function_makes(parts: str) -> None:
    read = settings(encoder={"name": f"{parts}:vit", "image_size": 32, "weights": "random"})
    spec = read.encoder.spec()
    assert (spec.width, spec.grid) == (32, (4, 4))
    with pytest.raises(ValueError, match="budget is 17"):
        settings(encoder=read.encoder.model_dump(), tokens={"budget": 17})


def test_an_encoder_of_a_library_is_named_as_create_encoder_names_it() -> None:
    named = {"name": "timm:vit_tiny_patch16_224", "image_size": 64, "weights": "random"}
    assert settings(encoder=named).encoder.spec().width == 192


def test_own_parts_that_cannot_work_are_refused_before_anything_runs(parts: str) -> None:
    for tables, message in (
        ({"encoder": {"name": "nowhere_at_all.parts:vit"}}, "nowhere_at_all"),
        ({"encoder": {"name": f"{parts}:first", "weights": "random"}}, "first"),
        ({"tokens": {"method": f"{parts}:last"}}, "has no 'last'"),
        ({"tokens": {"method": {"name": f"{parts}:first", "skp": 1}}}, "unexpected keyword argument 'skp'"),
    ):
        with pytest.raises(ValueError, match=message):
            settings(**tables)


def test_the_sources_of_own_encoders_and_reducers_name_a_trial(parts: str) -> None:
    plain = own_sources(settings())
    for tables in (
        {"encoder": {"name": f"{parts}:vit", "weights": "random"}},
        {"tokens": {"method": f"{parts}:first"}},
    ):
        assert own_sources(settings(**tables)) != plain


@pytest.mark.slow
def test_a_study_trains_with_an_encoder_and_a_reducer_of_ones_own(
    ablate: Ablate, tmp_path: Path, tiny_text: str, parts: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = (
        f'encoder = {{ name = "{parts}:vit", image_size = 64, weights = "random" }}\n'
        f'tokens = {{ budget = 4, method = "{parts}:first" }}'
    )
    text = tiny_text.replace("tokens = { budget = 4 }", own).replace("seeds = [0, 1]", "seeds = [0]")
    (tmp_path / "tiny.toml").write_text(text.replace("steps = 12", "steps = 2"), encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    done = ablate(tmp_path, "run", "tiny.toml", "--workers", 1)
    assert done.returncode == 0, done.stdout + done.stderr
