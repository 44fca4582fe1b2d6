"""What is learned, as a person writes it: `answers`, `text`, or a weighted sum of objectives."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vlm_fusion import ObjectiveOptions

ANSWERS, TEXT = "answers", "text"
_TERM = re.compile(r"(?:([0-9.]+(?:e-?[0-9]+)?)\s+)?([a-z-]+)")


def parse_objectives(text: str) -> dict[str, float]:
    """The weight of each objective.

    Args:
        text: `answers` (of the language model, about images), `text` (the same without images), or objectives of
            vlm-fusion joined by `+`, each with its weight before it where that is not 1.

    Raises:
        ValueError: an unknown objective, one named twice, or weights that vlm-fusion refuses.

    >>> parse_objectives("contrastive + 0.5 matching")
    {'contrastive': 1.0, 'matching': 0.5}
    """
    weights: dict[str, float] = {}
    for term in text.split("+"):
        found = _TERM.fullmatch(term.strip())
        if found is None:
            raise ValueError(
                f"objectives are names joined by +, with a weight before a name: {term.strip()!r} is none"
            )
        weight, name = found.groups()
        if name in weights:
            raise ValueError(f"objective {name!r} is named twice")
        weights[name] = float(weight or 1)
    if len(weights) == 1 and set(weights) <= {ANSWERS, TEXT}:
        return weights
    if alone := sorted(set(weights) & {ANSWERS, TEXT}):
        raise ValueError(
            f"{alone[0]!r} stands alone: it is learned by another model than the other objectives"
        )
    pair_options(weights)
    return weights


def pair_options(weights: dict[str, float], *, accumulation: int = 1) -> "ObjectiveOptions":
    """The options of vlm-fusion for weights of objectives.

    Hard negatives of matching are drawn by the contrast; without it they are drawn evenly.

    Raises:
        ValueError: an unknown objective, weights that sum to zero, or micro-batches where all pairs are compared.

    >>> pair_options({"matching": 1.0}).negatives
    'uniform'
    """
    from vlm_fusion import ObjectiveOptions

    negatives = "hard" if weights.get("contrastive", 0) > 0 else "uniform"
    return ObjectiveOptions(weights=weights, negatives=negatives, accumulation=accumulation)
