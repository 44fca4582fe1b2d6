"""Reducers in front of tiny, randomly initialised LLaVA- and Qwen2-VL-type models of transformers."""

import pytest
import torch
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
)

from token_budget import image_tokens, prune_decoder, reduce_inputs

IMAGE, PAD = 7, 0


@pytest.fixture(scope="module")
def llava():
    torch.manual_seed(0)
    vision = CLIPVisionConfig(
        hidden_size=24,
        intermediate_size=32,
        num_hidden_layers=3,
        num_attention_heads=3,
        image_size=16,
        patch_size=4,
        initializer_factor=5.0,
    )
    text = LlamaConfig(
        vocab_size=40,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        initializer_range=0.3,
        pad_token_id=PAD,
        eos_token_id=None,
        bos_token_id=None,
    )
    return LlavaForConditionalGeneration(
        LlavaConfig(vision_config=vision, text_config=text, image_token_id=IMAGE)
    ).eval()


@pytest.fixture(scope="module")
def qwen():
    torch.manual_seed(0)
    config = Qwen2VLConfig(
        text_config={
            "vocab_size": 40,
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "initializer_range": 0.3,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [1, 1, 2]},
            "pad_token_id": PAD,
            "eos_token_id": None,
            "bos_token_id": None,
        },
        vision_config={
            "depth": 2,
            "embed_dim": 16,
            "hidden_size": 32,
            "num_heads": 2,
            "patch_size": 4,
            "mlp_ratio": 2,
        },
        image_token_id=IMAGE,
        video_token_id=8,
        vision_start_token_id=5,
        vision_end_token_id=6,
    )
    return Qwen2VLForConditionalGeneration(config).eval()


def llava_prompt():
    """Two rows; the first with two images, the second with one and padding on the left."""
    g = torch.Generator().manual_seed(1)
    image = [IMAGE] * 16
    rows = [[9, *image, 10, 11, *image, 12], [13, 14, *image, 15]]
    longest = max(map(len, rows))
    ids = torch.tensor([[PAD] * (longest - len(row)) + row for row in rows])
    return {
        "input_ids": ids,
        "attention_mask": (ids != PAD).long(),
        "pixel_values": torch.randn(3, 3, 16, 16, generator=g),
    }


def qwen_prompt():
    """Two rows with images of 4 x 6 and 2 x 4 merged patches, 24 and 8 tokens; the second padded on the left."""
    g = torch.Generator().manual_seed(1)
    grids = torch.tensor([[1, 8, 12], [1, 4, 8]])
    rows = [[9, 5, *[IMAGE] * 24, 6, 10, 11], [12, 5, *[IMAGE] * 8, 6, 13]]
    longest = max(map(len, rows))
    ids = torch.tensor([[PAD] * (longest - len(row)) + row for row in rows])
    return {
        "input_ids": ids,
        "attention_mask": (ids != PAD).long(),
        "pixel_values": torch.randn(8 * 12 + 4 * 8, 3 * 2 * 4 * 4, generator=g),
        "image_grid_thw": grids,
        "mm_token_type_ids": (ids == IMAGE).int(),
    }


def received(model, inputs, **settings):
    """Prompt lengths that the language model really sees, over a forward pass and generation."""
    seen = []
    hook = model.model.language_model.register_forward_pre_hook(
        lambda _module, _args, kwargs: seen.append(kwargs["inputs_embeds"].shape[1]), with_kwargs=True
    )
    with torch.no_grad():
        model(**inputs)
        out = model.generate(**inputs, max_new_tokens=3, do_sample=False, **settings)
    hook.remove()
    return seen, out


LLAVA_METHODS = ["average-pool", "tome", "cls-attention", "prumerge-plus", "visionzip", "divprune", "random"]


@pytest.mark.parametrize("method", LLAVA_METHODS)
def test_llava_receives_exactly_the_budget(llava, method):
    reduced = reduce_inputs(
        llava, 4, method=method, generator=torch.Generator().manual_seed(0), **llava_prompt()
    )
    assert reduced.tokens.mask.sum(1).tolist() == [4, 4, 4]
    assert reduced.inputs["attention_mask"].sum(1).tolist() == [4 + 2 * 4, 3 + 4]
    seen, out = received(llava, reduced.inputs)
    assert seen == [12, 12, 1, 1]
    assert out.shape == (2, 3)


QWEN_METHODS = ["average-pool", "max-pool", "tome", "divprune", "uniform"]


@pytest.mark.parametrize("method", QWEN_METHODS)
def test_qwen_receives_exactly_the_budget_of_each_image(qwen, method):
    reduced = reduce_inputs(qwen, torch.tensor([6, 2]), method=method, **qwen_prompt())
    assert reduced.inputs["attention_mask"].sum(1).tolist() == [5 + 6, 4 + 2]
    seen, out = received(qwen, reduced.inputs)
    assert seen == [11, 11, 1, 1]
    assert out.shape == (2, 3)


def real_logits(logits, mask):
    return logits[mask.bool()]


def test_llava_with_the_full_budget_is_the_model_itself(llava):
    prompt = llava_prompt()
    reduced = reduce_inputs(llava, 16, method="average-pool", **prompt)
    with torch.no_grad():
        expected, out = llava(**prompt).logits, llava(**reduced.inputs).logits
        torch.testing.assert_close(*(real_logits(x, prompt["attention_mask"]) for x in (out, expected)))
        settings = {"max_new_tokens": 4, "do_sample": False}
        whole = llava.generate(**prompt, **settings)[:, prompt["input_ids"].shape[1] :]
        assert torch.equal(llava.generate(**reduced.inputs, **settings), whole)


