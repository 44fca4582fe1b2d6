"""Tiny random models of the architectures that studies at gpu scale name, made by the libraries' own configurations."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import open_clip
import timm.models.eva
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

from vlm_encoders._catalogue import CATALOGUE
from vlm_encoders._hf_configs import HF_CONFIGURATIONS

WIDTH, HEADS, DEPTH = 32, 2, 6  # `last-4-blocks` needs five blocks in use
_END = "<|endoftext|>"
_SMOLLM2 = {
    "model_type": "llama",
    "tie_word_embeddings": True,
    "vocab_size": 49152,
    "rms_norm_eps": 1e-5,
    "max_position_embeddings": 8192,
}
_QWEN = {
    "model_type": "qwen2",
    "tie_word_embeddings": True,
    "vocab_size": 151936,
    "rms_norm_eps": 1e-6,
    "max_position_embeddings": 32768,
}


def _shape(width: int, inner: int, depth: int, heads: int, key_value_heads: int) -> dict[str, int]:
    return {
        "hidden_size": width,
        "intermediate_size": inner,
        "num_hidden_layers": depth,
        "num_attention_heads": heads,
        "num_key_value_heads": key_value_heads,
    }


# What the repositories' config.json say; SmolLM2 has no mask token and one token for all other ends, Qwen no beginning.
CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "qwen2.5-0.5b": _QWEN | _shape(896, 4864, 24, 14, 2),
    "qwen2.5-1.5b": _QWEN | _shape(1536, 8960, 28, 12, 2),
    "smollm2-135m": _SMOLLM2 | _shape(576, 1536, 30, 9, 3),
    "smollm2-360m": _SMOLLM2 | _shape(960, 2560, 32, 15, 5),
}
_SPECIAL = {
    "llama": {"bos_token": _END, "eos_token": _END, "unk_token": _END},
    "qwen2": {"eos_token": _END, "pad_token": _END},
}


def shrink_encoders(folder: Path) -> None:
    """From now on the catalogue's encoders of open_clip and transformers are tiny, of the same classes and image sizes."""
    for name, facts in CATALOGUE.items():
        if facts.library in ("open_clip", "transformers"):
            CATALOGUE[name] = replace(facts, width=WIDTH, depth=DEPTH)
        if facts.library == "open_clip":
            _shrink_open_clip(facts.model, folder)
    for name, (config, settings) in HF_CONFIGURATIONS.items():
        tiny = {"hidden_size": WIDTH, "num_hidden_layers": DEPTH, "num_attention_heads": HEADS}
        HF_CONFIGURATIONS[name] = type(HF_CONFIGURATIONS[name])(config, settings | tiny)
    open_clip.add_model_config(folder)
    _shrink_eva()


def _shrink_open_clip(model: str, folder: Path) -> None:
    config = open_clip.get_model_config(model)
    tiny: dict[str, Any] = {"width": WIDTH, "layers": DEPTH, "head_width": WIDTH // HEADS}
    vision = (
        config["vision_cfg"] if "timm_model_name" in config["vision_cfg"] else config["vision_cfg"] | tiny
    )
    text = config["text_cfg"] | {"width": WIDTH, "heads": HEADS, "layers": 1}
    made = config | {"embed_dim": WIDTH, "vision_cfg": vision, "text_cfg": text}
    (folder / f"{model}.json").write_text(json.dumps(made), encoding="utf-8")


def _shrink_eva() -> None:
    """An architecture of timm has its sizes in code, as what its builder is called with."""
    build = timm.models.eva._create_eva

    def build_tiny(name: str, **settings: Any) -> Any:
        return build(name, **settings | {"embed_dim": WIDTH, "depth": DEPTH, "num_heads": HEADS})

    timm.models.eva._create_eva = build_tiny


def save_configuration(name: str, folder: Path) -> Path:
    """A folder that says how large the language model is, and holds no weights."""
    place = folder / f"{name}-whole"
    place.mkdir()
    (place / "config.json").write_text(json.dumps(CONFIGURATIONS[name]), encoding="utf-8")
    return place


def save_tiny_language_model(name: str, folder: Path, texts: Sequence[str]) -> Path:
    """A folder with a tiny random model and a tokenizer of byte pairs that has the special tokens of the real one."""
    place, said = folder / f"{name}-tiny", CONFIGURATIONS[name]
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=_byte_pairs(texts), **_SPECIAL[said["model_type"]])
    tokenizer.save_pretrained(place)
    sizes = _shape(48, 96, 2, 6, 2) | {"vocab_size": len(tokenizer), "eos_token_id": tokenizer.eos_token_id}
    config = AutoConfig.for_model(**said | sizes)
    AutoModelForCausalLM.from_config(config).save_pretrained(place)
    return place


def _byte_pairs(texts: Sequence[str]) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=[_END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer
