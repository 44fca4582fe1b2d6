"""Probability of a claim's verdict under an assumed truth, by the very tests that `judge` runs."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ablation_stats._claim import Claim
from ablation_stats._error_model import ErrorModel
from ablation_stats._judge import POSITIVE
from ablation_stats._power import root_above

Vector = NDArray[np.float64]


class ClaimTest(NamedTuple):
    """The claim's kind and margin: all of it that its test reads."""

    kind: str
    margin: float


def right_verdict(test: ClaimTest, gain: float) -> str:
    """The verdict that a true `gain`, in the claim's direction, calls for."""
    holds = {
        "superiority": gain > test.margin,
        "equivalence": abs(gain) < test.margin,
        "non-inferiority": gain > -test.margin,
    }
    return POSITIVE[test.kind] if holds[test.kind] else "refuted"


def verdict_power(test: ClaimTest, gain: float, model: ErrorModel, *, alpha: float, verdict: str) -> float:
    """Probability that the study gives `verdict` when the true gain is `gain`.

    Args:
        test: of the claim.
        gain: true difference in the claim's direction, metric's unit.
        model: of the error.
        alpha: level of the claim's test, after correction for the number of claims.
        verdict: the positive one of the kind, or "refuted".
    """
    from scipy.special import ndtr

    def above(bound: Vector) -> Vector:
        return np.asarray(ndtr((gain - bound) / model.true_se))

    return verdict_probability(test, model, above, alpha=alpha, refuted=verdict == "refuted")


def verdict_probability(
    test: ClaimTest, model: ErrorModel, above: Callable[[Vector], Vector], *, alpha: float, refuted: bool
) -> float:
    """Probability of the positive verdict, or of "refuted", for any distribution of the estimated gain.

    Given the estimated error, each verdict is an interval of the estimated gain; its probability is averaged over the
    errors that the study may estimate.

    Args:
        test: of the claim.
        model: of the error.
        above: probability that the estimated gain exceeds each of some bounds.
        alpha: level of the claim's test.
        refuted: the verdict asked for.
    """
    from scipy.special import stdtrit

    tail = alpha / sides_of(test.kind, refuted=refuted)
    reach = stdtrit(model.df, 1 - tail) * model.se
    return float(model.weights @ _REGIONS[test.kind, refuted](test.margin, reach, above))


def sides_of(kind: str, *, refuted: bool) -> int:
    """Sides of the test by which `judge` gives a verdict: 2 for superiority and for refuting equivalence, else 1."""
    return 2 if kind == "superiority" or (kind == "equivalence" and refuted) else 1


def smallest_findable(test: ClaimTest, model: ErrorModel, *, alpha: float, power: float) -> float:
    """What the design can just show with `power`.

    For superiority the smallest true gain that is supported; for equivalence and non-inferiority the smallest margin
    that is shown when the arms do not differ.
    """
    kind = test.kind

    def excess(size: float) -> float:
        tried, gain = (test, test.margin + size) if kind == "superiority" else (ClaimTest(kind, size), 0.0)
        return verdict_power(tried, gain, model, alpha=alpha, verdict=POSITIVE[kind]) - power

    found = root_above(excess, start=model.true_se)
    return test.margin + found if kind == "superiority" else found


def claim_test(claim: Claim) -> ClaimTest:
    """The test of a claim."""
    return ClaimTest(claim.kind, claim.margin)


_Region = Callable[[float, Vector, Callable[[Vector], Vector]], Vector]
# Estimated gains that give each verdict, for a margin m and reach r = quantile x error; (kind, refuted?).
_REGIONS: dict[tuple[str, bool], _Region] = {
    ("superiority", False): lambda m, r, above: above(m + r),
    ("superiority", True): lambda m, r, above: 1 - above(m - r),
    ("equivalence", False): lambda m, r, above: np.maximum(above(r - m) - above(m - r), 0.0),
    ("equivalence", True): lambda m, r, above: above(m + r) + 1 - above(-m - r),
    ("non-inferiority", False): lambda m, r, above: above(r - m),
    ("non-inferiority", True): lambda m, r, above: 1 - above(-m - r),
}
