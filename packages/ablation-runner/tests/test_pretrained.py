"""A language model with weights and words of its own, from a folder as from the hub."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import polars as pl
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig

from ablation_runner.study import Configuration
from ablation_runner.trial.inputs.data import make_tokenizer
from vlm_fusion import build_tokenizer
from vlm_tasks import create_task

Ablate = Callable[..., subprocess.CompletedProcess[str]]


def save_language_model(folder: Path, without: tuple[str, ...] = ()) -> None:
    """A tiny Llama that knows the words of easy-VQA in another order than a tokenizer made for the study."""
    items = create_task("easy-vqa").items("train")
    texts = [*items["question"].unique().to_list(), *items["answers"].explode().unique().to_list()]
    tokenizer = build_tokenizer([*texts, "aardvark", "abacus", "short answer:"])
    for name in without:
        setattr(tokenizer, name, None)
    tokenizer.save_pretrained(folder)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        eos_token_id=tokenizer.eos_token_id,
    )
    with torch.random.fork_rng():
        AutoModelForCausalLM.from_config(config).save_pretrained(folder)


def test_a_pretrained_language_model_reads_with_its_own_tokenizer(
    ablate: Ablate, tmp_path: Path, tiny_text: str
) -> None:
    save_language_model(tmp_path / "model")
    text = tiny_text.replace(
        '{ name = "llama-tiny", width = 32, depth = 1 }', '{ name = "smollm2-135m", repository = "model" }'
    ).replace("seeds = [0, 1]", "seeds = [0]")
    (tmp_path / "tiny.toml").write_text(text, encoding="utf-8")
    done = ablate(tmp_path, "run", "tiny.toml", "--workers", 1)
    assert done.returncode == 0, done.stdout + done.stderr
    trial = next(tmp_path.glob("runs/tiny/trials/mlp-*/items.parquet"))
    assert pl.read_parquet(trial).height == 64


def test_the_tokenizer_is_the_pretrained_models_own(tmp_path: Path) -> None:
    save_language_model(tmp_path)
    model = {"connector": "mlp", "language_model": {"name": "smollm2-135m", "repository": str(tmp_path)}}
    configuration = Configuration.model_validate({"model": model, "training": {"steps": 1}})
    tokenizer = make_tokenizer(create_task("easy-vqa"), configuration)
    assert tokenizer.decode(tokenizer("aardvark abacus")["input_ids"]) == "aardvark abacus"


def test_a_q_formers_texts_get_the_special_tokens_that_a_decoder_lacks(tmp_path: Path) -> None:
    save_language_model(tmp_path, without=("bos_token", "mask_token"))
    raw = {
        "data": {"answers": "ranked"},
        "model": {
            "connector": "q-former",
            "language_model": {"name": "smollm2-135m", "repository": str(tmp_path)},
        },
        "training": {"steps": 1, "questions_per_image": 1, "objectives": "masked-language-modelling"},
    }
    tokenizer = make_tokenizer(create_task("easy-vqa"), Configuration.model_validate(raw))
    known = AutoTokenizer.from_pretrained(tmp_path)
    assert (known.bos_token_id, known.mask_token_id) == (None, None)
    assert (tokenizer.bos_token, tokenizer.mask_token) == ("<s>", "<mask>")
    assert len({tokenizer.bos_token_id, tokenizer.mask_token_id, tokenizer.unk_token_id}) == 3
