"""Parts of a report that only some studies have."""

from dataclasses import dataclass

from ablation_runner.results._arms import Interval

# What an arm costs, the cost that is looked at first first: attribute of an arm to what it is called.
COSTS = {
    "macs": "MACs per question",
    "parameters": "parameters",
    "visual_tokens": "visual tokens",
    "train_seconds": "training time",
}


@dataclass(frozen=True, kw_only=True)
class TransferTable:
    """Scores by training level and test level of one number that both vary.

    Attributes:
        quantity: what varies, in words ("visual tokens").
        trained: levels trained at, rising, then names of other arms, one per row; tested: levels tested at, rising, one per column.
        means: estimate of each cell, row by row; None where a cell was not tested.
        losses: this cell minus the arm trained at the column's level, row by row; None for that arm itself, and
            where there is none.
    """

    quantity: str
    trained: tuple[str, ...]
    tested: tuple[str, ...]
    means: tuple[tuple[float | None, ...], ...]
    losses: tuple[tuple[Interval | None, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An arm that is cheaper than the reference of a recommendation.

    Attributes:
        arm: its name.
        difference: to the reference, with a 90 % interval; None where it does not vary.
        p_adjusted: one-sided, of losing the margin or more, over all candidates; None likewise.
        non_inferior: shown to lose less than the margin.
    """

    arm: str
    difference: Interval | None
    p_adjusted: float | None
    non_inferior: bool


@dataclass(frozen=True, kw_only=True)
class Recommendation:
    """What the study recommends to take.

    Attributes:
        arm: the arm; None where none can be recommended in the baseline's place.
        reference: the arm whose score is to be held: the best shown to be better than the baseline, or the baseline.
        margin: the largest loss accepted, in the metric's unit.
        cost: what is saved, in words; empty where no arm is cheaper than the reference.
        budget: a cost, a key of COSTS, to the most that a recommended arm may cost.
        over_budget: the arms that cost more than it, or whose cost is not known.
        left_out: the arms that nobody could use.
        candidates: the cheaper arms, from the cheapest up.
        blocked: why nothing can be recommended whatever the arms scored; else empty.
    """

    arm: str | None
    reference: str
    margin: float
    cost: str
    budget: dict[str, float]
    over_budget: tuple[str, ...]
    left_out: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    blocked: str


@dataclass(frozen=True, kw_only=True)
class FrontPoint:
    """One arm in the plane of cost and score.

    Attributes:
        arm: its name.
        on_front: no arm is at least as good in both and better in one.
        probability: share of the resamples of images in which that holds.
    """

    arm: str
    on_front: bool
    probability: float


@dataclass(frozen=True, kw_only=True)
class CostFront:
    """The Pareto front: `kind` is the cost, a key of COSTS; points from the cheapest up."""

    kind: str
    points: tuple[FrontPoint, ...]
