"""Resampling, mixed models, alignment and import against the libraries people use for them.

Each side of each case runs in a process of its own, one after the other; shown are the best wall and CPU seconds of a
few repeats, the peak memory of the process, and the ratio of the walls. Peers: scipy, statsmodels, evalstats, and the
plain loop over resampled clusters. A bound that is missed by more than half makes the script fail; `--tiny` runs
every case at a small size, where only correctness is looked at.
"""

import subprocess
import sys

import numpy as np
import polars as pl
from side_by_side import Case, Work, run


def differences(size: int, *, binary: bool) -> np.ndarray:
    """Paired differences of real or of 0/1 scores."""
    rng = np.random.default_rng(0)
    if binary:
        return (rng.random(size) < 0.8).astype(float) - (rng.random(size) < 0.78)
    return rng.normal(0.02, 1, size)


def ours_bca(scale: int, *, binary: bool) -> Work:
    """Our BCa interval of 5,000 paired differences."""
    from ablation_stats import bootstrap_ci

    gaps = differences(5000 // scale, binary=binary)
    return lambda: bootstrap_ci(gaps, rng=1, n_resamples=9999)


def scipy_bca(scale: int, *, binary: bool) -> Work:
    """The same paired interval by scipy, in batches of 100, which is its best."""
    from scipy import stats

    gaps = differences(5000 // scale, binary=binary)
    pair = (gaps, np.zeros_like(gaps))

    def mean_difference(a: np.ndarray, b: np.ndarray, axis: int = -1) -> np.ndarray:
        return np.asarray(a.mean(axis=axis) - b.mean(axis=axis))

    return lambda: stats.bootstrap(
        pair, mean_difference, paired=True, method="BCa", n_resamples=9999, batch=100, vectorized=True, rng=1
    )


def ours_flip(scale: int) -> Work:
    """Our sign-flip test and interval."""
    from ablation_stats._sign_flip import sign_flip

    gaps = differences(5000 // scale, binary=False)
    return lambda: sign_flip(gaps, np.ones(gaps.size), level=0.95, n_resamples=9999, seed=1)


def scipy_flip(scale: int) -> Work:
    """The permutation test of pairs by scipy."""
    from scipy import stats

    gaps = differences(5000 // scale, binary=False)
    return lambda: stats.permutation_test(
        (gaps,), np.mean, permutation_type="samples", n_resamples=9999, batch=100, vectorized=True, rng=1
    )


def clustered(scale: int) -> tuple[np.ndarray, np.ndarray]:
    """20,000 scores in 2,000 clusters of unequal size."""
    rng = np.random.default_rng(1)
    cluster = np.sort(rng.integers(0, 2000 // scale, 20_000 // scale))
    return rng.normal(0, 1, cluster.size), cluster


def ours_cluster(scale: int) -> Work:
    """Our cluster bootstrap."""
    from ablation_stats import bootstrap_ci

    scores, cluster = clustered(scale)
    return lambda: bootstrap_ci(scores, cluster=cluster, kind="percentile", rng=1, n_resamples=9999)


def loop_cluster(scale: int) -> Work:
    """Resampled clusters, their items gathered and averaged, one replicate at a time."""
    scores, cluster = clustered(scale)
    parts = np.split(np.arange(scores.size), np.flatnonzero(np.diff(cluster)) + 1)
    rng = np.random.default_rng(1)

    def work() -> np.ndarray:
        draws = [
            scores[np.concatenate([parts[at] for at in rng.integers(0, len(parts), len(parts))])].mean()
            for _ in range(9999 // LOOP_SHARE)
        ]
        return np.quantile(draws, [0.025, 0.975])

    return work


def ours_contrasts(scale: int) -> Work:
    """200 contrasts of the clustered scores from the same resamples."""
    from ablation_stats._resample import resample_sums

    sums = np.random.default_rng(2).normal(0, 1, (2000 // scale, 200))
    return lambda: np.quantile(resample_sums(sums, n_resamples=9999, seed=1), [0.025, 0.975], axis=0)


LOOP_SHARE = 20


def runs(scale: int) -> np.ndarray:
    """Scores of two arms under five seeds on 2,000 items."""
    return np.random.default_rng(3).normal(0, 1, (2, 5, 2000 // scale))


def ours_crossed(scale: int) -> Work:
    """Our crossed bootstrap of seeds and items."""
    from ablation_stats import paired_cube
    from ablation_stats._draws import draw_contrasts

    values = runs(scale)
    arm, seed, item = np.indices(values.shape)
    columns = {"arm": np.array(["a", "b"])[arm.ravel()], "seed": seed.ravel(), "item": item.ravel()}
    cube = paired_cube(pl.DataFrame(columns | {"value": values.ravel()}))
    matrix = np.array([[1.0, -1.0]])
    return lambda: draw_contrasts(cube, matrix, generalize_to="both", n_resamples=10_000, seed=1)


def evalstats_nested(scale: int) -> Work:
    """The nested bootstrap of runs within items of evalstats."""
    from evalstats.core.resampling import bootstrap_diffs_nested

    a, b = (np.ascontiguousarray(each.T) for each in runs(scale))
    return lambda: bootstrap_diffs_nested(a, b, 10_000, np.random.default_rng(1))


def groups(scale: int) -> tuple[np.ndarray, np.ndarray]:
    """20,000 rows in 2,000 groups with an intercept each."""
    rng = np.random.default_rng(4)
    group = rng.integers(0, 2000 // scale, 20_000 // scale)
    return rng.normal(0, 1, group.size) + rng.normal(0, 1, 2000)[group], group


def ours_intercept(scale: int) -> Work:
    """Our random-intercept model."""
    from ablation_stats import random_intercept

    y, group = groups(scale)
    return lambda: random_intercept(y, group)


def statsmodels_intercept(scale: int) -> Work:
    """The same model by statsmodels."""
    from statsmodels.regression.mixed_linear_model import MixedLM

    y, group = groups(scale)
    return lambda: MixedLM(y, np.ones((y.size, 1)), group).fit(reml=True)


def ours_align(scale: int) -> Work:
    """Two million rows with string ids in random order."""
    from ablation_stats import paired_cube

    arms, seeds, items = 10, 5, 40_000 // scale
    place = np.random.default_rng(5).permutation(arms * seeds * items)
    item = place % items
    names = {
        "arm": np.array([f"arm-{each}" for each in range(arms)])[place // (seeds * items)],
        "item": np.array([f"question-{each:07d}" for each in range(items)])[item],
        "cluster": np.array([f"image-{each // 4:07d}" for each in range(items)])[item],
    }
    frame = pl.DataFrame(names).with_columns(
        seed=pl.Series(place // items % seeds), value=pl.Series(place % 7 / 7)
    )
    return lambda: paired_cube(frame)


def ours_import(scale: int, *, code: str = "import ablation_stats") -> Work:
    """A fresh interpreter that imports the package."""
    return lambda: subprocess.run([sys.executable, "-c", code], check=True)


def ours_first_use(scale: int) -> Work:
    """A fresh interpreter that imports the package and everything a comparison needs."""
    return ours_import(scale, code="import ablation_stats; ablation_stats.paired_difference")


CASES = {
    "BCa, n=5,000 x 9,999, real scores": Case(
        ours=lambda scale: ours_bca(scale, binary=False),
        peer=lambda scale: scipy_bca(scale, binary=False),
        needs="scipy",
        at_least=8,
    ),
    "BCa, n=5,000 x 9,999, 0/1 scores": Case(
        ours=lambda scale: ours_bca(scale, binary=True),
        peer=lambda scale: scipy_bca(scale, binary=True),
        needs="scipy",
        at_least=200,
    ),
    "sign flip, n=5,000 x 9,999": Case(ours=ours_flip, peer=scipy_flip, needs="scipy", at_least=80),
    "cluster bootstrap, 20,000 in 2,000 x 9,999": Case(
        ours=ours_cluster, peer=loop_cluster, at_least=40, peer_share=1 / LOOP_SHARE
    ),
    "200 contrasts, 2,000 clusters x 9,999": Case(
        ours=ours_contrasts, peer=loop_cluster, at_least=500, peer_share=1 / LOOP_SHARE / 200
    ),
    "seeds x items, 5 x 2,000 x 10,000": Case(
        ours=ours_crossed, peer=evalstats_nested, needs="evalstats", at_least=8, most_mib=300
    ),
    "random intercept, 20,000 rows": Case(
        ours=ours_intercept, peer=statsmodels_intercept, needs="statsmodels", at_least=100
    ),
    "alignment, 2,000,000 rows": Case(ours=ours_align, peer=None, most_seconds=2.0, most_mib=1500),
    "import, interpreter included": Case(ours=ours_import, peer=None, most_seconds=0.5),
    "import and first comparison ready": Case(ours=ours_first_use, peer=None),
}

if __name__ == "__main__":
    run(CASES, script=__file__, description=__doc__)
