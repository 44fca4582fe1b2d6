"""The objectives against closed forms and brute force; their options."""

import math

import pytest
import torch
from fusion_helpers import ALL, image_tokens, make_learner, tokenizer
from hypothesis import given, settings
from hypothesis import strategies as st

from vlm_fusion import (
    ImageTextModel,
    ObjectiveOptions,
    contrast,
    create_connector,
    encode_question,
    hard_negatives,
    mask_words,
    pack_questions,
    parse_weights,
    recall_at,
    write_captions,
)
from vlm_fusion._contrast import similarity
from vlm_fusion._pairs import uniform


def batch() -> dict[str, torch.Tensor]:
    words = tokenizer()
    rows = pack_questions(
        [[encode_question(words, "", text)] for text in ("circle", "blue box", "circle", "yes")],
        pad=words.pad_token_id,
    )
    return {
        "input_ids": rows.input_ids,
        "attention_mask": rows.attention_mask,
        "labels": rows.labels,
        "captions": torch.tensor([3, 5, 3, 9]),
    }


def unit(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.nn.functional.normalize(
        torch.randn(*shape, generator=torch.Generator().manual_seed(seed)), dim=-1
    )


def test_contrast_is_the_soft_cross_entropy_of_both_directions() -> None:
    images, texts, captions = unit(4, 3, 5), unit(4, 5, seed=1), torch.tensor([3, 5, 3, 9])
    found = contrast(images, texts, captions, 7.0)
    expected = 0.0
    for row in range(4):
        for column_of in (
            [max(float(images[row, q] @ texts[t]) for q in range(3)) for t in range(4)],
            [max(float(images[i, q] @ texts[row]) for q in range(3)) for i in range(4)],
        ):
            total = sum(math.exp(7.0 * value) for value in column_of)
            positives = [c for c in range(4) if captions[c] == captions[row]]
            expected -= (
                sum(math.log(math.exp(7.0 * column_of[c]) / total) for c in positives) / len(positives) / 8
            )
    assert found.loss.item() == pytest.approx(expected, rel=1e-5)


def test_similarity_is_the_best_query() -> None:
    images, texts = unit(2, 3, 5), unit(4, 5, seed=1)
    expected = torch.stack([(images[i] @ texts.T).max(0).values for i in range(2)])
    torch.testing.assert_close(similarity(images, texts), expected)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=9), st.integers(0, 9999))
def test_a_hard_negative_never_has_the_same_caption(captions: list[int], seed: int) -> None:
    ids = torch.tensor(captions)
    same = ids[:, None] == ids[None, :]
    values = torch.randn(same.shape, generator=torch.Generator().manual_seed(seed)) + 5 * same
    drawn = hard_negatives(values, same, scale=20.0, generator=torch.Generator().manual_seed(seed))
    for row, column in enumerate(drawn.tolist()):
        assert (column == -1) == bool(same[row].all())
        assert column == -1 or not same[row, column]


def test_hard_negatives_follow_the_similarities() -> None:
    values = torch.tensor([0.0, 9.0, 1.0, 2.0]).expand(20000, -1)
    same = torch.tensor([False, True, False, False]).expand(20000, -1)
    drawn = hard_negatives(values, same, scale=1.0, generator=torch.Generator().manual_seed(0))
    expected = torch.softmax(torch.tensor([0.0, -torch.inf, 1.0, 2.0]), 0)
    torch.testing.assert_close(drawn.bincount(minlength=4) / 20000, expected, atol=0.015, rtol=0)


def test_recall_counts_ties_as_missed() -> None:
    relevant = torch.eye(5, dtype=torch.bool)[[0, 3, 4]]
    values = torch.tensor([[5.0, 1, 2, 3, 4], [5, 4, 3, 2, 1], [0, 0, 0, 0, 0]])
    assert [recall_at(values, relevant, k).tolist() for k in (1, 4, 5)] == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    with pytest.raises(ValueError, match=r"k must be within 1\.\.5, got 6"):
        recall_at(values, relevant, 6)
    with pytest.raises(ValueError, match="cannot be retrieved"):
        recall_at(values, relevant & False, 1)


