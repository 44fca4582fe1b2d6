"""Mask-predict against the paper's algorithm in plain Python, one image at a time, and against known models."""

from typing import Any

import pytest
import torch
from fusion_helpers import image_tokens, make_learner, tokenizer

from token_budget import VisualTokens
from vlm_fusion import ImageTextModel, mask_predict

BEGIN, END, MASK, PAD = 1, 2, 4, 0
SPECIAL = [0, 1, 2, 3, 4]


def learner(sharpness: float = 6.0) -> ImageTextModel:
    """Weights that make words depend on the image and on other words, and some guesses surer than others."""
    model = make_learner({"masked-language-modelling": 1.0}).eval()
    model.word_head.weight.data.mul_(sharpness)
    return model


def alone(tokens: VisualTokens, image: int) -> VisualTokens:
    rows = {name: value[[image]] for name, value in tokens._asdict().items() if torch.is_tensor(value)}
    return tokens._replace(**rows)


@torch.no_grad()
def by_hand(
    model: ImageTextModel, image: VisualTokens, lengths: list[int], iterations: int
) -> tuple[list[int], float]:
    """Ghazvininejad et al., section 3: the statement of one image, and its mean log probability."""
    best: tuple[list[int], float] = ([], -torch.inf)
    for length in sorted(lengths):
        words, sure = [MASK] * length, [0.0] * length
        for t in range(iterations):
            count = length - t * length / iterations
            order = sorted(range(length), key=lambda place: (sure[place], place))
            again = order[: int(count + 1e-9)]
            seen = [BEGIN, *(MASK if place in again else words[place] for place in range(length)), END]
            logits = model.word_head(model.trunk(image, torch.tensor([seen])).text)[0, 1:-1]
            logits[:, SPECIAL] = -torch.inf
            for place in again:
                scores = logits[place].log_softmax(0)
                words[place], sure[place] = int(scores.argmax()), float(scores.max())
        if sum(sure) / length > best[1]:
            best = words, sum(sure) / length
    return best


@pytest.mark.parametrize("iterations", [1, 2, 3, 10])
def test_every_image_gets_what_the_algorithm_gives_it_alone(iterations: int) -> None:
    model, tokens, lengths = learner(), image_tokens(6, ragged=True), [3, 5, 8]
    found = mask_predict(model, tokens, tokenizer=tokenizer(), lengths=lengths, iterations=iterations)
    expected = [by_hand(model, alone(tokens, image), lengths, iterations) for image in range(6)]
    for row, (words, _) in zip(found.input_ids.tolist(), expected, strict=True):
        assert row == words + [PAD] * (8 - len(words))
    torch.testing.assert_close(found.log_probability, torch.tensor([mean for _, mean in expected]))


def test_iterations_change_first_guesses_and_one_iteration_is_one_pass() -> None:
    model, tokens = learner(), image_tokens(6)
    once, often = (
        mask_predict(model, tokens, tokenizer=tokenizer(), lengths=[8], iterations=number).input_ids
        for number in (1, 10)
    )
    hidden = torch.tensor([[BEGIN, *[MASK] * 8, END]]).expand(6, -1)
    logits = model.words(tokens, hidden, hidden > 0, attention="bidirectional")[:, 1:-1, len(SPECIAL) :]
    assert torch.equal(once, logits.argmax(-1) + len(SPECIAL))
    assert not torch.equal(once, often)
    assert len({tuple(row) for row in often.tolist()}) > 1, "the image decides what is written"


def test_a_model_that_is_certain_of_its_words_writes_each_statement_exactly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    statements = [[7, 9, 8], [10, 6, 11, 7], [9, 9]]

    def words(tokens: VisualTokens, ids: torch.Tensor, mask: torch.Tensor, *, attention: str) -> torch.Tensor:
        logits = torch.zeros(3, ids.shape[1], len(tokenizer()))
        for row, statement in enumerate(statements):
            if len(statement) == ids.shape[1] - 2:
                logits[row, range(1, len(statement) + 1), statement] = 30.0
        return logits

    model = make_learner()
    monkeypatch.setattr(model, "words", words)
    found = mask_predict(model, image_tokens(3), tokenizer=tokenizer(), lengths=[4, 2, 3])
    assert [[word for word in row if word != PAD] for row in found.input_ids.tolist()] == statements
    torch.testing.assert_close(found.log_probability, torch.zeros(3))


def test_every_mask_is_filled_with_a_word_although_special_tokens_are_likelier() -> None:
    model = learner()
    model.word_head.bias.data[SPECIAL] += 50.0
    found = mask_predict(model, image_tokens(4), tokenizer=tokenizer(), lengths=[7])
    assert not torch.isin(found.input_ids, torch.tensor(SPECIAL)).any()


def test_what_cannot_be_written_is_refused() -> None:
    words = tokenizer()
    for change, message in (
        ({"lengths": []}, r"within 1\.\.62, got \[\]"),
        ({"lengths": [3, 63]}, r"within 1\.\.62, got \[3, 63\]"),
        ({"lengths": [0]}, r"within 1\.\.62, got \[0\]"),
        ({"iterations": 0}, "iterations"),
    ):
        given: dict[str, Any] = {"lengths": [3], **change}
        with pytest.raises(ValueError, match=message):
            mask_predict(make_learner(), image_tokens(), tokenizer=words, **given)
    words.mask_token = None
    with pytest.raises(ValueError, match="a tokenizer with a mask_token"):
        mask_predict(make_learner(), image_tokens(), tokenizer=words, lengths=[3])