def test_qwen_with_the_full_budget_is_the_model_itself(qwen):
    prompt = qwen_prompt()
    reduced = reduce_inputs(qwen, torch.tensor([24, 8]), method="divprune", **prompt)
    with torch.no_grad():
        expected, out = qwen(**prompt).logits, qwen(**reduced.inputs).logits
        torch.testing.assert_close(*(real_logits(x, prompt["attention_mask"]) for x in (out, expected)))
        settings = {"max_new_tokens": 4, "do_sample": False}
        whole = qwen.generate(**prompt, **settings)[:, prompt["input_ids"].shape[1] :]
        assert torch.equal(qwen.generate(**reduced.inputs, **settings), whole)


def test_qwen_keeps_the_positions_of_kept_patches_and_text(qwen):
    prompt = qwen_prompt()
    reduced = reduce_inputs(qwen, torch.tensor([6, 2]), method="uniform", **prompt)
    full, _ = qwen.model.get_rope_index(
        prompt["input_ids"],
        prompt["mm_token_type_ids"],
        image_grid_thw=prompt["image_grid_thw"],
        attention_mask=prompt["attention_mask"],
    )
    image = [2 + place for place in (2, 6, 10, 14, 18, 22)]
    expected = full[:, 0, [0, 1, *image, 26, 27, 28]]
    assert torch.equal(reduced.inputs["position_ids"][:, 0], expected)


def test_qwen_generates_from_the_positions_of_its_whole_prompt(qwen):
    def generated(inputs):
        seen = []
        hook = qwen.model.language_model.register_forward_pre_hook(
            lambda _module, _args, kwargs: seen.append(kwargs["position_ids"][-3:, :, -1].tolist()),
            with_kwargs=True,
        )
        qwen.generate(**inputs, max_new_tokens=4, do_sample=False)
        hook.remove()
        return seen

    prompt = qwen_prompt()
    reduced = reduce_inputs(qwen, torch.tensor([6, 2]), method="uniform", **prompt)
    assert generated(reduced.inputs) == generated(prompt)


def test_attention_is_that_of_the_tower(llava):
    prompt = llava_prompt()
    tokens = image_tokens(llava, pixel_values=prompt["pixel_values"], attention_layer=-2)
    tower = llava.model.vision_tower
    before = tower.config._attn_implementation
    tower.set_attn_implementation("eager")
    with torch.no_grad():
        weights = tower(prompt["pixel_values"], output_attentions=True).attentions[-2]
    tower.set_attn_implementation(before)
    torch.testing.assert_close(tokens.extras["attention"], weights[:, :, 0, 1:].mean(1))
    assert tokens.extras["keys"].shape == (3, 16, 3, 8)


def test_training_through_the_adapter_reaches_the_projector(llava):
    prompt = llava_prompt()
    labels = prompt["input_ids"].masked_fill(prompt["input_ids"] == IMAGE, -100)
    reduced = reduce_inputs(llava, 4, method="tome", labels=labels, **prompt)
    assert reduced.inputs["labels"].shape == reduced.inputs["attention_mask"].shape
    llava.zero_grad()
    llava(**reduced.inputs).loss.backward()
    assert llava.model.multi_modal_projector.linear_1.weight.grad.abs().sum() > 0
    llava.zero_grad()


@pytest.mark.parametrize("name", ["llava", "qwen"])
def test_pruning_inside_the_decoder_works_in_the_same_models(name, request):
    model = request.getfixturevalue(name)
    prompt = llava_prompt() if name == "llava" else qwen_prompt()
    with prune_decoder(model.model.language_model, "fastv", positions="keep", layer=1, keep=0.25) as pruned:
        pruned.mark(prompt["input_ids"] == IMAGE)
        out = model.generate(**prompt, max_new_tokens=3, do_sample=False)
        kept = pruned.kept[0] & (prompt["input_ids"] == IMAGE)
    assert out.shape[1] == prompt["input_ids"].shape[1] + 3
    assert kept.sum(1).tolist() == ([8, 4] if name == "llava" else [6, 2])


def test_what_does_not_fit_is_refused(llava, qwen):
    prompt = llava_prompt()
    shorter = {name: prompt[name][:, :-2] for name in ("input_ids", "attention_mask")}
    with pytest.raises(ValueError, match="48 tokens"):
        reduce_inputs(llava, 4, method="uniform", **(prompt | shorter))
    with pytest.raises(ValueError, match="budget must be in"):
        reduce_inputs(llava, 17, method="uniform", **prompt)
    with pytest.raises(ValueError, match="needs the attention of the class token"):
        reduce_inputs(qwen, 4, method="cls-attention", **qwen_prompt())
    with pytest.raises(ValueError, match="positions cannot be renumbered"):
        prune_decoder(qwen.model.language_model, "vtw", positions="renumber", layer=1)
    with pytest.raises(ValueError, match="LLaVA-type model"):
        image_tokens(torch.nn.Linear(2, 2), pixel_values=prompt["pixel_values"])


def having(**parts):
    module = torch.nn.Module()
    for name, part in parts.items():
        setattr(module, name, part)
    return module


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (having(visual=having(deepstack_merger_list=torch.nn.ModuleList())), "deepstack"),
        (
            having(vision_tower=None, multi_modal_projector=None, image_newline=None),
            "several crops per image",
        ),
    ],
)
def test_models_whose_images_are_more_than_one_row_of_tokens_are_refused(model, message):
    with pytest.raises(ValueError, match=message):
        image_tokens(model, pixel_values=torch.zeros(1, 3, 16, 16))