def test_hidden_words_follow_berts_shares_and_never_hide_what_may_not_be() -> None:
    words = torch.randint(5, 30, (4000, 12), generator=torch.Generator().manual_seed(0))
    maskable = torch.arange(12) % 3 > 0
    found = mask_words(
        words,
        maskable.expand_as(words),
        mask_token=4,
        vocabulary=30,
        generator=torch.Generator().manual_seed(1),
    )
    hidden = found.labels != -100
    assert not hidden[:, ~maskable].any()
    assert torch.equal(found.labels[hidden], words[hidden])
    assert torch.equal(found.input_ids[~hidden], words[~hidden])
    assert hidden.any(1).all()
    # Share of 0.15 of 8 words, and the first of them where that hid none.
    expected = (8 * 0.15 + (1 - 0.15) ** 8) / 8
    assert hidden[:, maskable].float().mean().item() == pytest.approx(expected, abs=0.006)
    kinds = found.input_ids[hidden]
    assert (kinds == 4).float().mean().item() == pytest.approx(0.8 + 0.1 / 30, abs=0.02)
    assert (kinds == words[hidden]).float().mean().item() == pytest.approx(0.1 + 0.1 / 30, abs=0.02)


def test_each_objective_is_logged_and_the_loss_is_their_weighted_sum() -> None:
    model, given_batch = make_learner(), batch()
    generator = torch.Generator().manual_seed(0)
    masked = mask_words(
        given_batch["input_ids"], given_batch["labels"] > 2, mask_token=4, vocabulary=15, generator=generator
    )
    found = model(image_tokens(4), **given_batch, masked=masked, generator=generator)
    assert set(found.losses) == set(ALL)
    assert found.loss.item() == pytest.approx(
        sum(ALL[name] * part.item() for name, part in found.losses.items())
    )
    found.loss.backward()
    without = {name for name, parameter in model.named_parameters() if parameter.grad is None}
    assert not without


@pytest.mark.parametrize("name", sorted(ALL))
def test_each_objective_alone_sees_the_image(name: str) -> None:
    weights = {name: 1.0} if name != "matching" else {"contrastive": 1e-9, "matching": 1.0}
    model, given_batch = make_learner(weights), batch()
    masked = mask_words(
        given_batch["input_ids"],
        given_batch["labels"] > 2,
        mask_token=4,
        vocabulary=15,
        generator=torch.Generator(),
    )
    losses = [
        model(tokens, **given_batch, masked=masked, generator=torch.Generator().manual_seed(0))
        .losses[name]
        .item()
        for tokens in (image_tokens(4), image_tokens(4, seed=5))
    ]
    assert abs(losses[0] - losses[1]) > 1e-4


def test_captioning_loss_is_the_shifted_cross_entropy() -> None:
    model, given_batch = make_learner({"language-modelling": 1.0}), batch()
    logits = model.words(
        image_tokens(4), given_batch["input_ids"], given_batch["attention_mask"], attention="causal"
    )
    expected = torch.nn.functional.cross_entropy(
        logits[:, :-1].flatten(0, 1), given_batch["labels"][:, 1:].flatten()
    )
    torch.testing.assert_close(model(image_tokens(4), **given_batch).loss, expected)


def test_captions_are_written_word_by_word() -> None:
    model, tokens = make_learner({"language-modelling": 1.0}), image_tokens(2)
    found = write_captions(model, tokens, begin=1, end=2, pad=0, max_new_tokens=4)
    words = torch.tensor([[1], [1]])
    for step in range(4):
        logits = model.words(tokens, words, words > 0, attention="causal")[:, -1]
        for row in range(2):
            if 2 not in found[row, :step]:
                assert found[row, step] == logits[row].argmax()
        words = torch.cat([words, found[:, step : step + 1]], dim=1)


