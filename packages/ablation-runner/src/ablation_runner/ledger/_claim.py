"""A claim of the ledger: what the literature says of one arm against another, and where that is measured here."""

from dataclasses import dataclass
from typing import Literal

Expects = Literal["more", "less", "none"]
Unit = Literal["points", "ratio", "cider"]
# What a trial's result says, all of it as the literature's own number would change: a longer time is a larger ratio.
Quantity = Literal[
    "score", "train_seconds", "evaluate_seconds", "visual_tokens", "trainable_parameters", "macs"
]


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """What is compared in a study: scores as a difference of means, costs as a ratio.

    Attributes:
        study: a built-in study.
        arm, against: two of its arms, each perhaps tested under a condition ("256 @ 64").
        quantity: the score, or a cost.
        question_types: the questions whose scores count; all where empty.
        beyond: arm and against of a second difference of scores, which is taken from the first: what the one change
            does beyond what the other does.
    """

    study: str
    arm: str
    against: str
    quantity: Quantity = "score"
    question_types: tuple[str, ...] = ()
    beyond: tuple[str, str] | None = None

    @property
    def arms(self) -> tuple[str, ...]:
        """Every arm it names, as named in results."""
        return (self.arm, self.against, *(self.beyond or ()))


Asked = tuple[Contrast, float]  # what is measured, and the margin that equivalence is tested against


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A contrast that the literature gives a value or a direction for.

    Attributes:
        section, table, metric: where it stands; table and metric are empty for a statement of the brief.
        text: the claim in words.
        source: who says so.
        provenance: "reported", "typical" or "hypothesis".
        unit: "points" of a percentage, "cider" (points of CIDEr), or "ratio" of arm to against.
        low, high: the literature's value in that unit, two where it gives a range; None where it says only which way.
        expects: which way: "more", "less", or "none" for "makes no difference".
        margin: what counts as no difference: points, or a share of 1 for a ratio (0.1: from 1/1.1 to 1.1).
        conditions: under which the literature measured it.
        contrast: what is measured here for it; None where nothing can be.
        why: why nothing can be, else empty.
    """

    section: str
    table: str = ""
    metric: str = ""
    text: str
    source: str
    provenance: str
    unit: Unit
    low: float | None
    high: float | None
    expects: Expects
    margin: float
    conditions: str = ""
    contrast: Contrast | None = None
    why: str = ""

    @property
    def points_to(self) -> Expects | None:
        """Which way the literature's value points; None where it gives none."""
        if self.low is None or self.high is None:
            return None
        return direction(self.low, self.high, self.unit)


def direction(low: float, high: float, unit: Unit) -> Expects:
    """Which way a literature value points: "none" where its range holds no change.

    >>> direction(0.6, 0.6, "ratio"), direction(-8.0, -5.0, "points"), direction(0.0, 0.0, "points")
    ('less', 'less', 'none')
    """
    same = 1.0 if unit == "ratio" else 0.0
    if low > same:
        return "more"
    return "less" if high < same else "none"
