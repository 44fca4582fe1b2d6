"""The knee of a curve as the point farthest above its chord (Kneedle)."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ablation_stats._broken_stick import doses_and_scores, in_rising_order
from ablation_stats._refuse import require_known

SCALES = ("linear", "log2")


def kneedle(dose: ArrayLike, score: ArrayLike, *, scale: str = "linear") -> float:
    """The dose at which the curve, scaled to the unit square, rises farthest above the diagonal.

    Satopää et al., "Finding a 'Kneedle' in a Haystack" (ICDCS workshops 2011), offline: the largest difference curve
    value, without their smoothing and sensitivity. For a falling loss pass its negative.

    Args:
        dose: distinct, at least 3; above 0 for "log2".
        score: one per dose, rising and levelling off.
        scale: "linear" as in the paper, or "log2" of the dose.

    Raises:
        ValueError: unknown scale, doses as for `knee_broken_stick`, scores that are all equal, or a curve that nowhere
            rises above its chord.

    >>> kneedle([1, 2, 3, 4, 5], [0.0, 0.6, 0.9, 0.95, 1.0])
    3.0
    """
    require_known(scale, SCALES, what="scale")
    doses, scores = in_rising_order(dose, score, least=3)
    if np.ptp(scores) == 0:
        raise ValueError(f"all scores are {scores[0]:g}: there is no knee")
    x = doses_and_scores(dose, score, least=3)[0] if scale == "log2" else doses
    found = kneedles(x, scores[None])[0]
    if np.isnan(found):
        raise ValueError("the curve nowhere rises above its chord: there is no knee")
    return float(doses[x == found][0])


def kneedles(x: NDArray[np.float64], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """The knee of every row of `scores [rows, doses]` at rising `x`; NaN where the curve stays below its chord."""
    low, high = scores.min(axis=1, keepdims=True), scores.max(axis=1, keepdims=True)
    span = np.where(high > low, high - low, 1.0)
    above = (scores - low) / span - (x - x[0]) / (x[-1] - x[0])
    best = above.argmax(axis=1)
    return np.where(above.max(axis=1) > 1e-12, x[best], np.nan)