@pytest.mark.parametrize("words", [0, 65])
def test_captions_longer_than_the_text_branch_or_empty_are_refused(words: int) -> None:
    with pytest.raises(ValueError, match=rf"max_new_tokens must be within 1\.\.64, got {words}"):
        write_captions(make_learner(), image_tokens(), begin=1, end=2, pad=0, max_new_tokens=words)


@pytest.mark.parametrize(
    ("weights", "accumulation", "message"),
    [
        ({"contrasive": 1.0}, 1, "did you mean 'contrastive'"),
        ({"contrastive": 0.0}, 1, "sum to zero"),
        ({"contrastive": -1.0}, 1, "0 or more"),
        ({"language-modelling": float("nan")}, 1, "0 or more"),
        ({"language-modelling": float("inf")}, 1, "0 or more"),
        ({"contrastive": 1.0}, 4, "accumulation over 4 micro-batches never holds"),
        ({"matching": 1.0}, 1, "give contrastive a weight"),
    ],
)
def test_wrong_objectives_are_refused(weights: dict[str, float], accumulation: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ObjectiveOptions(weights=weights, accumulation=accumulation)


def test_uniform_negatives_are_drawn_evenly_among_other_captions_and_need_no_contrast() -> None:
    captions = torch.tensor([3, 5, 3, 9])
    near = uniform(captions)
    draws = [
        hard_negatives(
            near.image_to_text, near.same, scale=1.0, generator=torch.Generator().manual_seed(seed)
        )
        for seed in range(3000)
    ]
    shares = torch.stack([row.bincount(minlength=4) for row in torch.stack(draws).T]) / 3000
    expected = (
        torch.tensor([[0, 1, 0, 1], [2 / 3, 0, 2 / 3, 2 / 3], [0, 1, 0, 1], [2 / 3, 2 / 3, 2 / 3, 0]]) / 2
    )
    torch.testing.assert_close(shares, expected, atol=0.04, rtol=0)
    model = make_learner({"matching": 1.0}, options={"negatives": "uniform"})
    found = model(image_tokens(4), **batch(), generator=torch.Generator().manual_seed(0))
    assert list(found.losses) == ["matching"]


def test_sizes_and_shares_of_objectives_are_checked() -> None:
    for option, value, message in (
        ("embedding_width", 0, "embedding_width must be above 0"),
        ("accumulation", 0, "accumulation must be above 0"),
        ("mask_share", 0.0, "mask_share must be above 0"),
        ("mask_share", 1.5, "mask_share must be at most 1, got 1.5"),
        ("negatives", "hrad", "did you mean 'hard'"),
    ):
        with pytest.raises(ValueError, match=message):
            ObjectiveOptions(**{option: value})


def test_language_modelling_may_accumulate() -> None:
    assert ObjectiveOptions(weights={"language-modelling": 1.0}, accumulation=8).active == (
        "language-modelling",
    )


def test_weights_are_parsed_or_refused() -> None:
    names = ("contrastive", "matching", "language-modelling")
    assert parse_weights("1:0.5:2", names=names) == {
        "contrastive": 1,
        "matching": 0.5,
        "language-modelling": 2,
    }
    for wrong in ("1:2", "1:x:2"):
        with pytest.raises(ValueError, match=r"numbers|weights"):
            parse_weights(wrong, names=names)


def test_what_an_objective_lacks_is_named() -> None:
    model, given_batch = make_learner(), batch()
    with pytest.raises(ValueError, match="needs generator"):
        model(image_tokens(4), **given_batch)
    with pytest.raises(ValueError, match="needs captions"):
        model(image_tokens(4), **{**given_batch, "captions": None})
    flipped = {name: value.flip(1) if value.ndim == 2 else value for name, value in given_batch.items()}
    with pytest.raises(ValueError, match="pad them on the right"):
        model(image_tokens(4), **flipped)
    with pytest.raises(ValueError, match="text branch"):
        ImageTextModel(
            create_connector("q-former", vision_width=12, language_width=16).trunk, ObjectiveOptions()
        )
