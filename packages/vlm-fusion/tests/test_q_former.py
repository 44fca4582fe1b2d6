"""The Q-Former against `transformers`' BLIP-2, and the masks of its objectives."""

from typing import Any

import pytest
import torch
from fusion_helpers import image_tokens
from transformers import Blip2Config, Blip2ForImageTextRetrieval, Blip2QFormerConfig, Blip2QFormerModel

from token_budget import VisualTokens, visual_tokens
from vlm_fusion import blip2_state, create_connector, image_text_mask, load_blip2_state
from vlm_fusion._attention_options import QFormerOptions
from vlm_fusion._q_former import QFormerTrunk

SIZES: dict[str, Any] = {
    "hidden_size": 24,
    "num_attention_heads": 3,
    "num_hidden_layers": 5,
    "intermediate_size": 72,
}


def twin(*, text: bool, seed: int = 0) -> tuple[QFormerTrunk, Blip2QFormerModel]:
    torch.manual_seed(seed)
    config = Blip2QFormerConfig(
        **SIZES,
        encoder_hidden_size=12,
        cross_attention_frequency=2,
        use_qformer_text_input=text,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    theirs = Blip2QFormerModel(config).eval()
    for parameter in theirs.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    options = QFormerOptions(
        queries=4,
        depth=5,
        heads=3,
        cross_attention_every=2,
        feed_forward_multiple=3.0,
        norm="post",
        vocabulary=20 if text else None,
    )
    return QFormerTrunk(options, vision_width=12, width=24), theirs


def given_to(ours: QFormerTrunk, theirs: Blip2QFormerModel) -> None:
    state = {f"qformer.{name}": tensor for name, tensor in theirs.state_dict().items()}
    own = {name: tensor for name, tensor in blip2_state(ours).items() if not name.startswith("qformer.")}
    load_blip2_state(ours, {**own, **state})


def ragged() -> VisualTokens:
    return image_tokens(3, 6, ragged=True)


def test_queries_equal_those_of_transformers() -> None:
    ours, theirs = twin(text=False)
    given_to(ours, theirs)
    tokens = ragged()
    expected = theirs(
        query_embeds=ours.queries.expand(3, -1, -1),
        encoder_hidden_states=tokens.features,
        encoder_attention_mask=tokens.mask.long(),
    ).last_hidden_state
    torch.testing.assert_close(ours(tokens).queries, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("attention", ["bidirectional", "separate", "causal"])
def test_queries_and_text_equal_those_of_transformers(attention: str) -> None:
    ours, theirs = twin(text=True)
    given_to(ours, theirs)
    tokens, text = ragged(), torch.randint(0, 20, (3, 5), generator=torch.Generator().manual_seed(1))
    text_mask = torch.tensor([[True] * 5, [True] * 3 + [False] * 2, [True] * 4 + [False]])
    visible = image_text_mask(attention, 4, text_mask)
    expected = theirs(
        query_embeds=torch.cat([ours.queries.expand(3, -1, -1), ours.embeddings(text)], dim=1),
        query_length=4,
        attention_mask=visible[:, None],
        encoder_hidden_states=tokens.features,
        encoder_attention_mask=tokens.mask[
            :, None, None
        ],  # theirs fits a 2-D one to queries and words together
    ).last_hidden_state
    found = ours(tokens, text, text_mask, attention)
    torch.testing.assert_close(found.queries, expected[:, :4], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found.text[text_mask], expected[:, 4:][text_mask], atol=1e-5, rtol=1e-5)


def test_text_alone_equals_that_of_transformers() -> None:
    ours, theirs = twin(text=True)
    given_to(ours, theirs)
    text = torch.randint(0, 20, (2, 5), generator=torch.Generator().manual_seed(2))
    expected = theirs(query_embeds=ours.embeddings(text), query_length=0).last_hidden_state
    torch.testing.assert_close(ours(text=text).text, expected, atol=1e-5, rtol=1e-5)


def test_weights_go_into_a_whole_blip2_and_back() -> None:
    ours, theirs = twin(text=True)
    config = Blip2Config(
        qformer_config={**theirs.config.to_dict(), "vocab_size": 20, "max_position_embeddings": 64},
        vision_config={
            "hidden_size": 12,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "intermediate_size": 8,
        },
        text_config={"model_type": "opt", "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2},
        num_query_tokens=4,
    )
    whole = Blip2ForImageTextRetrieval(config)
    before = {name: tensor.clone() for name, tensor in ours.state_dict().items()}
    report = whole.load_state_dict(blip2_state(ours), strict=False)
    assert not report.unexpected_keys
    for parameter in ours.parameters():
        parameter.data.zero_()
    load_blip2_state(ours, whole.state_dict())
    assert all(torch.equal(tensor, before[name]) for name, tensor in ours.state_dict().items())


def test_states_that_do_not_fit_are_refused() -> None:
    ours, theirs = twin(text=False)
    with pytest.raises(ValueError, match="has no 'query_tokens'"):
        load_blip2_state(ours, {f"qformer.{name}": tensor for name, tensor in theirs.state_dict().items()})
    short = {**blip2_state(ours), "query_tokens": torch.zeros(1, 3, 24)}
    with pytest.raises(ValueError, match=r"shape \(3, 24\), 'queries' needs \(4, 24\)"):
        load_blip2_state(ours, short)
    pre = QFormerTrunk(QFormerOptions(heads=3), vision_width=12, width=24)
    with pytest.raises(ValueError, match="norm='post'"):
        blip2_state(pre)


def test_masks_follow_the_three_objectives_of_blip2() -> None:
    real = torch.tensor([[True, True, False]])
    separate, both, causal = (
        image_text_mask(kind, 2, real)[0].int() for kind in ("separate", "bidirectional", "causal")
    )
    assert separate.tolist() == [[1, 1, 0, 0, 0]] * 2 + [[0, 0, 1, 1, 0]] * 3
    assert both.tolist() == [[1, 1, 1, 1, 0]] * 5
    assert causal.tolist() == [[1, 1, 0, 0, 0]] * 2 + [[1, 1, 1, 0, 0], [1, 1, 1, 1, 0], [1, 1, 1, 1, 0]]
    with pytest.raises(ValueError, match="attention must be"):
        image_text_mask("both", 2, real)


def test_queries_do_not_see_words_when_separate_or_causal() -> None:
    torch.manual_seed(0)
    trunk = QFormerTrunk(QFormerOptions(vocabulary=20, depth=2), vision_width=12, width=16)
    tokens, text = image_tokens(), torch.tensor([[5, 6], [7, 8]])
    alone = trunk(tokens).queries
    for attention, same in (("separate", True), ("causal", True), ("bidirectional", False)):
        close = torch.allclose(trunk(tokens, text, attention=attention).queries, alone, atol=1e-5)
        assert close is same


def test_connector_reads_a_text_beside_the_image() -> None:
    torch.manual_seed(0)
    connector = create_connector("q-former", vision_width=12, language_width=16, vocabulary=20, queries=3)
    tokens = image_tokens()
    first, second = (connector(tokens, text=torch.full((2, 2), word)).features for word in (4, 5))
    assert first.shape == (2, 3, 16)
    assert (first - second).abs().max() > 1e-3


def test_a_text_without_text_branch_and_one_too_long_are_refused() -> None:
    trunk = QFormerTrunk(QFormerOptions(), vision_width=12, width=16)
    with pytest.raises(ValueError, match="no text branch"):
        trunk(image_tokens(), torch.ones(2, 2, dtype=torch.long))
    with pytest.raises(ValueError, match="an image, a text or both"):
        trunk()
    both = QFormerTrunk(QFormerOptions(vocabulary=9), vision_width=12, width=16)
    with pytest.raises(ValueError, match="every image needs a text, got 2 images and 3 texts"):
        both(image_tokens(), torch.ones(3, 2, dtype=torch.long))
    reader = QFormerTrunk(QFormerOptions(vocabulary=9, text_length=3), vision_width=12, width=16)
    with pytest.raises(ValueError, match="text has 4 tokens, text_length allows 3"):
        reader(text=torch.ones(1, 4, dtype=torch.long))


@pytest.mark.parametrize(("queries", "depth"), [(4, 1), (128, 24)])
def test_few_and_many_queries_read_the_image_through_shallow_and_deep_blocks(
    queries: int, depth: int
) -> None:
    torch.manual_seed(0)
    sizes = {"queries": queries, "depth": depth, "cross_attention_every": 2}
    connector = create_connector("q-former", vision_width=12, language_width=16, **sizes)
    found, other = connector(image_tokens()).features, connector(image_tokens(seed=1)).features
    assert found.shape == (2, queries, 16)
    assert ((found - other).abs().amax(2) > 1e-4).all()


def test_cross_attention_stands_in_every_kth_block() -> None:
    trunk = QFormerTrunk(QFormerOptions(depth=5, cross_attention_every=3), vision_width=12, width=16)
    assert [block.crosses for block in trunk.blocks] == [True, False, False, True, False]
    assert visual_tokens(torch.zeros(1, 1, 1)).mask.all()
