"""Knees and fitted curves of a frame, with intervals from joint resamples of all doses."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablation_stats._broken_stick import broken_sticks, knee_broken_stick
from ablation_stats._cube import PairedCube, as_cube
from ablation_stats._joint_draws import JointDraws, draw_means, numbers_of_arms, resampled_unit
from ablation_stats._kneedle import kneedle, kneedles
from ablation_stats._power_law import fit_power_law, refit_power_laws
from ablation_stats._refuse import require_known, require_level
from ablation_stats._result import Estimate
from ablation_stats._saturating import fit_saturating, saturating_curves

Array = NDArray[np.float64]
# From doses and scores to the parameters by name; from log2 doses, scores and draws `[rows, doses]` to `[rows, parameters]`.
Curve = tuple[Callable[[Array, Array], dict[str, float]], Callable[[Array, Array, Array], Array]]

LARGEST_LOST = 0.05


def fit_curve(
    frame: Any,
    *,
    doses: Mapping[str, float],
    curve: str,
    rng: np.random.Generator | int,
    metric: str | None = None,
    task: str | None = None,
    generalize_to: str = "items",
    level: float = 0.95,
    n_resamples: int = 999,
    threads: int | None = None,
) -> tuple[Estimate, ...]:
    """The knee, or the parameters, of the curve through the means of arms of rising dose, with percentile intervals.

    All doses are resampled together and the curve is fitted anew to each resample.

    Args:
        frame: long frame or cube.
        doses: dose per arm, above 0 (tokens, queries, examples); other arms are left aside.
        curve: "broken-stick" and "kneedle" (in log2 of the dose) for the knee, "power-law" (a loss that falls to a
            floor), "saturating" (a score that rises to a ceiling).
        rng: generator, or a seed.
        metric: metric to read, where the frame holds several.
        task: likewise.
        generalize_to: "items" (clusters are resampled), or "seeds" or "both" with at least ten seeds.
        level: coverage of each interval, 0..1.
        n_resamples: draws, at least 100.
        threads: worker threads; the numbers do not depend on it.

    Raises:
        ValueError: an unknown curve, an arm that the frame lacks, as the curve's own function, or as `paired_difference`
            by bootstrap.
    """
    require_known(curve, tuple(CURVES), what="curve")
    require_level(level)
    arms = sorted(doses, key=lambda arm: doses[arm])
    cube = as_cube(frame, arms=arms, metric=metric, task=task)
    dose = numbers_of_arms(doses, arms, what="doses", positive=True)
    draws = draw_means(
        cube, arms, generalize_to=generalize_to, n_resamples=n_resamples, rng=rng, threads=threads
    )
    fit, refit = CURVES[curve]
    parameters = fit(dose, draws.means)
    redrawn = refit(np.log2(dose), draws.means, draws.values)
    return tuple(
        _estimate(cube, curve, name, value, redrawn[:, at], draws, generalize_to, level)
        for at, (name, value) in enumerate(parameters.items())
    )


def _estimate(
    cube: PairedCube,
    curve: str,
    name: str,
    value: float,
    drawn: Array,
    draws: JointDraws,
    generalize_to: str,
    level: float,
) -> Estimate:
    kept = drawn[np.isfinite(drawn)]
    lost = 1 - kept.size / drawn.size
    if lost > LARGEST_LOST:
        raise ValueError(
            f"the {curve} has no {name} in {lost:.0%} of the resamples: the data do not support it"
        )
    low, high = np.quantile(kept, [(1 - level) / 2, (1 + level) / 2])
    said = (f"{lost:.1%} of the resamples have no {name} and are left out.",) if lost else ()
    return Estimate(
        name=f"{name} ({curve})",
        metric=cube.metric,
        estimate=value,
        se=float(kept.std(ddof=1)),
        ci_low=float(low),
        ci_high=float(high),
        level=level,
        p_value=None,
        df=None,
        n_items=cube.items.len(),
        n_clusters=cube.clusters.len(),
        n_seeds=len(cube.seeds),
        unit=resampled_unit(cube, generalize_to),
        method="bootstrap (percentile)",
        n_resamples=drawn.size,
        rng_seed=draws.seed,
        warnings=(*cube.left_out, *said),
    )


def _fit_stick(dose: Array, scores: Array) -> dict[str, float]:
    found = knee_broken_stick(dose, scores)
    return {"knee": found.knee, "slope before": found.slope_before, "slope after": found.slope_after}


def _refit_sticks(logs: Array, _: Array, draws: Array) -> Array:
    found = broken_sticks(logs, draws)
    return np.stack([2.0**found.knee, found.before, found.after], axis=1)


def _fit_law(size: Array, losses: Array) -> dict[str, float]:
    law = fit_power_law(size, losses)
    return {"floor": law.floor, "scale": law.scale, "exponent": law.exponent}


def _refit_laws(logs: Array, losses: Array, draws: Array) -> Array:
    law = fit_power_law(2.0**logs, losses)
    return refit_power_laws(logs, draws, law, fixed=False, residuals="least-squares")


def _fit_saturation(dose: Array, scores: Array) -> dict[str, float]:
    found = fit_saturating(dose, scores)
    return {"ceiling": found.ceiling, "gap": found.gap, "exponent": found.exponent}


CURVES: dict[str, Curve] = {
    "broken-stick": (_fit_stick, _refit_sticks),
    "kneedle": (
        lambda dose, scores: {"knee": kneedle(dose, scores, scale="log2")},
        lambda logs, _, draws: np.asarray(2.0 ** kneedles(logs, draws)[:, None]),
    ),
    "power-law": (_fit_law, _refit_laws),
    "saturating": (_fit_saturation, lambda logs, _, draws: saturating_curves(logs, draws)[:3].T),
}
