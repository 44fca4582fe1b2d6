"""Adaptation of the language model, fusion stages, presets: the parts around the connector."""

import sys
from pathlib import Path

import pytest
import torch
from fusion_helpers import WIDTH, image_tokens, make_model, questions, tokenizer

from token_budget import visual_tokens
from vlm_fusion import (
    FUSION_STAGES,
    AdaptationOptions,
    VisionLanguageConfig,
    VisionLanguageModel,
    adapt_language_model,
    create_language_model,
    list_connectors,
    pack_questions,
    patch_tokens,
)


def rows() -> dict[str, torch.Tensor]:
    packed = pack_questions(questions(), pad=0)
    return {"input_ids": packed.input_ids, "segments": packed.segments, "labels": packed.labels}


@pytest.mark.parametrize("mode", ["full", "frozen", "lora"])
def test_adaptation_decides_what_trains_and_changes_no_output(mode: str, tmp_path: Path) -> None:
    base, tokens = make_model("mlp"), image_tokens()
    before = base(tokens, **rows()).loss.item()
    options = AdaptationOptions(mode=mode, rank=2)
    adapt_language_model(base.language_model, options)
    config = VisionLanguageConfig(**{**base.config.to_dict(), "adaptation": {"mode": mode, "rank": 2}})
    model = VisionLanguageModel(config, connector=base.connector, language_model=base.language_model)
    assert model(tokens, **rows()).loss.item() == before
    trained = {name for name, parameter in model.language_model.named_parameters() if parameter.requires_grad}
    everything = {name for name, _ in model.language_model.named_parameters()}
    expected = {"full": everything, "frozen": set(), "lora": {name for name in everything if "lora_" in name}}
    assert trained == expected[mode]
    assert all(parameter.requires_grad for parameter in model.connector.parameters())
    for parameter in model.parameters():
        if parameter.requires_grad:
            torch.nn.init.normal_(parameter, std=0.1)
    model.save_pretrained(tmp_path)
    again = VisionLanguageModel.from_pretrained(tmp_path)
    assert torch.equal(again(tokens, **rows()).loss, model(tokens, **rows()).loss)
    assert {n for n, p in again.language_model.named_parameters() if p.requires_grad} == trained


def test_adaptation_that_contradicts_the_configuration_is_refused() -> None:
    base = make_model("mlp")
    config = VisionLanguageConfig(**{**base.config.to_dict(), "adaptation": {"mode": "lora"}})
    with pytest.raises(ValueError, match="lacks low-rank additions"):
        VisionLanguageModel(config, language_model=base.language_model)
    with pytest.raises(ValueError, match="no linear layer query"):
        adapt_language_model(base.language_model, AdaptationOptions(mode="lora", targets=("query",)))
    adapt_language_model(base.language_model, AdaptationOptions(mode="lora"))
    with pytest.raises(ValueError, match="carries low-rank additions"):
        VisionLanguageModel(base.config, language_model=base.language_model)
    with pytest.raises(ValueError, match="already"):
        adapt_language_model(base.language_model, AdaptationOptions(mode="lora"))


def test_lora_without_peft_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(ImportError, match=r"vlm-fusion\[lora\]"):
        adapt_language_model(make_model("mlp").language_model, AdaptationOptions(mode="lora"))


def test_stages_share_out_the_connectors() -> None:
    assert sorted(name for names in FUSION_STAGES.values() for name in names) == list_connectors()


def test_early_fusion_sees_raw_patches_in_the_decoder() -> None:
    torch.manual_seed(0)
    language_model = create_language_model("llama-tiny", tokenizer=tokenizer(), width=16, heads=2)
    config = VisionLanguageConfig(
        text_config=language_model.config,
        vision_width=48,
        connector="patch-embedding",
        prefix_attention="bidirectional",
    )
    model = VisionLanguageModel(config, language_model=language_model)
    pixels = torch.randn(2, 3, 8, 8)
    first = model(patch_tokens(pixels, patch=4), **rows()).loss
    assert (first - model(patch_tokens(pixels.flip(0), patch=4), **rows()).loss).abs() > 1e-4


def test_late_fusion_leaves_the_decoder_blind() -> None:
    model, tokens = make_model("two-tower"), image_tokens()
    states: list[torch.Tensor] = []
    model.language_model.get_decoder().register_forward_hook(
        lambda module, inputs, output: states.append(output.last_hidden_state)
    )
    first = model(tokens, **rows()).logits
    second = model(image_tokens(seed=4), **rows()).logits
    assert torch.equal(states[0], states[1])
    assert (first - second).abs().max() > 1e-3


def test_patches_are_those_of_unfold() -> None:
    pixels = torch.randn(2, 3, 8, 12)
    tokens = patch_tokens(pixels, patch=4)
    assert torch.equal(tokens.features, torch.nn.functional.unfold(pixels, 4, stride=4).transpose(1, 2))
    assert tokens.grids is not None
    assert tokens.grids.tolist() == [[2, 3]] * 2
    with pytest.raises(ValueError, match="patch must divide the image: 8 x 12 pixels, patch 5"):
        patch_tokens(pixels, patch=5)


def test_depth_and_width_of_a_preset_can_be_set() -> None:
    model = create_language_model("qwen2-tiny", tokenizer=tokenizer(), depth=3, width=32, key_value_heads=2)
    config = model.config
    found = (config.model_type, config.num_hidden_layers, config.hidden_size, config.num_key_value_heads)
    assert found == ("qwen2", 3, 32, 2)


def test_a_saved_language_model_is_loaded_cut_or_with_fresh_weights(tmp_path: Path) -> None:
    torch.manual_seed(0)
    words = tokenizer()
    whole = create_language_model("llama-tiny", tokenizer=words, depth=3)
    whole.save_pretrained(tmp_path)
    cut = create_language_model("smollm2-135m", tokenizer=words, repository=str(tmp_path), depth=2)
    fresh = create_language_model("smollm2-135m", tokenizer=words, repository=str(tmp_path), pretrained=False)
    assert len(cut.model.layers) == 2
    assert torch.equal(cut.model.layers[1].mlp.up_proj.weight, whole.model.layers[1].mlp.up_proj.weight)
    assert len(fresh.model.layers) == 3
    assert not torch.equal(fresh.model.embed_tokens.weight, whole.model.embed_tokens.weight)


def test_a_connector_of_ones_own_is_named_by_its_module() -> None:
    tokens = visual_tokens(torch.ones(1, 2, WIDTH))
    model = make_model("fusion_helpers:Doubled", connector_options={"factor": 3.0})
    assert model(tokens, input_ids=torch.tensor([[5, 6]])).logits.shape == (1, 2, len(tokenizer()))
    assert model.connector.factor == 3.0
    with pytest.raises(ValueError, match="options_type"):
        make_model("fusion_helpers:make_model")
