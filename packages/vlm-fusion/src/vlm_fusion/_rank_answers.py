"""Which candidate answer a model finds most fitting: one rule for every fusion stage and every objective."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedTokenizerBase

from token_budget import VisualTokens

from ._checks import require_member
from ._image_text import ImageTextModel
from ._model import VisionLanguageModel
from ._rows import IGNORED, Question, TextRows, pack_questions
from ._seeing import rows_of_images
from ._statement_scores import SCORERS, Statements, log_probability

Candidates = Sequence[Sequence[Question]]


class RankedAnswers(NamedTuple):
    """What a model makes of the candidates.

    Attributes:
        chosen: index of the most probable candidate of each item; the first of equal ones.
        log_probabilities: of each candidate among those of its item; -inf where an item has fewer than others.
        by_objective: the same for each objective alone.
    """

    chosen: Int[Tensor, " items"]
    log_probabilities: Float[Tensor, "items candidates"]
    by_objective: dict[str, Tensor]


@torch.no_grad()
def rank_answers(
    model: VisionLanguageModel | ImageTextModel,
    images: VisualTokens | Tensor,
    candidates: Candidates,
    *,
    tokenizer: PreTrainedTokenizerBase,
    image_index: Int[Tensor, " items"] | None = None,
    objectives: Sequence[str] | None = None,
) -> RankedAnswers:
    """The probability of each candidate answer about an image, whatever the model was trained on.

    Every objective scores candidates in log probabilities or log odds; a softmax over an item's candidates makes the
    scores of objectives comparable, and the mean of their logarithms joins several objectives.

    - `language-modelling`: log probability of the answer's tokens, its end included (summed, not averaged);
    - `contrastive`: similarity over temperature;
    - `matching`: log odds of belonging together;
    - `masked-language-modelling`: each word of the answer hidden alone (pseudo-likelihood).

    Equal scores go to the first candidate: give candidates in an order that says nothing about the right one.

    Args:
        model: a `VisionLanguageModel` of any fusion stage, or an `ImageTextModel`.
        images: one row of visual tokens per distinct image, or its pixels, where the model has an encoder.
        candidates: for each item its candidates, one or more. For an `ImageTextModel` they are whole statements
            (`encode_question(tokenizer, "", "a blue circle")`), or a beginning token and a question as prompt.
        tokenizer: gives the padding, mask and special tokens.
        image_index: image of each item, 0 and up; None where item i is about image i.
        objectives: what is to score; None is every objective that the model has a weight for.

    Raises:
        ValueError: an objective is unknown or none is given, an item lacks candidates, or images and items disagree.
    """
    if not candidates or not all(candidates):
        raise ValueError("every item needs at least one candidate")
    if not all(question.answer for item in candidates for question in item):
        raise ValueError("every candidate needs an answer of at least one token")
    device = next(model.parameters()).device
    index = rows_of_images(_count(images), image_index, len(candidates))[:, 0].to(device)
    if bool((index < 0).any()):
        raise ValueError(f"every item needs an image to be ranked by, got image_index {index.tolist()}")
    single = isinstance(model, VisionLanguageModel)
    known = ["language-modelling"] if single else sorted(SCORERS)
    wanted = list(objectives or (known if single else model.options.active))
    for name in wanted:
        require_member("rank_answers", "objective", name, known)
    if isinstance(model, VisionLanguageModel):
        scores = {wanted[0]: answer_likelihoods(model, images, candidates, index, tokenizer)}
    else:
        scores = _statement_scores(model, images, candidates, index, tokenizer, wanted)
    found = {name: _among(score, candidates) for name, score in scores.items()}
    joint = torch.stack(list(found.values())).mean(0).log_softmax(1)
    return RankedAnswers(joint.argmax(1), joint, found)


def answer_likelihoods(
    model: VisionLanguageModel,
    images: VisualTokens | Tensor,
    candidates: Candidates,
    index: Int[Tensor, " items"],
    tokenizer: PreTrainedTokenizerBase,
) -> Float[Tensor, " pairs"]:
    """The log probability of writing each candidate's answer; an item's candidates share a row, and so the image."""
    text = _moved(pack_questions(candidates, pad=tokenizer.pad_token_id), index.device)
    output = model(
        images, text.input_ids, segments=text.segments, labels=text.labels, answer_tokens=1, image_index=index
    )
    found = log_probability(output.logits, text.labels[text.labels != IGNORED])
    lengths = [len(question.answer) for item in candidates for question in item]
    return torch.stack([part.sum() for part in torch.split(found, lengths)])


def _statement_scores(
    model: ImageTextModel,
    images: VisualTokens | Tensor,
    candidates: Candidates,
    index: Int[Tensor, " items"],
    tokenizer: PreTrainedTokenizerBase,
    objectives: Sequence[str],
) -> dict[str, Tensor]:
    """The scores of all pairs of an item's image and a candidate, by objective."""
    rows = [[question] for item in candidates for question in item]
    text = _moved(pack_questions(rows, pad=tokenizer.pad_token_id), index.device)
    image = index.repeat_interleave(torch.tensor([len(item) for item in candidates], device=index.device))
    pairs = Statements(model.visual_tokens(images), image, text, tokenizer)
    return {name: SCORERS[name](model, pairs) for name in objectives}


def _among(scores: Float[Tensor, " pairs"], candidates: Candidates) -> Float[Tensor, "items candidates"]:
    """Log probabilities among each item's candidates."""
    parts = torch.split(scores.float(), [len(item) for item in candidates])
    return pad_sequence(list(parts), batch_first=True, padding_value=-torch.inf).log_softmax(1)


def _count(images: VisualTokens | Tensor) -> int:
    return len(images.mask if isinstance(images, VisualTokens) else images)


def _moved(text: TextRows, device: torch.device) -> TextRows:
    moved: dict[str, Any] = {
        name: value.to(device) for name, value in text._asdict().items() if torch.is_tensor(value)
    }
    return text._replace(**moved)
