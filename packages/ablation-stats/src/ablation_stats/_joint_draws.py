"""Joint bootstrap draws of the means of arms, for what is made of several of them: fronts, knees, curves."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ablation_stats._compare_resampled import require_seeds
from ablation_stats._contrast import arm_contrast
from ablation_stats._cube import PairedCube
from ablation_stats._draws import draw_contrasts
from ablation_stats._refuse import require_known, sample
from ablation_stats._streams import draw_seed
from ablation_stats._t_interval import TARGETS, require_target


class JointDraws(NamedTuple):
    """Means of arms `[arms]`, their draws `[resamples, arms]`, the rounding error of a mean, and the seed."""

    means: NDArray[np.float64]
    values: NDArray[np.float64]
    resolution: float
    seed: int


def draw_means(
    cube: PairedCube,
    arms: Sequence[str],
    *,
    generalize_to: str,
    n_resamples: int,
    rng: np.random.Generator | int,
    threads: int | None,
) -> JointDraws:
    """Means of `arms` in every resample, from the same resampled clusters, seeds or both.

    Raises:
        ValueError: unknown names, too few clusters or seeds, fewer than 100 resamples.
    """
    require_known(generalize_to, TARGETS, what="generalize_to")
    if n_resamples < 100:
        raise ValueError(f"n_resamples must be at least 100, got {n_resamples}")
    require_target(arm_contrast(cube, arms[0]), generalize_to)
    require_seeds(len(cube.seeds), generalize_to)
    matrix = np.zeros((len(arms), len(cube.arms)))
    matrix[np.arange(len(arms)), [cube.index(arm) for arm in arms]] = 1.0
    seed = draw_seed(rng)
    draws = draw_contrasts(
        cube, matrix, generalize_to=generalize_to, n_resamples=n_resamples, seed=seed, threads=threads
    )
    return JointDraws(draws.estimates, draws.values, draws.resolution, seed)


def resampled_unit(cube: PairedCube, generalize_to: str) -> str:
    """What the draws resample, for the field `unit` of a result."""
    grouped = "cluster" if cube.clusters.len() < cube.items.len() else "item"
    return {"items": grouped, "seeds": "seed", "both": "crossed"}[generalize_to]


def numbers_of_arms(
    numbers: Mapping[str, float], arms: Sequence[str], *, what: str, positive: bool
) -> NDArray[np.float64]:
    """The number of each arm, in the order of `arms`.

    Raises:
        ValueError: an arm without one, a number that is not finite, or not above 0 where that is asked.
    """
    lacking = [arm for arm in arms if arm not in numbers]
    if lacking:
        raise ValueError(f"{what} must name every arm; arms {sample(lacking)} are missing")
    found = np.array([float(numbers[arm]) for arm in arms])
    bad = ~np.isfinite(found) | ((found <= 0) if positive else np.zeros(found.shape, dtype=bool))
    if bad.any():
        rule = "finite and above 0" if positive else "finite"
        wrong = [f"{arm} {value:g}" for arm, value, is_bad in zip(arms, found, bad, strict=True) if is_bad]
        raise ValueError(f"{what} must be {rule}; not so for {sample(wrong)}")
    return found
