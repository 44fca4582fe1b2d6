"""Ranking candidate answers: each objective's score against the formula, one pair at a time."""

from typing import Any

import pytest
import torch
from fusion_helpers import image_tokens, make_learner, make_model, tokenizer

from vlm_fusion import (
    ImageTextModel,
    Question,
    RankedAnswers,
    VisionLanguageModel,
    encode_question,
    list_connectors,
    list_objectives,
    rank_answers,
)

ANSWERS = [["circle", "blue box", "no"], ["yes", "no"], ["a red box", "circle", "yes", "blue box"]]
ITEM_IMAGES = [1, 0, 1]


def candidates(prompt: str = "is it a red circle?") -> list[list[Question]]:
    words = tokenizer()
    return [[encode_question(words, prompt, answer) for answer in item] for item in ANSWERS]


def ranked(model: VisionLanguageModel | ImageTextModel, asked: Any, **keywords: Any) -> RankedAnswers:
    index = torch.tensor(ITEM_IMAGES)
    return rank_answers(model, image_tokens(), asked, tokenizer=tokenizer(), image_index=index, **keywords)


def by_hand(score: Any, asked: list[list[Question]]) -> torch.Tensor:
    """Log probabilities among candidates, from a score of one image (a batch of one) and one candidate."""
    tokens, found = image_tokens(), torch.full((3, 4), -torch.inf)
    for item, questions in enumerate(asked):
        image = tokens._replace(
            **{n: v[[ITEM_IMAGES[item]]] for n, v in tokens._asdict().items() if torch.is_tensor(v)}
        )
        with torch.no_grad():
            found[item, : len(questions)] = torch.stack([score(image, each) for each in questions])
    return found.log_softmax(1)


def agree(found: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(found, expected, atol=2e-5, rtol=1e-5)


def ids_of(question: Question) -> torch.Tensor:
    return torch.tensor([question.prompt + question.answer])


def written(logits: torch.Tensor, question: Question) -> torch.Tensor:
    """Log probability of the answer under next-word logits [words, vocabulary]."""
    places = range(len(question.prompt) - 1, len(question.prompt) + len(question.answer) - 1)
    scores = logits.log_softmax(-1)
    return sum((scores[p, w] for p, w in zip(places, question.answer, strict=True)), torch.zeros(()))


@pytest.mark.parametrize("name", list_connectors())
def test_answers_of_every_stage_are_ranked_by_their_likelihood(name: str) -> None:
    model, asked = make_model(name), candidates()
    expected = by_hand(lambda image, one: written(model(image, ids_of(one)).logits[0], one), asked)
    found = ranked(model, asked)
    agree(found.log_probabilities, expected)
    assert torch.equal(found.chosen, expected.argmax(1))


def contrast_by_hand(model: ImageTextModel) -> Any:
    def score(image: Any, one: Question) -> torch.Tensor:
        ids = ids_of(one)
        queries = model.image_projection(model.trunk(image).queries)[0]
        text = model.text_projection(model.trunk(None, ids).text[0, 0])
        return torch.cosine_similarity(queries, text[None], dim=1).max() * model.log_scale.exp()[0]

    return score


def matching_by_hand(model: ImageTextModel) -> Any:
    def score(image: Any, one: Question) -> torch.Tensor:
        together = model.match_head(model.trunk(image, ids_of(one)).queries).mean(1).softmax(-1)[0, 1]
        return together.log() - (1 - together).log()

    return score


def writing_by_hand(model: ImageTextModel) -> Any:
    def score(image: Any, one: Question) -> torch.Tensor:
        return written(model.word_head(model.trunk(image, ids_of(one), None, "causal").text)[0], one)

    return score


def hidden_by_hand(model: ImageTextModel) -> Any:
    def score(image: Any, one: Question) -> torch.Tensor:
        total = torch.zeros(())
        for place in range(len(one.prompt), len(one.prompt) + len(one.answer) - 1):  # the end is not hidden
            ids = ids_of(one)
            ids[0, place] = tokenizer().mask_token_id
            scores = model.word_head(model.trunk(image, ids).text)[0, place].log_softmax(-1)
            total = total + scores[ids_of(one)[0, place]]
        return total

    return score


BY_HAND = {
    "contrastive": contrast_by_hand,
    "language-modelling": writing_by_hand,
    "masked-language-modelling": hidden_by_hand,
    "matching": matching_by_hand,
}


@pytest.mark.parametrize("name", list_objectives())
def test_statements_are_ranked_by_each_objectives_formula(name: str) -> None:
    model, asked = make_learner(), candidates("")
    expected = by_hand(BY_HAND[name](model), asked)
    assert expected[0].exp().max() < 0.999
    agree(ranked(model, asked, objectives=[name]).log_probabilities, expected)


def test_several_objectives_are_joined_by_the_mean_of_their_log_probabilities() -> None:
    model, asked = make_learner(), candidates("")
    found = ranked(model, asked)
    assert sorted(found.by_objective) == list_objectives()
    product = torch.stack(
        [ranked(model, asked, objectives=[n]).log_probabilities.exp() for n in list_objectives()]
    )
    mean = product.prod(0) ** (1 / 4)
    agree(found.log_probabilities.exp(), mean / mean.sum(1, keepdim=True))
    agree(found.log_probabilities.exp().sum(1), torch.ones(3))


def test_only_objectives_with_a_weight_rank_unless_others_are_named() -> None:
    model = make_learner({"contrastive": 1.0, "language-modelling": 0.0})
    assert list(ranked(model, candidates("")).by_objective) == ["contrastive"]


@pytest.mark.parametrize("model", [make_model("two-tower"), make_learner()])
def test_order_of_candidates_does_not_matter(model: VisionLanguageModel | ImageTextModel) -> None:
    asked = candidates("")
    forth = ranked(model, asked).log_probabilities
    back = ranked(model, [item[::-1] for item in asked]).log_probabilities
    for row, item in enumerate(asked):
        agree(back[row, : len(item)].flip(0), forth[row, : len(item)])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"candidates": []}, "at least one candidate"),
        ({"candidates": [[], []]}, "at least one candidate"),
        ({"candidates": [[Question([1], [5, 2]), Question([1], [])]] * 2}, "an answer of at least one token"),
        ({"objectives": ["contrast"]}, "did you mean 'contrastive'"),
        ({"image_index": torch.tensor([0, 2])}, r"within -1\.\.1"),
        ({"image_index": torch.tensor([0, -1])}, "needs an image to be ranked by"),
        (
            {"candidates": [[Question([1], [2])]] * 2, "objectives": ["masked-language-modelling"]},
            "can be hidden",
        ),
    ],
)
def test_what_cannot_be_ranked_is_refused(change: dict[str, Any], message: str) -> None:
    given = {"candidates": candidates("")[:2], "image_index": None, **change}
    with pytest.raises(ValueError, match=message):
        rank_answers(make_learner(), image_tokens(), tokenizer=tokenizer(), **given)


def test_hidden_words_need_something_to_be_hidden_behind() -> None:
    words = tokenizer()
    words.mask_token = None
    with pytest.raises(ValueError, match="a tokenizer with a mask token"):
        rank_answers(make_learner(), image_tokens(), candidates("")[:2], tokenizer=words)


def test_a_language_model_ranks_by_language_modelling_only() -> None:
    with pytest.raises(ValueError, match="must be one of language-modelling"):
        ranked(make_model("mlp"), candidates(), objectives=["matching"])
