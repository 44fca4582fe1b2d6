"""The words in which sentences write a metric and what it is measured on: as stored, or in points, of questions about images."""

import math
from dataclasses import dataclass

from ablation_stats._result import Estimate


@dataclass(frozen=True, kw_only=True)
class Unit:
    """How sentences write differences and margins of a metric.

    Attributes:
        factor: what a stored value is multiplied with, above 0: 100 for points of a share.
        name: follows a number ("points"); empty for none.
        decimals: digits after the point; None takes two digits of an interval's half-width, as no more is known.
        items: what items are called ("questions").
        clusters: what clusters of items are called ("images").

    Raises:
        ValueError: a factor that is not above 0, or fewer than 0 decimals.

    >>> Unit(factor=100, name="points", decimals=1).amount(0.02)
    '2.0 points'
    """

    factor: float = 1.0
    name: str = ""
    decimals: int | None = None
    items: str = "items"
    clusters: str = "clusters of items"

    def __post_init__(self) -> None:
        """Check the numbers where they are written."""
        if not (math.isfinite(self.factor) and self.factor > 0):
            raise ValueError(f"factor must be finite and above 0, got {self.factor!r}")
        if self.decimals is not None and self.decimals < 0:
            raise ValueError(f"decimals must be at least 0, got {self.decimals}")

    def interval(self, found: Estimate) -> str:
        """A difference with its interval and the interval's level: "−1.3 points (95 % interval −2.0 to −0.6)"."""
        half = self.factor * (found.ci_high - found.ci_low) / 2
        digits = self.decimals
        if digits is None:
            digits = max(0, 1 - math.floor(math.log10(half))) if half > 0 and math.isfinite(half) else 4
        estimate, low, high = (
            _signed(self.factor * each, digits) for each in (found.estimate, found.ci_low, found.ci_high)
        )
        return f"{estimate}{self._named} ({100 * found.level:g} % interval {low} to {high})"

    def amount(self, value: float) -> str:
        """A size without a sign, such as a margin; one too small for the decimals is said to be below the least."""
        shown = self.factor * value
        if self.decimals is None:
            return f"{shown:.3g}{self._named}"
        least = 10.0**-self.decimals
        below = 0 < shown < least / 2
        return f"{'below ' if below else ''}{least if below else shown:.{self.decimals}f}{self._named}"

    def signed(self, value: float) -> str:
        """A difference with its sign, without an interval."""
        shown = self.factor * value
        if self.decimals is None:
            return f"{shown:+.3g}{self._named}".replace("-", "−")
        return f"{_signed(shown, self.decimals)}{self._named}"

    @property
    def _named(self) -> str:
        return f" {self.name}" if self.name else ""


AS_STORED = Unit()


def _signed(value: float, digits: int) -> str:
    """A number with its sign, a true minus; nothing has the sign of zero."""
    shown = f"{round(value, digits) + 0.0:+.{digits}f}"
    return shown[1:] if not any(digit in shown for digit in "123456789") else shown.replace("-", "−")
