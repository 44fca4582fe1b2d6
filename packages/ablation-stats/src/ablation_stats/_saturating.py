"""A score that rises towards a ceiling as a power of the dose."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ablation_stats._broken_stick import doses_and_scores
from ablation_stats._result import Tabular

Array = NDArray[np.float64]

EXPONENTS = np.geomspace(0.01, 10.0, 241)
GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True, kw_only=True)
class SaturatingCurve(Tabular):
    """S(N) = ceiling - gap * N^-exponent.

    Attributes:
        ceiling: score that no dose exceeds; gap: what is missing at a dose of 1; exponent: how fast the gap closes.
        rss: residual sum of squares, of scores.
    """

    ceiling: float
    gap: float
    exponent: float
    rss: float

    def predict(self, dose: ArrayLike) -> Array:
        """The score at each dose."""
        return np.asarray(self.ceiling - self.gap * np.asarray(dose, dtype=np.float64) ** -self.exponent)


def fit_saturating(dose: ArrayLike, score: ArrayLike) -> SaturatingCurve:
    """The curve S = C - B N^-b with the least squares, for scores that level off as the dose grows.

    For a given exponent the curve is linear, so only the exponent is searched, from 0.01 to 10. For losses fitted in
    logarithms take `fit_power_law`.

    Args:
        dose: tokens, queries, examples; distinct and above 0, at least 4.
        score: one per dose.

    Raises:
        ValueError: fewer than 4 doses, one twice or not above 0, scores that are all equal, or that do not level off
            (the best exponent is at an end of its range, so there is no ceiling to speak of).

    >>> curve = fit_saturating([1, 4, 16, 64], [0.4, 0.6, 0.7, 0.75])
    >>> round(curve.ceiling, 6), round(curve.exponent, 6)
    (0.8, 0.5)
    """
    logs, scores = doses_and_scores(dose, score, least=4)
    if np.ptp(scores) == 0:
        raise ValueError(f"all scores are {scores[0]:g}: no curve can be fitted")
    ceiling, gap, exponent, rss = saturating_curves(logs, scores[None])[:, 0].tolist()
    if not EXPONENTS[0] * 1.001 < exponent < EXPONENTS[-1] / 1.001:
        raise ValueError(
            f"the scores do not level off as a power of the dose: the best exponent, {exponent:.3g}, "
            f"is at an end of {EXPONENTS[0]:g}..{EXPONENTS[-1]:g}"
        )
    return SaturatingCurve(ceiling=ceiling, gap=gap, exponent=exponent, rss=rss)


def saturating_curves(logs: Array, scores: Array) -> Array:
    """Ceiling, gap, exponent and residual sum of squares `[4, rows]` of every row of `scores [rows, doses]`."""
    losses = np.stack([_linear(logs, scores, np.full(len(scores), each))[2] for each in EXPONENTS])
    best = losses.argmin(axis=0)
    low = np.log(EXPONENTS[np.maximum(best - 1, 0)])
    high = np.log(EXPONENTS[np.minimum(best + 1, EXPONENTS.size - 1)])
    for _ in range(60):
        left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        lower_left = _linear(logs, scores, np.exp(left))[2] <= _linear(logs, scores, np.exp(right))[2]
        low, high = np.where(lower_left, low, left), np.where(lower_left, right, high)
    exponent = np.exp((low + high) / 2)
    ceiling, gap, rss = _linear(logs, scores, exponent)
    return np.stack([ceiling, gap, exponent, rss])


def _linear(logs: Array, scores: Array, exponent: Array) -> tuple[Array, Array, Array]:
    """Ceiling, gap and residual sum of squares of every row for its own exponent: a straight line in N^-exponent."""
    u = np.exp2(-exponent[:, None] * (logs - logs[0]))
    centred_u, centred = u - u.mean(axis=1, keepdims=True), scores - scores.mean(axis=1, keepdims=True)
    slope = (centred_u * centred).sum(axis=1) / (centred_u**2).sum(axis=1)
    rss = ((centred - slope[:, None] * centred_u) ** 2).sum(axis=1)
    ceiling = scores.mean(axis=1) - slope * u.mean(axis=1)
    return ceiling, -slope * np.exp2(exponent * logs[0]), rss
