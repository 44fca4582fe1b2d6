"""How many seeds each arm was given in a study that adds them until its claims are decided."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SeedsGiven:
    """An arm, the seeds it was given, and why not fewer or more, in words."""

    arm: str
    seeds: int
    why: str


@dataclass(frozen=True, kw_only=True)
class SeedsAdded:
    """The rule, and what came of it.

    Attributes:
        fewest, most: seeds of every arm, and seeds after which an arm gets no more.
        spending: how the error is spent over the looks, in words.
        arms: in the study's order.
    """

    fewest: int
    most: int
    spending: str
    arms: tuple[SeedsGiven, ...]
