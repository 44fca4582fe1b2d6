"""Statements from a Q-Former that has learned to guess hidden words: all words at once, the doubtful ones again."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import pad
from transformers import PreTrainedTokenizerBase

from token_budget import VisualTokens

from ._checks import require_count
from ._image_text import ImageTextModel
from ._statement_scores import log_probability


class MaskPredicted(NamedTuple):
    """What is written about each image.

    Attributes:
        input_ids: the words, without beginning and end; padded on the right.
        log_probability: mean over the words, each as certain as when it was guessed last.
    """

    input_ids: Int[Tensor, "batch words"]
    log_probability: Float[Tensor, " batch"]


@torch.no_grad()
def mask_predict(
    model: ImageTextModel,
    images: VisualTokens | Tensor,
    *,
    tokenizer: PreTrainedTokenizerBase,
    lengths: Sequence[int],
    iterations: int = 10,
) -> MaskPredicted:
    """A statement about each image, from hidden words alone (mask-predict, arXiv 1904.09324, sections 3.1 and 3.2).

    All words are guessed at once. Of N words, the N (T - t) / T least certain ones (rounded down; of equal ones the
    first) are then hidden again in iteration t of T and guessed from the image and the others. This is done for every
    length, and the statement with the highest mean log probability is kept; of equal ones the shortest. The paper has
    candidate lengths predicted by the model; here they are given. Special tokens are not written.

    Args:
        model: trained on masked language modelling.
        images: one image per row: visual tokens, or pixels where the model has an encoder.
        tokenizer: gives beginning, end, mask and padding.
        lengths: words that a statement may have, each 1 to the text branch's length less beginning and end.
        iterations: T, 1 or more; 1 leaves every first guess as it is.

    Raises:
        ValueError: a number is out of range, no length is given, or the tokenizer lacks a mask, beginning or end.
    """
    require_count("mask_predict", iterations=iterations)
    longest = model.trunk.options.text_length - 2
    if not lengths or not all(1 <= length <= longest for length in lengths):
        raise ValueError(f"lengths must be one or more within 1..{longest}, got {list(lengths)}")
    for name in ("bos_token", "eos_token", "mask_token"):
        if getattr(tokenizer, name) is None:
            raise ValueError(f"mask-predict needs a tokenizer with a {name}")
    tokens = model.visual_tokens(images)
    most = max(lengths)
    words = torch.full((len(tokens.mask), most), tokenizer.pad_token_id, device=tokens.mask.device)
    certainty = torch.full((len(words),), -torch.inf, device=words.device)
    for length in sorted(set(lengths)):
        found = _of_length(model, tokens, length, tokenizer, iterations)
        better = found.log_probability > certainty
        filled = pad(found.input_ids, (0, most - length), value=tokenizer.pad_token_id)
        words = torch.where(better[:, None], filled, words)
        certainty = torch.where(better, found.log_probability, certainty)
    return MaskPredicted(words, certainty)


def least_certain(certainty: Float[Tensor, "batch words"], count: int) -> Bool[Tensor, "batch words"]:
    """True for the `count` lowest values of each row; of equal ones the first.

    >>> least_certain(torch.tensor([[-1.0, -3.0, -3.0, -2.0]]), 2)
    tensor([[False,  True,  True, False]])
    """
    return certainty.argsort(dim=1, stable=True).argsort(dim=1) < count


def _of_length(
    model: ImageTextModel,
    tokens: VisualTokens,
    length: int,
    tokenizer: PreTrainedTokenizerBase,
    iterations: int,
) -> MaskPredicted:
    """The statements of one length."""
    device = tokens.mask.device
    special = torch.tensor(tokenizer.all_special_ids, device=device)
    shape = (len(tokens.mask), length)
    words = torch.full(shape, tokenizer.mask_token_id, device=device)
    certainty = torch.zeros(shape, device=device)
    for iteration in range(iterations):
        count = length * (iterations - iteration) // iterations
        if count == 0:
            break
        hidden = least_certain(certainty, count)
        shown = pad(words.masked_fill(hidden, tokenizer.mask_token_id), (1, 0), value=tokenizer.bos_token_id)
        shown = pad(shown, (0, 1), value=tokenizer.eos_token_id)
        real = torch.ones_like(shown, dtype=torch.bool)
        logits = model.words(tokens, shown, real, attention="bidirectional")[:, 1:-1]
        logits = logits.index_fill(-1, special, -torch.inf)
        guessed = logits.argmax(-1)
        words = torch.where(hidden, guessed, words)
        certainty = torch.where(hidden, log_probability(logits, guessed), certainty)
    return MaskPredicted(words, certainty.mean(1))
