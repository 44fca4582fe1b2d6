"""Which budgets a training step uses: a function of (seed, step) alone, so the same on every rank. No torch."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from ._names import named_options

# Keeps these draws apart from other streams that are keyed by (seed, step) as well.
_STREAM = 0x746F6B656E


@runtime_checkable
class Schedule(Protocol):
    """What every schedule offers."""

    def budgets(self, seed: int, step: int) -> tuple[int, ...]:
        """The budgets of a step; with several, the step's loss is the mean of the losses at each."""

    def expected(self, step: int) -> float:
        """The mean number of tokens per pass at a step."""


def _uniform(seed: int, step: int) -> float:
    if seed < 0 or step < 0:
        raise ValueError(f"seed and step must be at least 0, got {seed} and {step}")
    return float(np.random.default_rng((_STREAM, seed, step)).random())


def _check_budgets(budgets: tuple[int, ...]) -> None:
    if not budgets or min(budgets) < 1 or len(set(budgets)) < len(budgets):
        raise ValueError(f"budgets must be different numbers from 1, got {budgets}")


@dataclass(frozen=True, kw_only=True)
class Fixed:
    """The same budget in every step.

    >>> Fixed(budget=64).budgets(seed=0, step=9)
    (64,)
    """

    budget: int

    def __post_init__(self) -> None:
        _check_budgets((self.budget,))

    def budgets(self, seed: int, step: int) -> tuple[int, ...]:
        """The one budget."""
        return (self.budget,)

    def expected(self, step: int) -> float:
        """The one budget."""
        return float(self.budget)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One budget drawn for each step (TokenFLEX, arXiv:2504.03154: 64, 144, 256 with 2:3:5).

    Attributes:
        choices: the budgets to draw from.
        weights: their relative frequencies, above 0.

    >>> Choice(choices=(64, 144, 256), weights=(2, 3, 5)).expected(step=0)
    184.0
    """

    choices: tuple[int, ...] = (64, 144, 256)
    weights: tuple[float | int, ...] = (2, 3, 5)

    def __post_init__(self) -> None:
        _check_budgets(self.choices)
        if len(self.weights) != len(self.choices) or not all(
            0 < weight < math.inf for weight in self.weights
        ):
            raise ValueError(f"one finite weight above 0 for each of {self.choices}, got {self.weights}")

    def budgets(self, seed: int, step: int) -> tuple[int, ...]:
        """The budget drawn for the step."""
        edges = np.cumsum(self.weights) / math.fsum(self.weights)
        place = int(np.searchsorted(edges[:-1], _uniform(seed, step), side="right"))
        return (self.choices[place],)

    def expected(self, step: int) -> float:
        """The weighted mean."""
        total = math.fsum(b * w for b, w in zip(self.choices, self.weights, strict=True))
        return total / math.fsum(self.weights)


@dataclass(frozen=True, kw_only=True)
class Matryoshka:
    """Every scale in every step, the loss averaged over them (M3, arXiv:2405.17430).

    Attributes:
        scales: the budgets; with average pooling each must fit the grid (24 x 24: 1, 9, 36, 144, 576).
    """

    scales: tuple[int, ...] = (1, 9, 36, 144, 576)

    def __post_init__(self) -> None:
        _check_budgets(self.scales)

    def budgets(self, seed: int, step: int) -> tuple[int, ...]:
        """All scales."""
        return self.scales

    def expected(self, step: int) -> float:
        """The mean of the scales; their sum is what a step costs."""
        return math.fsum(self.scales) / len(self.scales)


@dataclass(frozen=True, kw_only=True)
class QueryPrefix:
    """A prefix length drawn evenly for each step (MQT, arXiv:2405.19315: even numbers from 2 to 256).

    Attributes:
        highest: the number of learned queries.
        multiple: lengths are its multiples, up to `highest`, which must be one.
    """

    highest: int = 256
    multiple: int = 2

    def __post_init__(self) -> None:
        if self.multiple < 1 or self.highest < self.multiple or self.highest % self.multiple:
            raise ValueError(
                f"highest must be a multiple of multiple, got {self.highest} and {self.multiple}"
            )

    def budgets(self, seed: int, step: int) -> tuple[int, ...]:
        """The length drawn for the step."""
        lengths = self.highest // self.multiple
        return (self.multiple * (1 + int(_uniform(seed, step) * lengths)),)

    def expected(self, step: int) -> float:
        """The middle of the lengths."""
        return (self.multiple + self.highest) / 2


@dataclass(frozen=True, kw_only=True)
class Curriculum:
    """Schedules one after the other.

    Attributes:
        stages: each a schedule and the number of steps it lasts; the last one lasts on, so its number is 0.

    >>> plan = Curriculum(stages=((Fixed(budget=256), 10), (Choice(), 0)))
    >>> plan.budgets(seed=0, step=9), plan.expected(step=10)
    ((256,), 184.0)
    """

    stages: tuple[tuple[Schedule, int], ...]

    def __post_init__(self) -> None:
        lengths = [steps for _, steps in self.stages]
        if not lengths or min(lengths[:-1], default=1) < 1 or lengths[-1] != 0:
            raise ValueError(
                f"every stage but the last lasts at least 1 step, the last 0 (for ever), got {lengths}"
            )

    def _at(self, step: int) -> Schedule:
        end = 0
        for schedule, steps in self.stages[:-1]:
            end += steps
            if step < end:
                return schedule
        return self.stages[-1][0]

    def budgets(self, seed: int, step: int) -> tuple[int, ...]:
        """The budgets of the stage that the step lies in."""
        return self._at(step).budgets(seed, step)

    def expected(self, step: int) -> float:
        """The mean of the stage that the step lies in."""
        return self._at(step).expected(step)


SCHEDULES: dict[str, type] = {
    "choice": Choice,
    "curriculum": Curriculum,
    "fixed": Fixed,
    "matryoshka": Matryoshka,
    "query-prefix": QueryPrefix,
}


def list_schedules() -> list[str]:
    """Names of all schedules, sorted.

    >>> list_schedules()
    ['choice', 'curriculum', 'fixed', 'matryoshka', 'query-prefix']
    """
    return sorted(SCHEDULES)


def create_schedule(name: str, options: Mapping[str, Any] | None = None) -> Schedule:
    """The checked schedule of that name.

    Args:
        name: a name of `list_schedules()`.
        options: values for its fields; stages of a curriculum are schedules themselves.

    Raises:
        ValueError: no such schedule, no such option, or a value out of its range.

    >>> create_schedule("fixed", {"budget": 64})
    Fixed(budget=64)
    """
    schedule: Schedule = named_options("schedule", name, SCHEDULES, options)
    return schedule
