"""Sign flips against scipy, enumeration and the binomial distribution; max-T, which flips all arms at once."""

import itertools

import numpy as np
import polars as pl
import pytest
from scipy import stats

from ablation_stats import max_t, paired_difference
from ablation_stats._sign_flip import flip_sums, sign_flip


def test_sign_flips_agree_with_scipy_exact_and_drawn():
    rng = np.random.default_rng(9)
    small, large = rng.normal(0.4, 1, 12), rng.normal(0.05, 1, 600)
    for sample, tolerance in ((small, 1e-12), (large, 0.02)):
        found = sign_flip(sample, np.ones(sample.size), level=0.95, n_resamples=20_000, seed=1)
        expected = stats.permutation_test(
            (sample,),
            np.mean,
            permutation_type="samples",
            n_resamples=20_000 if sample.size > 20 else np.inf,
            rng=2,
        )
        np.testing.assert_allclose(found.p, expected.pvalue, atol=tolerance)
        assert (found.n_resamples is None) == (sample.size == 12)


def test_flipped_sums_have_mean_zero_and_the_sum_of_squares_as_variance():
    units = np.random.default_rng(10).normal(1, 1, (501, 2))
    drawn = flip_sums(units, n_resamples=40_000, seed=1)
    np.testing.assert_allclose(drawn.mean(0), 0, atol=0.6)
    np.testing.assert_allclose(np.cov(drawn.T), units.T @ units, rtol=0.05, atol=20)


@pytest.mark.parametrize("units", [21, 40, 51])
def test_every_column_is_flipped_by_the_same_signs(units):
    """Powers of two show each sign in their sum; the column of ones must be the sum of just these signs."""
    powers = 2.0 ** np.arange(units)
    drawn = flip_sums(np.stack([powers, np.ones(units), 3 * powers], axis=1), n_resamples=300, seed=1)
    pluses = ((drawn[:, 0] + powers.sum()) / 2).astype(np.int64)
    assert [2 * each.bit_count() - units for each in pluses.tolist()] == drawn[:, 1].tolist()
    np.testing.assert_array_equal(drawn[:, 2], 3 * drawn[:, 0])


def test_flips_of_equal_units_are_binomial():
    units = np.r_[np.ones(120), -np.ones(80), np.zeros(400)][:, None]
    drawn = flip_sums(units, n_resamples=40_000, seed=1)[:, 0]
    assert set(np.unique(drawn) % 2) == {0.0}
    np.testing.assert_allclose([drawn.mean(), drawn.var()], [0, 200], atol=4)
    exact = sign_flip(units[:, 0], np.ones(600), level=0.95, n_resamples=999, seed=1)
    np.testing.assert_allclose(exact.p, stats.binomtest(80, 200).pvalue)


def test_the_sign_flip_interval_is_the_shifts_that_are_not_rejected():
    rng = np.random.default_rng(11)
    sums, sizes = rng.normal(0.5, 1, 9), rng.integers(1, 4, 9).astype(float)
    found = sign_flip(sums, sizes, level=0.9, n_resamples=999, seed=1)
    signs = np.array(list(itertools.product([1, -1], repeat=9)))
    centre = sums.sum() / sizes.sum()
    for shift in np.linspace(centre - 3, centre + 3, 400):
        moved = sums - shift * sizes
        p = np.mean(np.abs(signs @ moved) >= abs(moved.sum()) - 1e-9)
        if min(abs(shift - found.interval.low), abs(shift - found.interval.high)) > 1e-6:
            assert (found.interval.low <= shift <= found.interval.high) == (p > 0.1)


def test_too_few_units_to_flip_leave_every_shift_possible(study):
    found = paired_difference(study, arm="mlp", baseline="blind", generalize_to="seeds", method="sign-flip")
    assert (found.ci_low, found.ci_high, found.p_value) == (-np.inf, np.inf, 0.125)
    assert "cannot fall below 0.125" in found.warnings[-1]


def test_flipping_seeds_and_items_at_once_is_refused(study):
    with pytest.raises(ValueError, match="items or seeds, not both"):
        paired_difference(study, arm="mlp", baseline="linear", method="sign-flip", rng=1)


def test_max_t_lies_between_the_raw_p_and_bonferroni(study):
    found = max_t(study, baseline="linear", rng=1, n_resamples=4999)
    for each in found:
        assert each.p_value <= each.p_adjusted <= min(1, 4 * each.p_value + 0.02)


def test_max_t_of_copies_of_one_arm_costs_nothing(study):
    copies = pl.concat(
        [study.filter(pl.col("arm").is_in(["linear", "qformer"]))]
        + [study.filter(arm="qformer").with_columns(arm=pl.lit(f"copy {at}")) for at in range(3)]
    )
    found = max_t(copies, baseline="linear", rng=1)
    assert len({(each.p_value, each.p_adjusted) for each in found}) == 1
    assert found[0].p_value == found[0].p_adjusted


def test_max_t_reads_several_metrics_with_the_same_flips(study):
    other = study.with_columns(metric=pl.lit("anls"), value=1 - pl.col("value"))
    both = pl.concat([study.with_columns(metric=pl.lit("match")), other.select(*study.columns, "metric")])
    found = max_t(both, baseline="linear", metrics=["match", "anls"], rng=1)
    assert [each.metric for each in found] == ["match"] * 4 + ["anls"] * 4
    assert [each.p_adjusted for each in found[:4]] == [each.p_adjusted for each in found[4:]]
