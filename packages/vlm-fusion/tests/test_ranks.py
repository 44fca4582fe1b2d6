"""Real ranks: the global batch decides, not how it is spread over ranks and accumulation steps."""

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from fusion_helpers import forked, image_tokens, make_learner, make_model, tokenizer
from torch import distributed

from vlm_fusion import (
    contrast,
    encode_question,
    list_objectives,
    mask_words,
    pack_questions,
)
from vlm_fusion._pairs import take

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="ranks are forked")

TEXTS = ["circle", "blue box", "circle", "yes", "red circle", "no", "blue box", "is there"]


def mean_over_ranks(model: torch.nn.Module, world: int) -> torch.Tensor:
    gradient = torch.cat(
        [torch.zeros_like(p).flatten() if p.grad is None else p.grad.flatten() for p in model.parameters()]
    )
    if world > 1:
        distributed.all_reduce(gradient)
    return gradient / world


def agree(found: Any, expected: Any) -> None:
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


def rows_of(start: int, end: int) -> Any:
    return pack_questions(
        [[encode_question(tokenizer(), "what is there", text)] for text in TEXTS[start:end]], pad=0
    )


def language_modelling(rank: int, world: int, steps: int) -> Any:
    """Loss and gradient of eight rows over `world` ranks and `steps` accumulation steps, averaged as DeepSpeed does."""
    model, tokens = make_model("q-former"), image_tokens(8)
    share = 8 // (world * steps)
    whole = rows_of(0, 8).answer_tokens / (world * steps)
    total = torch.zeros(1)
    for step in range(steps):
        start = (rank * steps + step) * share
        rows = rows_of(start, start + share)
        index = torch.arange(start, start + share)
        output = model(
            take(tokens, index), rows.input_ids, rows.attention_mask, labels=rows.labels, answer_tokens=whole
        )
        (output.loss / steps).backward()
        total += output.loss.detach() / steps
    if world > 1:
        distributed.all_reduce(total)
    return total / world, mean_over_ranks(model, world)


def words_of_all(rank: int, world: int, steps: int) -> Any:
    """Loss and gradient of hidden words and captions of eight rows over ranks and accumulation steps."""
    model, words = make_learner({"masked-language-modelling": 1.0, "language-modelling": 0.5}), tokenizer()
    whole = pack_questions([[encode_question(words, "", text)] for text in TEXTS], pad=0)
    drawer = torch.Generator().manual_seed(0)
    masked = mask_words(whole.input_ids, whole.labels > 2, mask_token=4, vocabulary=15, generator=drawer)
    share = 8 // (world * steps)
    total = torch.zeros(1)
    for step in range(steps):
        start = (rank * steps + step) * share
        rows = slice(start, start + share)
        output = model(
            take(image_tokens(8), torch.arange(start, start + share)),
            whole.input_ids[rows],
            whole.attention_mask[rows],
            whole.labels[rows],
            masked=masked._replace(input_ids=masked.input_ids[rows], labels=masked.labels[rows]),
            answer_tokens=whole.answer_tokens / (world * steps),
            masked_tokens=int((masked.labels != -100).sum()) / (world * steps),
        )
        (output.loss / steps).backward()
        total += output.loss.detach() / steps
    if world > 1:
        distributed.all_reduce(total)
    return total / world, mean_over_ranks(model, world)


def words_one_by_eight(rank: int, world: int) -> Any:
    return words_of_all(rank, world, 8)


def words_two_by_four(rank: int, world: int) -> Any:
    return words_of_all(rank, world, 4)


def words_eight_by_one(rank: int, world: int) -> Any:
    return words_of_all(rank, world, 1)


