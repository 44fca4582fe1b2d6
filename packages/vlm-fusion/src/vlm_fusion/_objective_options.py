"""Which objectives a model is trained on, and how much each weighs. Free of torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ._checks import Real, require_count, require_member, require_positive
from ._names import nearest_name

OBJECTIVES: Mapping[str, str] = {
    "contrastive": "image-text contrast over the whole global batch (ITC)",
    "language-modelling": "the caption, word by word, given the image (LM)",
    "masked-language-modelling": "hidden words of the caption, given the image and the other words (MLM)",
    "matching": "whether image and text belong together, against hard negatives (ITM)",
}
WHOLE_BATCH = ("contrastive", "matching")
NEGATIVES = ("hard", "uniform")


def list_objectives() -> list[str]:
    """Names of the training objectives, sorted.

    >>> "matching" in list_objectives()
    True
    """
    return sorted(OBJECTIVES)


def parse_weights(weights: str, *, names: tuple[str, ...]) -> dict[str, float]:
    """Weights by objective from a short form such as `1:0.5:2`.

    Args:
        weights: numbers with colons between them, one per name.
        names: the objectives in the same order.

    Raises:
        ValueError: a number is missing or is none.

    >>> parse_weights("1:0.5", names=("contrastive", "matching"))
    {'contrastive': 1.0, 'matching': 0.5}
    """
    parts = weights.split(":")
    if len(parts) != len(names):
        raise ValueError(
            f"{weights!r} has {len(parts)} weights for {len(names)} objectives: {', '.join(names)}"
        )
    try:
        return {name: float(part) for name, part in zip(names, parts, strict=True)}
    except ValueError as error:
        raise ValueError(f"{weights!r} is not a row of numbers with colons between them") from error


@dataclass(frozen=True, kw_only=True)
class ObjectiveOptions:
    """Objectives and their weights.

    Attributes:
        weights: weight of each objective, 0 or more, not all 0; an objective that is not named is left out.
        embedding_width: units of the vectors that are contrasted.
        mask_share: share of the words hidden for masked language modelling, above 0, at most 1.
        accumulation: micro-batches per optimizer step. The contrast and its hard negatives need the whole global
            batch at once, so above 1 they are refused.
        negatives: how matching draws its wrong pairs: `hard` (the likelier the more similar, by the contrast) or
            `uniform` (evenly among other captions; the control, and what is left without a contrast).
    """

    weights: Mapping[str, float] = field(default_factory=lambda: {"contrastive": 1.0, "matching": 1.0})
    embedding_width: int = 64
    mask_share: float = 0.15
    accumulation: int = 1
    negatives: str = "hard"

    def __post_init__(self) -> None:
        """Checks names and ranges."""
        for name, weight in self.weights.items():
            if name not in OBJECTIVES:
                raise nearest_name("objective", name, OBJECTIVES)
            if not isinstance(weight, Real) or not 0 <= weight < float("inf"):
                raise ValueError(f"ObjectiveOptions: the weight of {name} must be 0 or more, got {weight!r}")
        if sum(self.weights.values()) == 0:
            raise ValueError(f"ObjectiveOptions: weights must not sum to zero, got {dict(self.weights)}")
        require_count(
            "ObjectiveOptions", embedding_width=self.embedding_width, accumulation=self.accumulation
        )
        require_member("ObjectiveOptions", "negatives", self.negatives, NEGATIVES)
        require_positive("ObjectiveOptions", mask_share=self.mask_share)
        if self.mask_share > 1:
            raise ValueError(f"ObjectiveOptions: mask_share must be at most 1, got {self.mask_share}")
        whole = [name for name in WHOLE_BATCH if self.weights.get(name, 0) > 0]
        if whole and self.accumulation > 1:
            raise ValueError(
                f"ObjectiveOptions: {' and '.join(whole)} compare all pairs of the global batch, which accumulation "
                f"over {self.accumulation} micro-batches never holds at once; use accumulation 1 and more ranks"
            )
        if whole == ["matching"] and self.negatives == "hard":
            raise ValueError(
                "ObjectiveOptions: hard negatives of matching are drawn by the contrast; give contrastive a weight, or "
                "draw them with negatives='uniform'"
            )

    @property
    def active(self) -> tuple[str, ...]:
        """The objectives with a weight above 0, sorted."""
        return tuple(sorted(name for name, weight in self.weights.items() if weight > 0))
