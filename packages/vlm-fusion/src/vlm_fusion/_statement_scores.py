"""How well a statement fits an image, by each objective of an `ImageTextModel`; higher fits better."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from token_budget import VisualTokens

from ._image_text import ImageTextModel
from ._pairs import take
from ._rows import IGNORED, TextRows


class Statements(NamedTuple):
    """Images, and statements each of which is about one of them: the pairs that are scored.

    Attributes:
        tokens: the images, as `ImageTextModel.visual_tokens` gives them.
        image: index of each statement's image.
        text: the statements, one per row.
        tokenizer: tells which tokens are no words, and what hides one.
    """

    tokens: VisualTokens
    image: Int[Tensor, " pairs"]
    text: TextRows
    tokenizer: PreTrainedTokenizerBase

    @property
    def images(self) -> VisualTokens:
        """Each statement's image."""
        return take(self.tokens, self.image)


Scorer = Callable[[ImageTextModel, Statements], Float[Tensor, " pairs"]]


def by_contrast(model: ImageTextModel, pairs: Statements) -> Float[Tensor, " pairs"]:
    """The scaled similarity: among candidates its softmax is the probability that the contrast was trained on."""
    both = torch.stack([pairs.text.input_ids, pairs.text.attention_mask.long()], dim=1)
    distinct, which = torch.unique(both, dim=0, return_inverse=True)
    similar = model.similarities(pairs.tokens, distinct[:, 0], distinct[:, 1].bool())
    return model.log_scale.exp() * similar[pairs.image, which]


def by_matching(model: ImageTextModel, pairs: Statements) -> Float[Tensor, " pairs"]:
    """The log odds of belonging together; where one candidate is right, their softmax is its probability."""
    logits = model.match(pairs.images, pairs.text.input_ids, pairs.text.attention_mask)
    return logits[:, 1] - logits[:, 0]


def by_writing(model: ImageTextModel, pairs: Statements) -> Float[Tensor, " pairs"]:
    """The log probability of writing the answer, its end included."""
    logits = model.words(pairs.images, pairs.text.input_ids, pairs.text.attention_mask, attention="causal")
    labels = pairs.text.labels[:, 1:]
    return torch.where(labels != IGNORED, log_probability(logits[:, :-1], labels.clamp(min=0)), 0.0).sum(1)


def by_hidden_words(model: ImageTextModel, pairs: Statements) -> Float[Tensor, " pairs"]:
    """The pseudo-log-likelihood of the answer: each of its words hidden alone (arXiv 1910.14659, equation 1).

    Special tokens are not hidden: training does not hide them either.

    Raises:
        ValueError: an answer has no word to hide, or the tokenizer nothing to hide it behind.
    """
    text, hidden = pairs.text, pairs.tokenizer.mask_token_id
    if hidden is None:
        raise ValueError("hidden words need a tokenizer with a mask token")
    special = torch.tensor(pairs.tokenizer.all_special_ids, device=text.labels.device)
    hideable = (text.labels != IGNORED) & ~torch.isin(text.labels, special)
    if not bool(hideable.any(1).all()):
        raise ValueError("a candidate without a word that can be hidden has no pseudo-likelihood")
    pair, place = hideable.nonzero(as_tuple=True)
    words = text.input_ids[pair]
    truth = words.gather(1, place[:, None])
    words = words.scatter(1, place[:, None], hidden)
    seen = take(pairs.tokens, pairs.image[pair])
    logits = model.words(seen, words, text.attention_mask[pair], attention="bidirectional")
    at_place = logits[torch.arange(len(pair), device=place.device), place]
    found = log_probability(at_place, truth[:, 0])
    return found.new_zeros(len(pairs.image)).index_add(0, pair, found)


def log_probability(
    logits: Float[Tensor, "*rows vocabulary"], words: Int[Tensor, "*rows"]
) -> Float[Tensor, "*rows"]:
    """The log probability of the given words, in single precision."""
    return logits.float().log_softmax(-1).gather(-1, words[..., None])[..., 0]


SCORERS: Mapping[str, Scorer] = {
    "contrastive": by_contrast,
    "language-modelling": by_writing,
    "masked-language-modelling": by_hidden_words,
    "matching": by_matching,
}