def all_objectives(rank: int, world: int, **options: Any) -> Any:
    weights = dict.fromkeys(list_objectives(), 1.0)
    if options:  # uniform negatives need no contrast
        del weights["contrastive"]
    model, words = make_learner(weights, options=options), tokenizer()
    whole = pack_questions([[encode_question(words, "", text)] for text in TEXTS], pad=0)
    masked = mask_words(
        whole.input_ids,
        whole.labels > 2,
        mask_token=4,
        vocabulary=15,
        generator=torch.Generator().manual_seed(0),
    )
    captions = torch.tensor([TEXTS.index(text) for text in TEXTS])
    share = 8 // world
    rows = torch.arange(rank * share, (rank + 1) * share)
    longest = int(whole.attention_mask[rows].sum(1).max())
    output = model(
        take(image_tokens(8), rows),
        whole.input_ids[rows, :longest],
        whole.attention_mask[rows, :longest],
        whole.labels[rows, :longest],
        captions=captions[rows],
        masked=masked._replace(
            input_ids=masked.input_ids[rows, :longest], labels=masked.labels[rows, :longest]
        ),
        answer_tokens=whole.answer_tokens / world,
        masked_tokens=int((masked.labels != -100).sum()) / world,
        generator=torch.Generator().manual_seed(3),
    )
    output.loss.backward()
    losses = torch.stack([output.losses[name].detach() for name in sorted(weights)])
    if world > 1:
        distributed.all_reduce(losses)
    return losses / world, mean_over_ranks(model, world)


def without_contrast(rank: int, world: int) -> Any:
    return all_objectives(rank, world, negatives="uniform")


def contrastive(rank: int, world: int) -> Any:
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(8, 3, 5, generator=generator).requires_grad_()
    texts = torch.randn(8, 5, generator=generator).requires_grad_()
    share = 8 // world
    rows = slice(rank * share, (rank + 1) * share)
    captions = torch.tensor([1, 2, 1, 3, 4, 5, 1, 2])
    found = contrast(images[rows], texts[rows], captions[rows], 3.0)
    found.loss.backward()
    loss = found.loss.detach().clone()
    assert images.grad is not None
    assert texts.grad is not None
    parts = [loss, images.grad, texts.grad]
    if world > 1:
        for part in parts:
            distributed.all_reduce(part)
    return [part / world for part in parts]


def one_by_eight(rank: int, world: int) -> Any:
    return language_modelling(rank, world, 8)


def two_by_four(rank: int, world: int) -> Any:
    return language_modelling(rank, world, 4)


def eight_by_one(rank: int, world: int) -> Any:
    return language_modelling(rank, world, 1)


def unequal(rank: int, world: int) -> Any:
    with pytest.raises(ValueError, match=r"as many rows .* got \[1, 2\]"):
        contrast(torch.ones(rank + 1, 1, 2), torch.ones(rank + 1, 2), torch.arange(rank + 1), 1.0)
    return [torch.ones(1)]


def test_language_modelling_is_the_same_on_1x8_2x4_and_8x1(tmp_path: Path) -> None:
    expected = language_modelling(0, 1, 1)
    agree(forked(1, one_by_eight, tmp_path), expected)
    agree(forked(2, two_by_four, tmp_path), expected)
    agree(forked(8, eight_by_one, tmp_path), expected)


def test_hidden_words_and_captions_are_the_same_on_1x8_2x4_and_8x1(tmp_path: Path) -> None:
    expected = words_of_all(0, 1, 1)
    agree(forked(1, words_one_by_eight, tmp_path), expected)
    agree(forked(2, words_two_by_four, tmp_path), expected)
    agree(forked(8, words_eight_by_one, tmp_path), expected)


def test_contrast_on_two_ranks_equals_the_joined_batch(tmp_path: Path) -> None:
    agree(forked(2, contrastive, tmp_path), contrastive(0, 1))


@pytest.mark.parametrize("world", [2, 8])
@pytest.mark.parametrize("work", [all_objectives, without_contrast])
def test_all_objectives_on_ranks_equal_the_joined_batch(work: Any, world: int, tmp_path: Path) -> None:
    agree(forked(world, work, tmp_path), work(0, 1))


def test_unequal_ranks_are_refused(tmp_path: Path) -> None:
    agree(forked(2, unequal, tmp_path), [torch.ones(1)])
