"""Counts of drawn units against the multinomial distribution itself."""

import itertools
from collections import Counter

import numpy as np
import pytest
from scipy import stats

from ablation_stats._unit_counts import MOST, count_blocks, poisson_bytes


def counted(rows: int, size: int, seed: int = 1) -> np.ndarray:
    """Counts of `rows` resamples, all blocks joined."""
    rng = np.random.Generator(np.random.PCG64DXSM(seed))
    counts = np.full((rows, size), 255, dtype=np.uint8)
    for block, part in count_blocks(rng, rows=rows, size=size):
        counts[block] = part
    return counts.astype(int)


@pytest.mark.parametrize("mean", [0.25, 0.5, 0.7, 0.9, 0.9576, 0.99])
def test_a_byte_and_the_rest_mix_to_the_poisson_distribution(mean):
    table = poisson_bytes(mean)
    by_byte = np.diff(np.r_[0, table.steps.astype(int), 256]) / 256
    mixed = table.odds * np.diff(np.r_[0.0, table.rest])
    mixed[: by_byte.size] += (1 - table.odds) * by_byte
    np.testing.assert_allclose(mixed, stats.poisson.pmf(np.arange(MOST + 1), mean), rtol=0, atol=1e-15)
    assert table.odds < 0.02


@pytest.mark.parametrize("size", [1, 2, 9, 10, 64, 501, 5000, 70_001, 300_000])
def test_every_resample_draws_as_many_as_there_are(size):
    np.testing.assert_array_equal(counted(max(3, 40_000 // size), size).sum(axis=1), size)


@pytest.mark.parametrize("size", [2, 3, 4])
def test_every_resample_of_few_units_is_as_likely_as_it_should_be(size):
    expected = Counter(
        tuple(np.bincount(each, minlength=size)) for each in itertools.product(range(size), repeat=size)
    )
    seen = Counter(map(tuple, counted(40_000, size).tolist()))
    assert set(seen) == set(expected)
    observed = [seen[each] for each in expected]
    wanted = np.array([expected[each] for each in expected]) * 40_000 / size**size
    assert 1e-4 < stats.chisquare(observed, wanted).pvalue < 1 - 1e-4


@pytest.mark.parametrize("size", [12, 100, 5000])
def test_one_unit_is_drawn_a_binomial_number_of_times(size):
    counts = counted(2_000_000 // size, size)
    often = np.bincount(np.minimum(counts.ravel(), 6), minlength=7)
    share = stats.binom.pmf(np.arange(6), size, 1 / size)
    wanted = counts.size * np.r_[share, 1 - share.sum()]
    assert 1e-4 < stats.chisquare(often, wanted).pvalue < 1 - 1e-4
    assert 1e-4 < stats.chisquare(counts.sum(axis=0)).pvalue < 1 - 1e-4


@pytest.mark.parametrize("size", [12, 100, 5000])
def test_the_squares_of_the_counts_spread_as_those_of_a_multinomial(size):
    """Pearson's statistic of n balls in n cells has mean n - 1 and variance 2 (n - 1)^2 / n."""
    rows = 4_000_000 // size if size < 5000 else 4000
    pearson = ((counted(rows, size, seed=2) - 1) ** 2).sum(axis=1)
    mean, variance = size - 1, 2 * (size - 1) ** 2 / size
    assert abs(pearson.mean() - mean) < 4 * np.sqrt(variance / rows)
    np.testing.assert_allclose(pearson.var(), variance, rtol=10 / rows**0.5)


def test_neighbouring_units_are_drawn_with_the_covariance_of_a_multinomial():
    counts = counted(200_000, 10)
    np.testing.assert_allclose(np.cov(counts.T), np.eye(10) - 0.1, atol=0.012)
