"""Laws of the assembled model: packing, padding, sharing of images, what the image changes, the loss."""

import copy
from pathlib import Path

import pytest
import torch
from fusion_helpers import image_tokens, make_model, prompts, questions, unpacked

from vlm_fusion import (
    VisionLanguageConfig,
    VisionLanguageModel,
    create_connector,
    create_language_model,
    list_connectors,
    pack_questions,
)

SEES = [(name, kind) for name in list_connectors() for kind in ("causal", "bidirectional")]


def close(first: torch.Tensor, second: torch.Tensor) -> None:
    torch.testing.assert_close(first, second, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("language", ["llama-tiny", "qwen2-tiny"])
@pytest.mark.parametrize(("name", "prefix_attention"), SEES)
def test_packed_questions_equal_single_ones(name: str, prefix_attention: str, language: str) -> None:
    model = make_model(name, language=language, prefix_attention=prefix_attention)
    tokens, rows = image_tokens(ragged=name != "pixel-shuffle"), questions()
    flat, index = unpacked(rows)
    packed, single = pack_questions(rows, pad=0), pack_questions(flat, pad=0)
    together = model(tokens, packed.input_ids, packed.attention_mask, packed.segments, packed.labels)
    alone = model(tokens, single.input_ids, single.attention_mask, labels=single.labels, image_index=index)
    close(together.loss, alone.loss)
    close(together.logits, alone.logits)


@pytest.mark.parametrize("name", list_connectors())
def test_gradients_of_packed_and_single_questions_agree(name: str) -> None:
    model, tokens = make_model(name), image_tokens()
    flat, index = unpacked(questions())
    gradients = []
    for rows, images in ((questions(), None), (flat, index)):
        text = pack_questions(rows, pad=0)
        model.zero_grad()
        model(tokens, text.input_ids, None, text.segments, text.labels, image_index=images).loss.backward()
        gradients.append(torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]))
    close(*gradients)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("name", list_connectors())
def test_row_alone_equals_the_row_in_a_padded_batch(name: str, side: str) -> None:
    model, tokens = make_model(name), image_tokens()
    flat, index = unpacked(questions())
    batch = pack_questions(flat, pad=0, side=side)
    logits = model(tokens, batch.input_ids, batch.attention_mask, image_index=index).logits
    for row, question in enumerate(flat):
        one = pack_questions([question], pad=0)
        images = tokens._replace(
            **{k: v[[int(index[row])]] for k, v in tokens._asdict().items() if torch.is_tensor(v)}
        )
        alone = model(images, one.input_ids, one.attention_mask).logits
        close(alone[0], logits[row][batch.attention_mask[row]])


@pytest.mark.parametrize("name", [name for name in list_connectors() if name != "pixel-shuffle"])
def test_masked_visual_tokens_change_nothing(name: str) -> None:
    model, tokens = make_model(name), image_tokens()
    text = pack_questions(questions(), pad=0)
    mask = tokens.mask.clone()
    mask[:, 4:] = False
    cut = tokens._replace(
        features=tokens.features[:, :4], mask=mask[:, :4], positions=tokens.positions[:, :4]
    )
    wild = tokens._replace(features=tokens.features + 100 * ~mask[..., None], mask=mask)
    expected = model(cut._replace(grids=None), text.input_ids, None, text.segments, text.labels)
    found = model(wild._replace(grids=None), text.input_ids, None, text.segments, text.labels)
    close(found.logits, expected.logits)


@pytest.mark.parametrize("name", list_connectors())
def test_shuffled_images_change_the_logits(name: str) -> None:
    model, tokens = make_model(name), image_tokens()
    text = pack_questions(questions(), pad=0)
    swapped = tokens._replace(features=tokens.features.flip(0))
    change = (
        model(tokens, text.input_ids, None, text.segments).logits
        - model(swapped, text.input_ids, None, text.segments).logits
    )
    assert change[text.attention_mask].abs().max() > 1e-3


