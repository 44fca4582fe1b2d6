"""Retrieval, matching and captions on held-out images, against counting by hand."""

import pytest
import torch
from fusion_helpers import image_tokens, make_learner, tokenizer

from vlm_fusion import Question, encode_question, held_out_scores, write_captions

TEXTS = ["circle", "blue box", "yes", "a red box", "no"]
RIGHT = [3, 0, 3, 4]


def statements() -> list[Question]:
    return [encode_question(tokenizer(), "", text) for text in TEXTS]


def test_recall_counts_the_statements_that_are_nearer() -> None:
    model, tokens = make_learner({"contrastive": 1.0}), image_tokens(4)
    found = held_out_scores(
        model, tokens, statements(), torch.tensor(RIGHT), tokenizer=tokenizer(), ks=(1, 2, 4)
    )
    assert sorted(found) == ["recall@1", "recall@2", "recall@4"]
    for image, right in enumerate(RIGHT):
        near = []
        for one in statements():
            ids = torch.tensor([one.prompt + one.answer])
            near.append(model.similarities(tokens, ids, ids > 0)[image, 0].item())
        nearer = sum(value > near[right] for value in near)
        assert [found[f"recall@{k}"][image].item() for k in (1, 2, 4)] == [
            float(nearer < k) for k in (1, 2, 4)
        ]


def test_matching_accuracy_weighs_right_and_wrong_statements_alike() -> None:
    model, tokens = make_learner({"contrastive": 1.0, "matching": 1.0}), image_tokens(4)
    model.match_head.weight.data.mul_(4)
    found = held_out_scores(model, tokens, statements(), torch.tensor(RIGHT), tokenizer=tokenizer())
    accepted = torch.zeros(4, 5)
    for column, one in enumerate(statements()):
        ids = torch.tensor([one.prompt + one.answer]).expand(4, -1)
        scores = model.match(tokens, ids, ids > 0)
        accepted[:, column] = (scores[:, 1] > scores[:, 0]).float()
    assert 0 < accepted.mean() < 1
    for image, right in enumerate(RIGHT):
        wrong = [1 - accepted[image, other].item() for other in range(5) if other != right]
        expected = (accepted[image, right].item() + sum(wrong) / 4) / 2
        assert found["matching_accuracy"][image].item() == pytest.approx(expected)


def test_a_caption_is_right_where_every_word_and_the_end_are() -> None:
    model, tokens, words = make_learner({"language-modelling": 1.0}), image_tokens(2), tokenizer()
    model.word_head.bias.data[2] += 3.0  # so that captions end
    written = write_captions(model, tokens, begin=1, end=2, pad=0, max_new_tokens=6)[0].tolist()
    own = Question([1], written[: written.index(2) + 1])
    longer = Question([1], [*own.answer[:-1], 7, 2])
    told = [own, longer]
    found = [
        held_out_scores(model, tokens, told, torch.tensor(right), tokenizer=words)
        for right in ([0, 0], [1, 1])
    ]
    assert [list(each) for each in found] == [["caption_exact_match"]] * 2
    assert [each["caption_exact_match"][0].item() for each in found] == [1.0, 0.0]


@pytest.mark.parametrize(
    ("right", "count", "message"),
    [([0, 1, 2, 5], 5, r"within 0\.\.4"), ([0, 1], 5, r"within 0\.\.4"), ([0, 0, 0, 0], 1, "at least 2")],
)
def test_what_cannot_be_measured_is_refused(right: list[int], count: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        held_out_scores(
            make_learner(), image_tokens(4), statements()[:count], torch.tensor(right), tokenizer=tokenizer()
        )


def test_repeated_statements_are_refused() -> None:
    with pytest.raises(ValueError, match="5 distinct"):
        held_out_scores(
            make_learner(),
            image_tokens(4),
            [*statements(), statements()[0]],
            torch.tensor(RIGHT),
            tokenizer=tokenizer(),
        )
