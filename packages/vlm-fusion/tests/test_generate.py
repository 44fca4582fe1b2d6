"""Writing with a cache equals writing without; one question equals the same one in any batch."""

import pytest
import torch
from fusion_helpers import WIDTH, image_tokens, make_model, prompts, questions, unpacked
from hypothesis import given, settings
from hypothesis import strategies as st

from token_budget import VisualTokens, visual_tokens
from vlm_fusion import Question, list_connectors, pack_questions

NEW = 6


@pytest.mark.parametrize("prefix_attention", ["causal", "bidirectional"])
@pytest.mark.parametrize("name", list_connectors())
def test_cache_padding_and_packing_change_no_answer(name: str, prefix_attention: str) -> None:
    model, tokens = make_model(name, prefix_attention=prefix_attention), image_tokens()
    flat, index = unpacked(questions())
    packed = prompts(questions())
    answers = []
    for use_cache in (True, False):
        found = model.generate(
            tokens, packed.input_ids, segments=packed.segments, max_new_tokens=NEW, use_cache=use_cache
        )
        assert not found[1, 1:].any()
        answers.append(found[[0, 0, 0, 1], [0, 1, 2, 0]])
        for side in ("left", "right"):
            one = prompts(flat, side=side)
            answers.append(
                model.generate(
                    tokens,
                    one.input_ids,
                    one.attention_mask,
                    max_new_tokens=NEW,
                    image_index=index,
                    use_cache=use_cache,
                )
            )
    assert all(torch.equal(answer, answers[0]) for answer in answers)


@st.composite
def drawn_images(draw: st.DrawFn, name: str) -> VisualTokens:
    """Images of differing token counts; of differing grids where the connector reads grids."""
    images = draw(st.integers(1, 3))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 99)))
    if name == "pixel-shuffle":
        sides = st.sampled_from([2, 4])
        grids = torch.tensor(draw(st.lists(st.tuples(sides, sides), min_size=images, max_size=images)))
        longest = int(grids.prod(1).max())
        mask = torch.arange(longest) < grids.prod(1)[:, None]
    else:
        grids, longest = None, draw(st.integers(1, 7))
        mask = torch.rand(images, longest, generator=generator) < 0.7
    return visual_tokens(
        torch.randn(images, longest, WIDTH, generator=generator),
        mask=mask,
        positions=torch.rand(images, longest, 2, generator=generator),
        grids=grids,
    )


@pytest.mark.parametrize("name", list_connectors())
@settings(max_examples=8, deadline=None, derandomize=True)
@given(data=st.data())
def test_drawn_shapes_agree_with_single_uncached_answers(name: str, data: st.DataObject) -> None:
    """Rows of no, one or several images and one or several questions, padded on either side."""
    model = make_model(name, prefix_attention=data.draw(st.sampled_from(["causal", "bidirectional"])))
    tokens = data.draw(drawn_images(name))
    words = st.lists(st.integers(5, 14), min_size=1, max_size=5)
    rows = data.draw(st.lists(st.lists(words, min_size=1, max_size=3), min_size=1, max_size=3))
    several = data.draw(st.integers(1, 3))
    which = st.lists(st.integers(-1, len(tokens.mask) - 1), min_size=several, max_size=several)
    index = torch.tensor(data.draw(st.lists(which, min_size=len(rows), max_size=len(rows))))
    asked = pack_questions(
        [[Question(ids, []) for ids in row] for row in rows],
        pad=0,
        side=data.draw(st.sampled_from(["left", "right"])),
    )
    found = model.generate(
        tokens, asked.input_ids, segments=asked.segments, max_new_tokens=NEW, image_index=index
    )
    for row, texts in enumerate(rows):
        for number, ids in enumerate(texts):
            expected = model.generate(
                tokens, torch.tensor([ids]), max_new_tokens=NEW, use_cache=False, image_index=index[[row]]
            )
            assert torch.equal(found[row, number], expected[0])


def test_greedy_answers_are_those_of_transformers_for_a_model_without_image() -> None:
    model = make_model("gated-cross-attention", open_gates=False)
    one = prompts(unpacked(questions())[0], side="left")
    ours = model.generate(None, one.input_ids, one.attention_mask, max_new_tokens=NEW)
    theirs = model.language_model.generate(
        input_ids=one.input_ids, attention_mask=one.attention_mask.long(), max_new_tokens=NEW, do_sample=False
    )[:, one.input_ids.shape[1] :]
    assert torch.equal(ours[:, : theirs.shape[1]], theirs)


def test_an_ended_answer_is_padded_and_length_is_fixed() -> None:
    model = make_model("concatenation")
    head = model.language_model.get_output_embeddings()
    torch.nn.init.zeros_(head.weight)
    one = prompts(questions())
    found = model.generate(image_tokens(), one.input_ids, segments=one.segments, max_new_tokens=3)
    assert found.shape == (2, 3, 3)
    head.weight.data[2] = 0.0
    model.language_model.config.eos_token_id = 0
    assert not model.generate(image_tokens(), one.input_ids, segments=one.segments, max_new_tokens=3).any()


def test_connector_runs_once_per_image() -> None:
    model = make_model("q-former")
    seen: list[int] = []
    model.connector.register_forward_hook(lambda module, inputs, output: seen.append(len(inputs[0].mask)))
    flat, index = unpacked(questions())
    one = prompts(flat)
    model.generate(image_tokens(), one.input_ids, one.attention_mask, max_new_tokens=4, image_index=index)
    assert seen == [2]


def test_fewer_elastic_queries_are_asked_for_at_any_call() -> None:
    model, tokens = make_model("elastic-queries", connector_options={"queries": 6}), image_tokens()
    fewer = make_model("elastic-queries", connector_options={"queries": 2})
    state = model.state_dict()
    fewer.load_state_dict({**state, "connector.queries": state["connector.queries"][:2]})
    one, two = prompts(questions()), {"queries": 2}
    asked = {"segments": one.segments, "max_new_tokens": NEW}
    assert torch.equal(
        model.generate(tokens, one.input_ids, connector_inputs=two, **asked),
        fewer.generate(tokens, one.input_ids, **asked),
    )
    logits = model(tokens, one.input_ids, segments=one.segments, connector_inputs=two).logits
    torch.testing.assert_close(logits, fewer(tokens, one.input_ids, segments=one.segments).logits)


def test_no_words_to_write_is_refused() -> None:
    with pytest.raises(ValueError, match="max_new_tokens"):
        make_model("mlp").generate(image_tokens(), torch.ones(2, 3, dtype=torch.long), max_new_tokens=0)
