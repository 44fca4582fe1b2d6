"""What an arm costs that is trained in half precision, against numbers that others publish and passes that compute."""

import subprocess
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import LlamaConfig

from ablation_runner.errors import StudyError
from ablation_runner.outlook.counted import count
from ablation_runner.outlook.fused_attention import FusedAttention
from ablation_runner.outlook.memory import saved_activations
from ablation_runner.study import Configuration
from vlm_fusion import build_tokenizer, create_language_model

Ablate = Callable[..., subprocess.CompletedProcess[str]]
SMOLLM2_360M = 361_821_120  # parameters, as its repository says
EFFICIENTNET, WIDTH = 112, 960


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SmolLM2-360M without its weights, and with other words."""
    made = tmp_path_factory.mktemp("smollm2")
    LlamaConfig(
        vocab_size=49152, hidden_size=WIDTH, intermediate_size=2560, num_hidden_layers=32, num_attention_heads=15,
        num_key_value_heads=5, tie_word_embeddings=True,
    ).save_pretrained(made)  # fmt: skip
    build_tokenizer(["what color is the circle?", "red"]).save_pretrained(made)
    return made


def configuration(folder: Path | str, **tables: Any) -> Configuration:
    language = {"name": "smollm2-360m", "repository": str(folder)}
    model = {"connector": "concatenation", "language_model": language} | tables.pop("model", {})
    return Configuration.model_validate({"model": model, "training": {"steps": 1}} | tables)


def test_parameters_are_those_of_the_repository_and_a_connector(folder: Path) -> None:
    assert count(configuration(folder)).parameters == SMOLLM2_360M + EFFICIENTNET * WIDTH + WIDTH


def test_a_batch_twice_as_large_keeps_twice_as_much(folder: Path) -> None:
    one, two = (
        count(configuration(folder, training={"steps": 1, "images_per_step": images})).activations
        for images in (8, 16)
    )
    assert one is not None
    assert two == pytest.approx(2 * one, rel=0.01)


def test_layers_that_are_computed_again_keep_little_more_than_their_inputs(folder: Path) -> None:
    large = configuration(folder, training={"steps": 1, "images_per_step": 8, "questions_per_image": 4})
    all_of_it, again = count(large).activations, count(large, recompute=True).activations
    assert all_of_it is not None
    assert again is not None
    assert again < all_of_it / 10


def test_shapes_keep_what_a_pass_that_computes_keeps() -> None:
    tokenizer = build_tokenizer(["red"])
    kept = {}
    for device, attention in (("cpu", nullcontext()), ("meta", FusedAttention())):
        with torch.random.fork_rng(devices=[]), torch.device(device):
            model = create_language_model("llama-tiny", tokenizer=tokenizer)
            with saved_activations() as found, attention:
                model(torch.zeros(4, 200, dtype=torch.long))
            kept[device] = found()
    assert kept["meta"] == pytest.approx(kept["cpu"], rel=0.005)  # a kernel keeps a sum per row besides


def test_what_reads_pixels_has_no_activations_that_shapes_tell(folder: Path) -> None:
    trained = configuration(folder, training={"steps": 1, "encoder": {"name": "full"}})
    assert count(trained).activations is None


def test_a_language_model_that_is_not_here_is_named_with_what_brings_it() -> None:
    with pytest.raises(StudyError, match=r"nobody/nothing is not on this machine: `hf download nobody/noth"):
        count(configuration("nobody/nothing"))


def test_a_plan_without_network_says_what_it_can(
    ablate: Ablate, tmp_path: Path, tiny_text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "empty"))
    text = tiny_text.replace('{ name = "llama-tiny", width = 32, depth = 1 }', '"smollm2-360m"')
    text = text.replace("[engine]", '[engine]\nprecision = "bfloat16"')
    (tmp_path / "large.toml").write_text(text, encoding="utf-8")
    done = ablate(tmp_path, "plan", "large.toml")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "not known: HuggingFaceTB/SmolLM2-360M is not on this machine" in done.stdout
    assert "are not timed here" in done.stdout.replace("\n", " ")
    assert "What the planned seeds and items can decide" in done.stdout