@pytest.mark.parametrize("name", list_connectors())
def test_row_without_image_is_blind_and_gives_the_connector_zero_gradients(name: str) -> None:
    model, tokens = make_model(name), image_tokens()
    text = pack_questions(questions(), pad=0)
    none = torch.tensor([-1, -1])
    blind = model(tokens, text.input_ids, None, text.segments, text.labels, image_index=none)
    absent = model(None, text.input_ids, None, text.segments, text.labels)
    close(blind.logits, absent.logits)
    absent.loss.backward()
    # Blocks in the decoder and the part behind it work on the words, image or not.
    on_words = ("blocks", "join") if model.shape != "prefix" else ()
    named = model.connector.named_parameters()
    gradients = [parameter.grad for key, parameter in named if not key.startswith(on_words)]
    assert all(gradient is not None and not gradient.any() for gradient in gradients)


def test_rows_may_see_several_images() -> None:
    model, tokens = make_model("concatenation"), image_tokens(3)
    text = pack_questions([questions()[0], questions()[1]], pad=0)
    both = model(
        tokens, text.input_ids, None, text.segments, image_index=torch.tensor([[0, 2], [1, -1]])
    ).logits
    one = model(tokens, text.input_ids, None, text.segments, image_index=torch.tensor([0, 1])).logits
    assert (both[0] - one[0]).abs().max() > 1e-3
    close(both[1][text.attention_mask[1]], one[1][text.attention_mask[1]])


def test_closed_gates_leave_the_plain_language_model() -> None:
    model = make_model("gated-cross-attention", open_gates=False)
    text = pack_questions(questions(), pad=0, side="right")
    first = pack_questions([row[:1] for row in questions()], pad=0)
    plain = model.language_model(input_ids=first.input_ids, attention_mask=first.attention_mask).logits
    seeing = model(image_tokens(), first.input_ids, first.attention_mask).logits
    close(seeing[first.attention_mask], plain[first.attention_mask])
    assert text.answer_tokens == 9


def test_deep_copy_looks_through_its_own_gates() -> None:
    model = make_model("gated-cross-attention")
    twin = copy.deepcopy(model)
    text = pack_questions(questions(), pad=0)
    before = model(image_tokens(), text.input_ids, None, text.segments).logits
    for block in twin.connector.blocks:
        block.attention_gate.data.zero_()
    close(model(image_tokens(), text.input_ids, None, text.segments).logits, before)
    assert (twin(image_tokens(), text.input_ids, None, text.segments).logits - before).abs().max() > 1e-4


def test_loss_is_the_mean_over_answer_tokens_of_the_plain_shifted_cross_entropy() -> None:
    model, tokens = make_model("mlp"), image_tokens()
    flat, index = unpacked(questions())
    text = pack_questions(flat, pad=0)
    logits = model(tokens, text.input_ids, text.attention_mask, image_index=index).logits
    expected = torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), text.labels[:, 1:].flatten())
    found = model(tokens, text.input_ids, text.attention_mask, labels=text.labels, image_index=index)
    close(found.loss, expected)
    halves = model(
        tokens, text.input_ids, text.attention_mask, labels=text.labels, image_index=index, answer_tokens=18
    )
    close(halves.loss, expected * 9 / 18)


def test_given_parts_keep_their_weights_and_draw_nothing() -> None:
    reference = make_model("q-former")
    config = reference.config
    connector, language_model = copy.deepcopy(reference.connector), copy.deepcopy(reference.language_model)
    before = {key: value.clone() for key, value in reference.state_dict().items()}
    state = torch.random.get_rng_state()
    model = VisionLanguageModel(config, connector=connector, language_model=language_model)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert model.connector is connector
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize("tie", [False, True])
@pytest.mark.parametrize("name", list_connectors())
def test_saved_model_gives_the_same_logits(name: str, tie: bool, tmp_path: Path) -> None:
    model = make_model(name, tie_embeddings=tie)
    model.save_pretrained(tmp_path)
    again = VisionLanguageModel.from_pretrained(tmp_path)
    text, tokens = pack_questions(questions(), pad=0), image_tokens()
    assert list(tmp_path.glob("*.safetensors"))
    for one, other in zip(model.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)
    assert torch.equal(
        again(tokens, text.input_ids, None, text.segments).logits,
        model(tokens, text.input_ids, None, text.segments).logits,
    )


