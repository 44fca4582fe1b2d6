"""Contrasts by resampling: bootstrap intervals from shared draws, and the sign-flip test."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ablation_stats._bca import summarise_bootstrap
from ablation_stats._compare_t import estimate_t
from ablation_stats._contrast import Contrast
from ablation_stats._cube import PairedCube
from ablation_stats._draws import draw_contrasts
from ablation_stats._result import Estimate
from ablation_stats._sign_flip import sign_flip
from ablation_stats._streams import draw_seed
from ablation_stats._t_interval import require_target
from ablation_stats._variance import cluster_sums

FEWEST_SEEDS = 10
FEWEST_FLIPS = 6


def estimate_bootstrap(
    cube: PairedCube,
    contrasts: Sequence[Contrast],
    matrix: np.ndarray,
    *,
    generalize_to: str,
    level: float,
    interval: str,
    n_resamples: int,
    rng: np.random.Generator | int | None,
    threads: int | None,
) -> list[Estimate]:
    """Bootstrap estimates of all `contrasts`, row for row those of `matrix`, from one set of resamples.

    Raises:
        ValueError: fewer than ten seeds to resample, too few clusters, no generator, fewer than 100 resamples.
    """
    _require_resamples(n_resamples)
    require_target(contrasts[0], generalize_to)
    seeds = contrasts[0].scores.shape[0]
    require_seeds(seeds, generalize_to)
    seed = draw_seed(rng)
    if not matrix.any():
        return [estimate_t(each, generalize_to=generalize_to, level=level) for each in contrasts]
    codes = contrasts[0].codes
    draws = draw_contrasts(
        cube,
        matrix,
        generalize_to=generalize_to,
        n_resamples=n_resamples,
        seed=seed,
        codes=codes,
        threads=threads,
    )
    found = []
    for at, contrast in enumerate(contrasts):
        shown = estimate_t(contrast, generalize_to=generalize_to, level=level)
        if shown.se <= 0.0:
            found.append(shown)
            continue
        summary = summarise_bootstrap(
            draws.values[:, at],
            float(draws.estimates[at]),
            kind=interval,
            level=level,
            jackknife=[left_out[:, at] for left_out in draws.jackknife],
            resolution=draws.resolution,
        )
        found.append(
            replace(
                shown,
                estimate=float(draws.estimates[at]),
                se=summary.se,
                ci_low=summary.interval.low,
                ci_high=summary.interval.high,
                p_value=summary.p,
                df=None,
                unit="crossed" if generalize_to == "both" else shown.unit,
                method=f"bootstrap ({interval})",
                n_resamples=n_resamples,
                rng_seed=seed,
            )
        )
    return found


def require_seeds(seeds: int, generalize_to: str) -> None:
    """Raise where a bootstrap would resample too few seeds.

    Raises:
        ValueError: fewer than ten seeds, unless `generalize_to` is "items".
    """
    if generalize_to != "items" and seeds < FEWEST_SEEDS:
        raise ValueError(
            f"a bootstrap resamples seeds only from {FEWEST_SEEDS} up (over 3 it covers 75 % for 95), got {seeds}; "
            'use method="t", or generalize_to="items"'
        )


def estimate_sign_flip(
    contrast: Contrast,
    *,
    generalize_to: str,
    level: float,
    n_resamples: int,
    rng: np.random.Generator | int | None,
    threads: int | None,
) -> Estimate:
    """Sign-flip test of a contrast, by cluster of items or by seed, and the interval that inverts it.

    Raises:
        ValueError: `generalize_to` is "both", which has no sign-flip test; too few units; no generator where
            there are too many units to enumerate.
    """
    _require_resamples(n_resamples)
    if generalize_to == "both":
        raise ValueError(
            'sign flips speak about items or seeds, not both; use generalize_to="items", or method="t"'
        )
    shown = estimate_t(contrast, generalize_to=generalize_to, level=level)
    if shown.se <= 0.0:
        return shown
    if generalize_to == "seeds":
        sums, sizes = (
            contrast.scores.sum(axis=1),
            np.full(contrast.scores.shape[0], float(contrast.scores.shape[1])),
        )
    else:
        sums = cluster_sums(contrast.scores.mean(axis=0), contrast.codes, contrast.n_clusters)
        sizes = np.bincount(contrast.codes).astype(np.float64)
    needs_draws = sums.size > 20
    seed = draw_seed(rng) if needs_draws else 0
    result = sign_flip(sums, sizes, level=level, n_resamples=n_resamples, seed=seed, threads=threads)
    few = (
        (f"With {sums.size} units to flip, p cannot fall below {2.0 ** (1 - sums.size):.3g}.",)
        if sums.size < FEWEST_FLIPS
        else ()
    )
    return replace(
        shown,
        ci_low=result.interval.low,
        ci_high=result.interval.high,
        p_value=result.p,
        df=None,
        method="sign-flip" + (" (exact)" if result.n_resamples is None else ""),
        n_resamples=result.n_resamples,
        rng_seed=seed if needs_draws else None,
        warnings=(*shown.warnings, *few),
    )


def _require_resamples(n_resamples: int) -> None:
    if n_resamples < 100:
        raise ValueError(f"n_resamples must be at least 100, got {n_resamples}")
