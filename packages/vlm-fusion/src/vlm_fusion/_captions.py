"""Captions from a Q-Former that has learned to write them."""

import torch
from jaxtyping import Int
from torch import Tensor

from token_budget import VisualTokens

from ._image_text import ImageTextModel


@torch.no_grad()
def write_captions(
    model: ImageTextModel,
    images: VisualTokens | Tensor,
    *,
    begin: int,
    end: int,
    pad: int,
    max_new_tokens: int,
) -> Int[Tensor, "batch {max_new_tokens}"]:
    """The likeliest caption of each image, word by word.

    Args:
        model: trained on language modelling.
        images: one image per row: visual tokens, or pixels where the model has an encoder.
        begin: id of the beginning token.
        end: id of the end token.
        pad: stands after the end token.
        max_new_tokens: words to write at most, 1 to the text branch's length.

    Raises:
        ValueError: `max_new_tokens` is out of range.
    """
    longest = model.trunk.options.text_length
    if not 1 <= max_new_tokens <= longest:
        raise ValueError(f"max_new_tokens must be within 1..{longest}, got {max_new_tokens}")
    tokens = model.visual_tokens(images)
    words = torch.full((len(tokens.mask), 1), begin, device=tokens.features.device)
    finished = torch.zeros(len(words), dtype=torch.bool, device=words.device)
    for _ in range(max_new_tokens):
        logits = model.words(tokens, words, torch.ones_like(words, dtype=torch.bool), attention="causal")
        chosen = torch.where(finished, pad, logits[:, -1].argmax(-1))
        finished = finished | (chosen == end)
        words = torch.cat([words, chosen[:, None]], dim=1)
    return words[:, 1:]
