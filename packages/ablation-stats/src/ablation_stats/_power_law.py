"""Scaling laws: a loss that falls as a power of size towards a floor, fitted to logarithms."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ablation_stats._broken_stick import doses_and_scores
from ablation_stats._refuse import require_known
from ablation_stats._result import Tabular

Array = NDArray[np.float64]

RESIDUALS = ("least-squares", "huber")
HUBER = 1e-3
FLOOR_STARTS = (0.0, 0.5, 0.9, 0.99)


@dataclass(frozen=True, kw_only=True)
class PowerLaw(Tabular):
    """L(N) = floor + scale * N^-exponent.

    Attributes:
        floor: loss that no size removes, E; scale: A; exponent: alpha.
        rss: sum of squared differences of log L.
    """

    floor: float
    scale: float
    exponent: float
    rss: float

    def predict(self, size: ArrayLike) -> Array:
        """The loss at each size."""
        return np.asarray(self.floor + self.scale * np.asarray(size, dtype=np.float64) ** -self.exponent)


def fit_power_law(
    size: ArrayLike, loss: ArrayLike, *, floor: float | None = None, residuals: str = "least-squares"
) -> PowerLaw:
    """The power law L = E + A N^-alpha whose logarithm lies nearest to that of the losses.

    Args:
        size: parameters, tokens, examples; distinct and above 0, at least 4 (3 with a given floor).
        loss: one per size, above 0 and above a given floor.
        floor: E, where it is known (0 for a pure power law); None fits it, between 0 and the smallest loss.
        residuals: "least-squares", or "huber" with delta 1e-3, which lets a few sizes lie off the law (Hoffmann et al.,
            arXiv 2203.15556, section 3.3).

    Raises:
        ValueError: too few sizes, losses not above 0 or the floor, or that are all equal, unknown residuals.

    >>> law = fit_power_law([1, 10, 100, 1000], [2.0, 1.1, 1.01, 1.001])
    >>> round(law.floor, 4), round(law.exponent, 4)
    (1.0, 1.0)
    """
    require_known(residuals, RESIDUALS, what="residuals")
    logs, losses = doses_and_scores(size, loss, least=4 if floor is None else 3)
    if floor is not None and not (np.isfinite(floor) and floor >= 0):
        raise ValueError(f"floor must be finite and at least 0, got {floor!r}")
    if losses.min() <= (floor or 0.0):
        raise ValueError(f"loss must be above {floor or 0.0:g}, got {losses.min():g}")
    if np.ptp(losses) == 0:
        raise ValueError(f"all losses are {losses[0]:g}: no exponent can be fitted")
    starts = [_start(logs, losses, share * float(losses.min())) for share in FLOOR_STARTS]
    if floor is not None:
        starts = [_start(logs, losses, floor)]
    found = min(
        (_refine(logs, losses, start, floor, residuals) for start in starts), key=lambda each: each[1]
    )[0]
    scale, exponent, bottom = float(np.exp(found[0])), float(found[1]), float(found[2])
    law = PowerLaw(floor=bottom, scale=scale, exponent=exponent, rss=0.0)
    rss = float(((np.log(losses) - np.log(law.predict(2.0**logs))) ** 2).sum())
    return PowerLaw(floor=bottom, scale=scale, exponent=exponent, rss=rss)


def refit_power_laws(logs: Array, losses: Array, law: PowerLaw, *, fixed: bool, residuals: str) -> Array:
    """Floor, scale and exponent of every row of `losses [rows, sizes]`, each search started at `law`.

    NaN where a loss is not above 0 or a given floor.
    """
    found = np.full((losses.shape[0], 3), np.nan)
    start = np.array([np.log(law.scale), law.exponent, law.floor])
    for row, each in zip(found, losses, strict=True):
        if each.min() <= (law.floor if fixed else 0.0):
            continue
        here = start.copy()
        here[2] = min(here[2], 0.999 * float(each.min())) if not fixed else here[2]
        log_scale, exponent, floor = _refine(logs, each, here, law.floor if fixed else None, residuals)[0]
        row[:] = floor, np.exp(log_scale), exponent
    return found


def _start(logs: Array, losses: Array, floor: float) -> Array:
    """Log A and alpha by a straight line through log(L - E) for a guessed E."""
    slope, log_scale = np.polyfit(logs * np.log(2), np.log(losses - floor), 1)
    return np.array([log_scale, -slope, floor])


def _refine(
    logs: Array, losses: Array, start: Array, floor: float | None, residuals: str
) -> tuple[Array, float]:
    """The local minimum from `start`, and its cost; the floor stays where one is given."""
    from scipy.optimize import least_squares

    log_size, log_loss, smallest = logs * np.log(2), np.log(losses), float(losses.min())

    def parts(theta: Array) -> tuple[Array, float]:
        return np.exp(theta[0] - theta[1] * log_size), float(theta[2]) if floor is None else floor

    def differences(theta: Array) -> Array:
        falling, bottom = parts(theta)
        return np.asarray(np.log(bottom + falling) - log_loss)

    def slopes(theta: Array) -> Array:
        falling, bottom = parts(theta)
        columns = [falling, -falling * log_size, np.ones_like(falling)][: theta.size]
        return np.stack(columns, axis=1) / (bottom + falling)[:, None]

    free = 3 if floor is None else 2
    found = least_squares(
        differences,
        start[:free],
        jac=slopes,
        bounds=([-np.inf, -np.inf, 0.0][:free], [np.inf, np.inf, smallest][:free]),
        loss="linear" if residuals == "least-squares" else "huber",
        f_scale=1.0 if residuals == "least-squares" else HUBER,
        xtol=1e-12,
        ftol=1e-12,
        gtol=1e-12,
    )
    theta = found.x if floor is None else np.append(found.x, floor)
    return theta, float(found.cost)
