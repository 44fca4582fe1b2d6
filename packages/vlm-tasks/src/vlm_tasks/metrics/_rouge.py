"""ROUGE-L of a caption as the COCO evaluation gives it (Lin, 2004)."""

from collections.abc import Sequence

from ._caption_tokens import caption_tokens
from ._types import INVALID, ItemScore, Reference

BETA = 1.2


def longest_common(first: Sequence[str], second: Sequence[str]) -> int:
    """The length of the longest common subsequence.

    >>> longest_common(["a", "b", "c"], ["a", "x", "c"])
    2
    """
    row = [0] * (len(second) + 1)
    for word in first:
        above, row = row, [0]
        for j, other in enumerate(second):
            row.append(above[j] + 1 if word == other else max(above[j + 1], row[-1]))
    return row[-1]


def rouge_l(prediction: str, reference: Reference) -> ItemScore:
    """The F score (beta 1.2) of the best precision and the best recall over references; empty is invalid.

    The two bests may come from different references, as in the COCO evaluation.

    Raises:
        ValueError: no reference has a word.

    >>> rouge_l("a cat sat", Reference(["a cat sat"])).value
    1.0
    """
    words = caption_tokens(prediction)
    if not words:
        return INVALID
    references = [tokens for answer in reference.answers if (tokens := caption_tokens(answer))]
    if not references:
        raise ValueError(f"ROUGE-L needs a reference with words; got {list(reference.answers)}")
    common = [longest_common(words, tokens) for tokens in references]
    precision = max(length / len(words) for length in common)
    recall = max(length / len(tokens) for length, tokens in zip(common, references, strict=True))
    if precision == 0:
        return ItemScore(0.0)
    return ItemScore((1 + BETA**2) * precision * recall / (recall + BETA**2 * precision))
