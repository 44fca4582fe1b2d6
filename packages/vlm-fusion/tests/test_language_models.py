"""Any causal language model of `transformers`: its own logits and answers come back where there is no image."""

from typing import Any

import pytest
import torch
from fusion_helpers import WIDTH, image_tokens
from transformers import AutoConfig, AutoModelForCausalLM

from vlm_fusion import VisionLanguageConfig, VisionLanguageModel, count_cost

SIZES: dict[str, Any] = {
    "vocab_size": 20,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
FEW_KEYS: dict[str, Any] = {"num_key_value_heads": 1, "head_dim": 8}
KINDS: dict[str, dict[str, Any]] = {
    "cohere": {**FEW_KEYS, "logit_scale": 0.25},
    "gemma": FEW_KEYS,
    "gemma2": {**FEW_KEYS, "final_logit_softcapping": 1.5},
    "gpt2": {},
    "gpt_neox": {},
    "granite": {**FEW_KEYS, "logits_scaling": 3.0},
    "mistral": FEW_KEYS,
    "opt": {"ffn_dim": 32, "word_embed_proj_dim": 16},
    "qwen3": FEW_KEYS,
}


def tiny(kind: str) -> VisionLanguageModel:
    torch.manual_seed(0)
    config = AutoConfig.for_model(kind, **{**SIZES, **KINDS.get(kind, {})})
    language_model = AutoModelForCausalLM.from_config(config).eval()
    for parameter in language_model.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.4)
    config = VisionLanguageConfig(text_config=config, vision_width=WIDTH, connector="concatenation")
    return VisionLanguageModel(config, language_model=language_model).eval()


def padded() -> tuple[torch.Tensor, torch.Tensor]:
    words = torch.randint(3, 20, (2, 7), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(words)
    mask[1, :3] = 0
    return words, mask


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_logits_without_image_are_those_of_the_language_model(kind: str) -> None:
    model, (words, mask) = tiny(kind), padded()
    places = (mask.cumsum(1) - 1).clamp(min=0)
    expected = model.language_model(input_ids=words, attention_mask=mask, position_ids=places).logits
    found = model(None, words, mask).logits
    torch.testing.assert_close(found[mask > 0], expected[mask > 0], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_answers_about_images_are_the_same_with_and_without_cache(kind: str) -> None:
    model, (words, mask) = tiny(kind), padded()
    found = [
        model.generate(image_tokens(), words, mask, max_new_tokens=5, use_cache=cache, stop_early=False)
        for cache in (True, False)
    ]
    assert torch.equal(*found)


def test_a_decoder_that_takes_no_places_is_refused() -> None:
    with pytest.raises(ValueError, match="BloomModel takes no position_ids"):
        tiny("bloom")


def test_cost_of_rows_longer_than_the_context_is_refused() -> None:
    model = tiny("mistral")
    assert count_cost(model, image_tokens=60, text_tokens=4).visual_tokens == 60
    with pytest.raises(ValueError, match="a row reaches 65 tokens, the context holds 64"):
        count_cost(model, image_tokens=60, text_tokens=5)
