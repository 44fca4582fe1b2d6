"""Encoders that a study trains: whole, in part or by adapters, after a stage that all arms share."""

import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from ablation_runner.errors import StudyError
from ablation_runner.plan import resolve_arms
from ablation_runner.study import Encoder, parse_study
from ablation_runner.trial.inputs.images import normalised, seen_pixels
from vlm_encoders import preprocess

Ablate = Callable[..., subprocess.CompletedProcess[str]]

STUDY = """
title = "What of the encoder is trained?"
question = "Does it pay to train the encoder?"
metric = "exact_match"
seeds = [0]

[baseline]
data = { task = "easy-vqa", limit = 64, validation_images = 4 }
encoder = { name = "small-vit", weights = "random", image_size = 32, shape = { size = 32, width = 32, depth = 2 }, feature_layer = -1 }
tokens = { budget = 4 }
model = { connector = "concatenation", language_model = { name = "llama-tiny", width = 32, depth = 1 } }
training = { steps = 6, images_per_step = 4, questions_per_image = 4, learning_rate = 3e-3, validations = 1 }

[[baseline.before]]
name = "pretraining"
training = { steps = 4, images_per_step = 4, questions_per_image = 4, learning_rate = 3e-3, validations = 1, encoder = "full", learning_rates = { encoder = 1e-3 } }

[factors.encoder]
path = "training.encoder"
levels = ["frozen", "full", "last-1-blocks", "lora"]
"""


@pytest.fixture(scope="module")
def run(ablate: Ablate, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a study that has run."""
    folder = tmp_path_factory.mktemp("encoders")
    (folder / "encoders.toml").write_text(STUDY, encoding="utf-8")
    done = ablate(folder, "run", "encoders.toml", "--workers", 1)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "runs"


def encoder_weights(run: Path, arm: str) -> dict[str, torch.Tensor]:
    """The encoder's weights after the last stage of an arm."""
    plan = pl.read_parquet(run / "encoders" / "plan.parquet")
    key = plan.filter(pl.col("arm") == arm)["stages"][0][-1]
    found = load_file(run / "stages" / key / "weights.safetensors")
    return {name: tensor for name, tensor in found.items() if name.startswith("encoder.")}


def changed(run: Path, arm: str) -> set[str]:
    """What of the encoder is not as in the frozen arm, by block and name."""
    frozen, other = encoder_weights(run, "frozen"), encoder_weights(run, arm)
    assert frozen.keys() == other.keys()
    return {name for name in frozen if not torch.equal(frozen[name], other[name])}


def test_all_arms_share_the_stage_that_trains_the_encoder(run: Path) -> None:
    stages = pl.read_parquet(run / "encoders" / "plan.parquet").filter(pl.col("arm") != "blind")["stages"]
    assert len({chain[0] for chain in stages.to_list()}) == 1
    assert len({chain[1] for chain in stages.to_list()}) == 4


def test_each_arm_changes_what_it_trains_and_nothing_else(run: Path) -> None:
    everything = set(encoder_weights(run, "frozen"))
    assert len(everything) > 20
    assert changed(run, "full") == everything
    assert {".blocks.1." in name for name in changed(run, "last-1-blocks")} == {True}
    adapted = changed(run, "lora")
    assert {name.rsplit(".", 2)[1] for name in adapted} == {"q_proj", "v_proj"}
    assert len(adapted) == 4


def test_trainable_parameters_are_those_of_the_stage_that_trains_most(run: Path) -> None:
    records = {path.parent.name.rpartition("-seed")[0]: path for path in run.glob("*/trials/*/trial.json")}
    import json

    found = {arm: json.loads(path.read_text(encoding="utf-8")) for arm, path in records.items()}
    assert len({record["parameters"] for record in found.values()}) == 1
    assert len({record["trainable_parameters"] for record in found.values()}) == 1  # the shared first stage


def test_stored_pixels_are_what_the_encoder_would_have_been_given() -> None:
    spec = Encoder.model_validate({"name": "small-vit", "weights": "random", "image_size": 64}).spec()
    image = Image.effect_noise((90, 70), 90).convert("RGB")
    stored = (seen_pixels([image], spec) * 255).round().to(torch.uint8)
    assert torch.equal(normalised(stored, spec), preprocess([image], spec))


def study(**baseline: Any) -> Any:
    read = tomllib.loads(STUDY)
    for key, value in baseline.items():
        read["baseline"][key] = read["baseline"][key] | value
    return parse_study(read, source="study.toml")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"encoder": {"weights": "pretrained"}}, '"small-vit" has no pretrained weights'),
        ({"encoder": {"shape": {"heads": 3}}}, "shape has no 'heads'"),
        ({"tokens": {"method": "random"}}, "draws tokens for a whole batch"),
        ({"training": {"encoder": "half"}}, "unknown training 'half'"),
        (
            {"training": {"learning_rates": {"encoder": 1e-3}}},
            "learning_rates names encoder, which is not trained",
        ),
        ({"training": {"parts": []}}, "parts must name what is trained"),
    ],
)
def test_what_an_encoder_cannot_do_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(StudyError, match=message):
        study(**changes)


def test_raw_patches_make_an_arm_without_an_encoder() -> None:
    text = (
        STUDY.partition("[[baseline.before]]")[0]
        + """
[factors.stage]
paths = ["encoder", "model.connector"]
reason = "Early fusion has no encoder."
[factors.stage.levels.early]
encoder = { name = "raw-patches-8", image_size = 32, feature_layer = -1 }
"model.connector" = "patch-embedding"
"""
    )
    arms = resolve_arms(parse_study(tomllib.loads(text), source="study.toml"))
    assert arms[1].configuration.encoder.spec().width == 192
