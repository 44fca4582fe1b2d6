"""Coverage of intervals over studies, against the binomial bands of the number of runs. Slow: thousands of studies."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import stdtrit

from ablation_stats import paired_difference
from ablation_stats._variance import two_way_error

RUNS = 2000


pytestmark = pytest.mark.slow


def normal_study(rng, seeds, images, per_image, *, seed_spread=0.3, image_spread=0.5):
    """Differences between two equal recipes: spread over seeds, images and questions."""
    cluster = np.repeat(np.arange(images), per_image)
    noise = rng.normal(0, 1, (seeds, images * per_image)) + image_spread * rng.normal(0, 1, images)[cluster]
    noise = noise + seed_spread * rng.normal(0, 1, (seeds, 1))
    shared = rng.normal(0, 2, images * per_image)
    return {"a": shared + noise, "b": np.tile(shared, (seeds, 1))}, cluster


def skewed_study(rng, seeds, images, per_image):
    """The same with exponential noise in images and questions."""
    cluster = np.repeat(np.arange(images), per_image)
    noise = rng.exponential(1, (seeds, images * per_image)) - 1 + (rng.exponential(1, images) - 1)[cluster]
    return {
        "a": noise + 0.2 * rng.normal(0, 1, (seeds, 1)),
        "b": np.zeros((seeds, images * per_image)),
    }, cluster


def binary_study(rng, seeds, images, per_image):
    """0/1 answers of two equal recipes, around 80 %, with difficulty by image and luck by seed."""
    cluster = np.repeat(np.arange(images), per_image)
    difficulty = rng.normal(1.5, 0.8, images)[cluster]

    def arm():
        chance = 1 / (1 + np.exp(-(difficulty + 0.2 * rng.normal(0, 1, (seeds, 1)))))
        return (rng.random((seeds, images * per_image)) < chance).astype(float)

    return {"a": arm(), "b": arm()}, cluster


@pytest.fixture
def error_rate(cube_of):
    def rate_of(draw: Callable, **choice) -> float:
        """Share of studies in which two equal recipes are called different at 5 %, which is 1 - coverage."""
        rng = np.random.default_rng(0)
        missed = 0
        for _ in range(RUNS):
            values, cluster = draw(rng)
            found = paired_difference(cube_of(values, cluster), arm="a", baseline="b", **choice)
            missed += not found.ci_low <= 0 <= found.ci_high
            if choice.get("method", "t") == "t" and found.se > 0:
                assert (found.p_value < 0.05) == (found.ci_low > 0 or found.ci_high < 0)
        return missed / RUNS

    return rate_of


@pytest.mark.parametrize("study", [normal_study, skewed_study, binary_study])
@pytest.mark.parametrize(("seeds", "images", "per_image"), [(3, 40, 1), (3, 30, 4), (5, 60, 3), (10, 20, 5)])
def test_two_way_intervals_miss_no_more_often_than_stated(error_rate, band, study, seeds, images, per_image):
    """Conservative where one source of variation is small."""
    rate = error_rate(lambda rng: study(rng, seeds, images, per_image))
    assert 0.01 - band(0.01) < rate < 0.05 + band(0.05)


@pytest.mark.parametrize(("seeds", "largest"), [(2, 0.06), (3, 0.05), (5, 0.05)])
@pytest.mark.parametrize(("seed_ratio", "cluster_ratio"), [(1, 1), (6, 4), (50, 10), (200, 20), (200, 1)])
def test_two_way_intervals_hold_wherever_the_spread_comes_from(
    band, seeds, largest, seed_ratio, cluster_ratio
):
    """Mean squares drawn as normal tables have them, 200,000 tables: expected ones relative to that of the rest."""
    rng, tables, clusters = np.random.default_rng(9), 200_000, 40
    df = seeds - 1, clusters - 1, (seeds - 1) * (clusters - 1)
    expected = seed_ratio, cluster_ratio, 1
    squares = [mean * rng.chisquare(n, tables) / n for mean, n in zip(expected, df, strict=True)]
    variance, t_df = two_way_error(*squares, *df[:2])
    distance = rng.normal(0, (seed_ratio + cluster_ratio - 1) ** 0.5, tables)
    missed = float((np.abs(distance) > variance**0.5 * stdtrit(t_df, 0.975)).mean())
    assert missed < largest + band(largest, tables)


@pytest.mark.parametrize(("seeds", "images"), [(3, 100), (8, 30)])
def test_without_any_spread_over_seeds_two_way_intervals_still_hold(error_rate, band, seeds, images):
    rate = error_rate(lambda rng: normal_study(rng, seeds, images, 2, seed_spread=0.0, image_spread=0.0))
    assert rate < 0.05 + band(0.05)


@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
def test_t_over_seeds_is_exact_for_normal_spread(error_rate, band, seeds):
    rate = error_rate(lambda rng: normal_study(rng, seeds, 8, 2, image_spread=0.0), generalize_to="seeds")
    assert abs(rate - 0.05) < band(0.05)


def items_only(rng, images, per_image):
    """One trained pair of models: clusters of unequal size, image effects in the differences."""
    cluster = np.repeat(np.arange(images), rng.integers(1, 2 * per_image, images))
    noise = rng.normal(0, 1, (1, cluster.size)) + 0.7 * rng.normal(0, 1, images)[cluster]
    return {"a": noise, "b": np.zeros_like(noise)}, cluster


@pytest.mark.parametrize(
    ("kind", "images", "largest"),
    [("CR1", 100, 0.06), ("CR1", 30, 0.07), ("CR2", 30, 0.055), ("CR2", 10, 0.06), ("CR3", 30, 0.05)],
)
def test_clustered_intervals_hold_over_clusters_of_unequal_size(error_rate, band, kind, images, largest):
    rate = error_rate(lambda rng: items_only(rng, images, 5), generalize_to="items", se_kind=kind)
    assert 0.02 < rate < largest + band(largest)


@pytest.mark.parametrize(("interval", "largest"), [("bca", 0.065), ("percentile", 0.065), ("basic", 0.065)])
def test_cluster_bootstrap_intervals_hold_over_many_clusters(error_rate, band, interval, largest):
    rng = np.random.default_rng(1)
    choice = {"method": "bootstrap", "interval": interval, "n_resamples": 999, "rng": rng, "threads": 1}
    rate = error_rate(lambda rng: items_only(rng, 80, 4), generalize_to="items", **choice)
    assert rate < largest + band(largest)


def test_the_crossed_bootstrap_holds_from_ten_seeds(error_rate, band):
    choice = {
        "method": "bootstrap",
        "interval": "percentile",
        "n_resamples": 499,
        "rng": np.random.default_rng(1),
        "threads": 1,
    }
    rate = error_rate(lambda rng: normal_study(rng, 10, 30, 2), **choice)
    assert rate < 0.09 + band(0.09)


@pytest.mark.parametrize("generalize_to", ["items", "seeds"])
def test_sign_flip_intervals_are_exact_for_symmetric_differences(error_rate, band, generalize_to):
    rng = np.random.default_rng(1)

    def draw(rng):
        if generalize_to == "items":
            return items_only(rng, 25, 3)
        return normal_study(rng, 8, 6, 1, image_spread=0.0)

    rate = error_rate(
        draw, generalize_to=generalize_to, method="sign-flip", n_resamples=999, rng=rng, threads=1
    )
    assert rate < 0.05 + band(0.05)
