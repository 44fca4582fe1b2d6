"""Intervals for proportions that stay honest at 0 % and 100 %."""

from typing import NamedTuple

from ablation_stats._refuse import require_level


class Interval(NamedTuple):
    """Both ends of an interval."""

    low: float
    high: float


def wilson_ci(successes: float, trials: float, *, level: float = 0.95) -> Interval:
    """Wilson's score interval of a proportion.

    Args:
        successes: 0..trials; may be fractional where `trials` is an effective sample size.
        trials: above 0.
        level: coverage, 0..1.

    Raises:
        ValueError: successes outside 0..trials, or level outside (0, 1).

    >>> round(wilson_ci(0.0, 20.0).high, 6)
    0.161125
    """
    from scipy.special import ndtri

    _require_counts(successes, trials)
    require_level(level)
    return score_interval(successes / trials, trials, float(ndtri(0.5 + level / 2)))


def score_interval(share: float, trials: float, quantile: float) -> Interval:
    """Score interval of a share observed on `trials`, for a normal or t `quantile`."""
    square = quantile * quantile
    centre = (share + square / (2 * trials)) / (1 + square / trials)
    half = quantile / (1 + square / trials) * (share * (1 - share) / trials + square / (4 * trials**2)) ** 0.5
    low = 0.0 if share <= 0.0 else max(0.0, centre - half)
    return Interval(low, 1.0 if share >= 1.0 else min(1.0, centre + half))


def exact_ci(successes: int, trials: int, *, level: float = 0.95) -> Interval:
    """Clopper and Pearson's exact interval of a proportion.

    Args:
        successes: whole number, 0..trials.
        trials: whole number above 0.
        level: coverage, 0..1.

    Raises:
        ValueError: counts that are not whole or outside 0..trials, or level outside (0, 1).

    >>> round(exact_ci(0, 20).high, 6)
    0.168433
    """
    from scipy.special import betaincinv

    _require_counts(float(successes), float(trials))
    require_level(level)
    if int(successes) != successes or int(trials) != trials:
        raise ValueError(f"an exact interval needs whole counts, got {successes!r} of {trials!r}")
    tail = (1 - level) / 2
    failures = trials - successes
    low = 0.0 if successes == 0 else float(betaincinv(successes, failures + 1, tail))
    high = 1.0 if failures == 0 else float(betaincinv(successes + 1, failures, 1 - tail))
    return Interval(low, high)


def constant_difference_ci(difference: float, pairs: int, *, level: float) -> Interval:
    """Interval of a paired difference of 0/1 scores when all `pairs` show the same one (-1, 0 or 1).

    With no discordant pair this is Tango's score interval, +-z^2 / (n + z^2); with only discordant pairs
    it is Wilson's interval of their share, carried to the difference.
    """
    from scipy.special import ndtri

    square = float(ndtri(0.5 + level / 2)) ** 2
    if difference == 0.0:
        return Interval(-square / (pairs + square), square / (pairs + square))
    reach = (pairs - square) / (pairs + square)
    return Interval(reach, 1.0) if difference > 0 else Interval(-1.0, -reach)


def _require_counts(successes: float, trials: float) -> None:
    if not 0 < trials < float("inf"):
        raise ValueError(f"trials must be finite and above 0, got {trials!r}")
    if not 0 <= successes <= trials:
        raise ValueError(f"successes must lie in 0..{trials}, got {successes!r}")
