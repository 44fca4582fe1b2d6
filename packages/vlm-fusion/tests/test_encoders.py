"""Encoders and reducers inside a model: pixels come in, under whatever budget the reducer has."""

from functools import partial
from pathlib import Path

import pytest
import torch
from fusion_helpers import Patches, image_tokens, make_learner, make_model, questions

from token_budget import create_trained_reducer, reduce_tokens
from vlm_fusion import VisionLanguageConfig, VisionLanguageModel, list_connectors, pack_questions


def rows() -> dict[str, torch.Tensor]:
    packed = pack_questions(questions(), pad=0)
    return {"input_ids": packed.input_ids, "segments": packed.segments, "labels": packed.labels}


def with_encoder() -> VisionLanguageModel:
    base = make_model("mlp")
    return VisionLanguageModel(
        base.config,
        connector=base.connector,
        language_model=base.language_model,
        encoder=Patches(),
        reducer=lambda tokens: reduce_tokens(tokens, 4, method="average-pool"),
    )


def test_pixels_go_through_encoder_and_reducer() -> None:
    model, pixels = with_encoder(), torch.randn(2, 3, 16, 16)
    tokens = reduce_tokens(model.encoder(pixels), 4, method="average-pool")
    stored = VisionLanguageModel(model.config, connector=model.connector, language_model=model.language_model)
    assert torch.equal(model(pixels, **rows()).loss, stored(tokens, **rows()).loss)
    model(pixels, **rows()).loss.backward()
    assert model.encoder.embed.weight.grad.abs().max() > 0


def test_model_with_encoder_is_saved_and_loaded(tmp_path: Path) -> None:
    model, pixels = with_encoder(), torch.randn(2, 3, 16, 16)
    model.save_pretrained(tmp_path)
    again = VisionLanguageModel.from_pretrained(tmp_path, encoder=Patches(), reducer=model.reducer)
    assert torch.equal(model(pixels, **rows()).loss, again(pixels, **rows()).loss)


def test_pixels_without_encoder_and_nothing_for_an_encoder_are_refused() -> None:
    with pytest.raises(ValueError, match="pixels need a model with an encoder"):
        make_model("mlp")(torch.randn(2, 3, 8, 8), **rows())
    with pytest.raises(ValueError, match="weights in its encoder needs images on every rank"):
        with_encoder()(None, **rows())


def test_feature_norm_makes_scale_and_shift_of_a_token_irrelevant() -> None:
    base, tokens = make_model("mlp"), image_tokens()
    config = VisionLanguageConfig(**{**base.config.to_dict(), "feature_norm": "layer"})
    model = VisionLanguageModel(config, connector=base.connector, language_model=base.language_model)
    moved = tokens._replace(features=tokens.features * 7 + 3)
    torch.testing.assert_close(model(tokens, **rows()).loss, model(moved, **rows()).loss, atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", list_connectors())
def test_an_encoder_learns_through_every_connector(name: str) -> None:
    base = make_model(name)
    parts = {"connector": base.connector, "language_model": base.language_model, "encoder": Patches()}
    model = VisionLanguageModel(base.config, **parts)
    model(torch.randn(2, 3, 8, 8), **rows()).loss.backward()
    assert model.encoder.embed.weight.grad.abs().max() > 0


def test_one_trained_model_is_measured_under_several_budgets() -> None:
    model, pixels = with_encoder(), torch.randn(2, 3, 16, 16)
    stored = make_model("mlp")
    for budget in (1, 4, 16):
        model.reducer = partial(reduce_tokens, budget=budget, method="average-pool")
        tokens = reduce_tokens(model.encoder(pixels), budget, method="average-pool")
        assert model.visual_tokens(pixels).mask.shape == (2, budget)
        assert torch.equal(model(pixels, **rows()).logits, stored(tokens, **rows()).logits)


def test_a_model_of_objectives_reads_pixels_too() -> None:
    weights = {"language-modelling": 1.0, "contrastive": 1.0}
    reducer, pixels = partial(reduce_tokens, budget=4, method="average-pool"), torch.randn(2, 3, 16, 16)
    inside = make_learner(weights, encoder=Patches(), reducer=reducer, feature_norm="layer")
    text = pack_questions([row[:1] for row in questions()], pad=0)
    given = (text.input_ids, text.attention_mask, text.labels)
    found = inside(pixels, *given, captions=torch.tensor([0, 1]))
    tokens = reducer(inside.encoder(pixels))
    tokens = tokens._replace(features=torch.nn.functional.layer_norm(tokens.features, (12,)))
    expected = make_learner(weights)(tokens, *given, captions=torch.tensor([0, 1]))
    torch.testing.assert_close(found.losses, expected.losses)
    found.loss.backward()
    assert inside.encoder.embed.weight.grad.abs().max() > 0
    with pytest.raises(ValueError, match="pixels need a model with an encoder"):
        make_learner(weights)(pixels, *given, captions=torch.tensor([0, 1]))
    with pytest.raises(ValueError, match="feature_norm must be one of layer, none"):
        make_learner(weights, feature_norm="batch")


def test_text_only_rows_are_not_reduced_unless_the_reducer_has_weights() -> None:
    base = make_model("mlp")
    parts = {"connector": base.connector, "language_model": base.language_model}
    reducer = partial(reduce_tokens, budget=4, method="average-pool")
    plain = VisionLanguageModel(base.config, **parts, reducer=reducer)
    torch.testing.assert_close(plain(None, **rows()).logits, base(None, **rows()).logits)
    trained = create_trained_reducer("pool-swiglu", dim=12, out_dim=12)
    model = VisionLanguageModel(base.config, **parts, reducer=trained)
    with pytest.raises(ValueError, match="weights in its reducer needs images on every rank"):
        model(None, **rows())


def test_text_only_rows_of_a_model_with_encoder_are_blind() -> None:
    model = with_encoder()
    none = torch.tensor([-1, -1])
    first, second = (model(torch.randn(1, 3, 16, 16), **rows(), image_index=none).logits for _ in range(2))
    torch.testing.assert_close(first, second)
    torch.testing.assert_close(first, make_model("mlp")(None, **rows()).logits)