def test_weights_of_another_configuration_are_refused(tmp_path: Path) -> None:
    make_model("mlp").save_pretrained(tmp_path)
    make_model("concatenation").config.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="another configuration: missing_keys"):
        VisionLanguageModel.from_pretrained(tmp_path)
    make_model("mlp", connector_options={"width": 5}).config.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="another configuration: mismatched_keys"):
        VisionLanguageModel.from_pretrained(tmp_path)


def test_wrong_input_is_refused() -> None:
    model, tokens = make_model("mlp", context=18), image_tokens()
    text = pack_questions(questions(), pad=0)
    flat = pack_questions(unpacked(questions())[0], pad=0)
    with pytest.raises(ValueError, match="image_index"):
        model(tokens, flat.input_ids)
    with pytest.raises(ValueError, match="context holds 18"):
        model(tokens, torch.full((2, 12), 5))
    with pytest.raises(ValueError, match=r"within -1\.\.1"):
        model(tokens, flat.input_ids, image_index=torch.tensor([0, 0, 0, 2]))
    with pytest.raises(ValueError, match="first word of a question"):
        model(tokens, text.input_ids, None, text.segments, text.input_ids)
    with pytest.raises(ValueError, match="tokens of width 12"):
        model(tokens._replace(features=tokens.features[..., :4]), text.input_ids, None, text.segments)
    asked = prompts(questions())
    with pytest.raises(ValueError, match="exceed the context"):
        model.generate(tokens, asked.input_ids, segments=asked.segments, max_new_tokens=9)


def test_a_misspelt_option_of_the_configuration_is_refused() -> None:
    with pytest.raises(
        ValueError, match="option of VisionLanguageConfig 'conector'; did you mean 'connector'"
    ):
        VisionLanguageConfig(conector="q-former")


def test_connector_made_for_another_decoder_is_refused() -> None:
    model = make_model("gated-cross-attention")
    deeper = create_language_model("llama-tiny", tokenizer=_words(), width=16, heads=2, depth=3)
    config = VisionLanguageConfig(
        text_config=deeper.config, vision_width=12, connector="gated-cross-attention"
    )
    with pytest.raises(ValueError, match="made for 2 decoder layers, got 3"):
        VisionLanguageModel(config, connector=model.connector, language_model=deeper)
    with pytest.raises(ValueError, match="needs language_layers"):
        create_connector("gated-cross-attention", vision_width=12, language_width=16)


def _words() -> object:
    from fusion_helpers import tokenizer

    return tokenizer()


def test_eager_attention_gives_the_same_logits() -> None:
    model, tokens = make_model("mlp", prefix_attention="bidirectional"), image_tokens(ragged=True)
    text = pack_questions(questions(), pad=0)
    expected = model(tokens, text.input_ids, None, text.segments, text.labels).logits
    model.language_model.set_attn_implementation("eager")
    close(model(tokens, text.input_ids, None, text.segments, text.labels).logits, expected)
    model.language_model.config._attn_implementation = "flash_attention_2"
    with pytest.raises(ValueError, match="sdpa or eager attention, got 'flash_attention_2'"):
        model(tokens, text.input_ids, None, text.segments)


@pytest.mark.parametrize("name", list_connectors())
def test_gradient_checkpointing_changes_no_gradient(name: str) -> None:
    model, tokens = make_model(name), image_tokens()
    text = pack_questions(questions(), pad=0)
    found = []
    for checkpointing in (False, True):
        if checkpointing:
            model.language_model.activation_checkpointing_enable()
        model.train()
        model.zero_grad()
        model(tokens, text.input_ids, None, text.segments, text.labels).loss.backward()
        found.append(torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]))
    assert model.language_model.is_activation_checkpointing
    close(*found)
