"""What a model reads from the masks and labels of its rows, and refuses in them."""

import torch
from jaxtyping import Bool, Int
from torch import Tensor, nn

from ._layout import question_starts
from ._rows import IGNORED


def row_segments(
    input_ids: Int[Tensor, "batch words"], attention_mask: Tensor | None, segments: Tensor | None
) -> Int[Tensor, "batch words"]:
    """The question number of each word, from what the caller has given.

    Raises:
        ValueError: shapes disagree, or the mask contradicts the segments.
    """
    for name, given in (("attention_mask", attention_mask), ("segments", segments)):
        if given is not None and given.shape != input_ids.shape:
            raise ValueError(
                f"{name} must have the shape of input_ids {tuple(input_ids.shape)}, got {tuple(given.shape)}"
            )
    if segments is None:
        return torch.ones_like(input_ids) if attention_mask is None else attention_mask.long()
    if attention_mask is not None and not torch.equal(attention_mask.bool(), segments > 0):
        raise ValueError("attention_mask must be true exactly where segments are above 0")
    return segments


def predicted(
    labels: Int[Tensor, "batch words"], segments: Int[Tensor, "batch words"]
) -> tuple[Bool[Tensor, "batch words"], Int[Tensor, " answers"]]:
    """Where a hidden state predicts a label, and the labels in the same order.

    Raises:
        ValueError: a label stands at the first word of a question, or on padding.
    """
    labelled = labels != IGNORED
    if bool((labelled & (question_starts(segments) | (segments == 0))).any()):
        raise ValueError("a label stands at the first word of a question or on padding: nothing predicts it")
    predicting = nn.functional.pad(labelled[:, 1:], (0, 1), value=False)
    return predicting, labels[labelled]


def require_context(positions: Int[Tensor, "batch n"], context: int) -> None:
    """Refuses rows that are longer than the language model's context.

    Args:
        positions: place of each token; on the meta device, where places have no values, the width of the rows counts.
        context: most places there are.

    Raises:
        ValueError: a token stands at a place that does not exist.
    """
    longest = positions.shape[1]
    if longest > context and not positions.is_meta:
        longest = int(positions.max()) + 1
    if longest > context:
        raise ValueError(f"a row reaches {longest} tokens, the context holds {context}")
