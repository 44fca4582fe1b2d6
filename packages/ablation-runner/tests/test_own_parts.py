"""Parts of one's own are named as `package.module:Name`; their sources are part of what a trial is."""

from pathlib import Path

import pytest

from ablation_runner.errors import StudyError
from ablation_runner.plan._own_parts import own_sources
from ablation_runner.study import Configuration


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
