"""A study at another scale: what replaces what, what is refused, and where it runs."""

import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest

from ablation_runner import StudyError, prepare
from ablation_runner.study import find_study, load_study
from ablation_runner.study._scales import scaled

SCALED = """
stands_for = "A small decoder stands for a large one."

[scales.gpu]
stands_for = "As it is."
seeds = [5]
engine = { zero_stage = 2, precision = "bfloat16" }

[scales.gpu.baseline]
model = { language_model = { name = "llama-tiny", width = 64 } }
training = { steps = 24 }

[scales.gpu.factors.fusion]
levels = ["concatenation", "mlp", "q-former"]
"""


def with_scale(tiny_text: str, *, old: str = "", new: str = "") -> str:
    """The tiny study with a gpu scale; its first line comes before the tables."""
    first, tables = SCALED.split("\n\n", 1)
    assert old in tables
    return f"{first}\n{tiny_text}\n{tables.replace(old, new) if old else tables}"


@pytest.fixture
def study_file(tmp_path: Path, tiny_text: str) -> Path:
    path = tmp_path / "sized.toml"
    path.write_text(with_scale(tiny_text), encoding="utf-8")
    return path


def test_tables_merge_and_everything_else_replaces(study_file: Path, tiny_text: str) -> None:
    small, large = load_study(study_file), load_study(study_file, scale="gpu")
    assert large.seeds == [5]
    assert (small.stands_for, large.stands_for) == ("A small decoder stands for a large one.", "As it is.")
    assert large.engine.zero_stage == 2
    assert large.engine.checkpoint_every == small.engine.checkpoint_every == 3
    assert large.baseline.training == small.baseline.training.model_copy(update={"steps": 24})
    assert large.baseline.model.connector == small.baseline.model.connector
    assert large.baseline.data == small.baseline.data
    assert large.factors["fusion"].path == "model.connector"
    assert large.factors["fusion"].levels == ["concatenation", "mlp", "q-former"]


def test_a_variant_is_replaced_with_its_options_like_any_value(study_file: Path) -> None:
    assert load_study(study_file).baseline.model.language_model.options() == {"width": 32, "depth": 1}
    assert load_study(study_file, scale="gpu").baseline.model.language_model.options() == {"width": 64}


def test_a_study_remembers_its_scale_and_the_file_is_at_cpu_scale(study_file: Path) -> None:
    assert load_study(study_file).scale == "cpu"
    assert load_study(study_file, scale="cpu") == load_study(study_file)
    assert load_study(study_file, scale="gpu").scale == "gpu"


def test_a_value_that_is_set_counts_more_than_the_scale(study_file: Path) -> None:
    study = load_study(study_file, scale="gpu", overrides=["training.steps=7"])
    assert study.baseline.training.steps == 7


def test_what_is_scaled_is_left_as_it_was() -> None:
    raw: dict[str, Any] = {"baseline": {"a": {"b": 1}}, "scales": {"gpu": {"baseline": {"a": {"b": 2}}}}}
    assert scaled(raw, "gpu")["baseline"] == {"a": {"b": 2}}
    assert raw["baseline"] == {"a": {"b": 1}}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("steps = 24", "stepz = 24", "baseline.training.stepz: unknown key; did you mean 'steps'?"),
        ("gpu.baseline", "gpu.baselin", "baselin: unknown key; did you mean 'baseline'?"),
        (
            "gpu.factors.fusion",
            "gpu.factors.fusoin",
            "scales.gpu.factors.fusoin: not in the study that is scaled",
        ),
        ("gpu.factors.fusion", "gpu.factors.fusoin", "did you mean 'fusion'?"),
        ("levels =", "levles =", "scales.gpu.factors.fusion.levles: not in the study that is scaled"),
        ("scales.gpu", "scales.gpus", "unknown scale 'gpu'; known: cpu, gpus"),
    ],
)
def test_a_mistake_in_a_scale_is_named_with_what_would_be_right(
    tmp_path: Path, tiny_text: str, old: str, new: str, expected: str
) -> None:
    path = tmp_path / "sized.toml"
    path.write_text(with_scale(tiny_text, old=old, new=new), encoding="utf-8")
    with pytest.raises(StudyError) as caught:
        load_study(path, scale="gpu")
    assert expected in str(caught.value)
    assert "sized.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[scales.cpu]\nseeds = [0]", "'cpu' is what the file itself is at"),
        ("[scales.gpu]\nscale = 'gpu'", "scales.gpu: a scale may not set 'scale'"),
        ("[scales]\ngpu = 1", "scales.gpu: input should be a valid dictionary, found 1"),
    ],
)
def test_a_scale_that_contradicts_the_file_is_refused(
    tmp_path: Path, tiny_text: str, text: str, expected: str
) -> None:
    path = tmp_path / "sized.toml"
    path.write_text(f"{tiny_text}\n{text}\n", encoding="utf-8")
    with pytest.raises(StudyError) as caught:
        load_study(path)
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("scale", "smoke", "folder"),
    [
        (None, False, "sized"),
        ("cpu", True, "sized-smoke"),
        ("gpu", False, "sized-gpu"),
        ("gpu", True, "sized-gpu-smoke"),
    ],
)
def test_each_scale_has_a_folder_of_its_own(
    study_file: Path, tmp_path: Path, scale: str | None, smoke: bool, folder: str
) -> None:
    prepared = prepare(str(study_file), runs=tmp_path, scale=scale, smoke=smoke)
    assert prepared.folder.path == tmp_path / folder


def test_the_study_as_run_is_the_scaled_one_and_the_command_asks_for_it(
    study_file: Path, tmp_path: Path
) -> None:
    prepared = prepare(str(study_file), runs=tmp_path, scale="gpu")
    assert tomllib.loads(prepared.text)["scale"] == "gpu"
    assert "scales" not in tomllib.loads(prepared.text)
    again = tmp_path / "again.toml"
    again.write_text(prepared.text, encoding="utf-8")
    assert load_study(again) == prepared.study
    words = shlex.split(prepared.command)
    assert words[words.index("--scale") + 1] == "gpu"


def test_scales_make_other_trials(study_file: Path, tmp_path: Path) -> None:
    small = prepare(str(study_file), runs=tmp_path, overrides=["seeds=[5]"])
    large = prepare(str(study_file), runs=tmp_path, scale="gpu")
    assert not {trial.name for trial in small.trials} & {trial.name for trial in large.trials}


def test_the_command_takes_a_scale(ablate: Any, tmp_path: Path) -> None:
    done = ablate(tmp_path, "status", find_study("fusion-method"), "--scale", "gpus")
    assert done.returncode == 2
    assert "unknown scale 'gpus'" in done.stderr
