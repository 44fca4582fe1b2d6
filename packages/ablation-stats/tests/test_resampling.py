import itertools

import numpy as np
import polars as pl
import pytest
from scipy import stats

from ablation_stats import bootstrap_ci, max_t, paired_cube, paired_difference, paired_differences
from ablation_stats._draws import draw_contrasts
from ablation_stats._resample import COUNT_COLUMNS, distinct_rows, mixing_weights, resample_sums
from ablation_stats._sign_flip import flip_sums, sign_flip
from ablation_stats._streams import SHORT, index_blocks


def enumerated(units: np.ndarray) -> np.ndarray:
    """Sums of all n^n equally likely resamples."""
    return np.array(
        [units[list(each)].sum(axis=0) for each in itertools.product(range(len(units)), repeat=len(units))]
    )


@pytest.mark.parametrize("columns", [1, 2, COUNT_COLUMNS, 6])
def test_every_way_of_resampling_has_the_enumerated_distribution(columns):
    units = np.random.default_rng(0).normal(0, 1, (4, columns))
    drawn = resample_sums(units, n_resamples=40_000, seed=1)
    exact = enumerated(units)
    np.testing.assert_allclose(drawn.mean(0), exact.mean(0), atol=0.05)
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(exact.T), atol=0.15)
    for column in range(columns):
        assert stats.ks_2samp(drawn[:, column], exact[:, column]).pvalue > 1e-4


@pytest.mark.parametrize("size", [2, 3, 5000, SHORT, SHORT + 1, 70_000])
def test_every_unit_is_drawn_equally_often(size):
    rng = np.random.Generator(np.random.PCG64DXSM(4))
    rows = -(-400_000 // size)
    counts = np.zeros(size, dtype=int)
    for block, drawn in index_blocks(rng, rows=rows, size=size):
        assert drawn.shape == (block.stop - block.start, size)
        counts += np.bincount(drawn.ravel(), minlength=size)
    assert counts.sum() == rows * size
    assert 1e-4 < stats.chisquare(counts).pvalue < 1 - 1e-4


@pytest.mark.parametrize("columns", [1, 3])
def test_collapsed_units_have_the_distribution_of_the_units(columns):
    units = np.random.default_rng(0).integers(0, 2, (400, columns)).astype(float)
    assert distinct_rows(units)[0].shape[0] == 2**columns
    drawn = resample_sums(units, n_resamples=20_000, seed=1)
    np.testing.assert_allclose(drawn.mean(0), units.sum(0), atol=0.3)
    np.testing.assert_allclose(np.cov(drawn.T), 400 * np.cov(units.T, ddof=0), rtol=0.05, atol=3)


def test_rows_that_share_a_mixture_are_not_taken_for_equal():
    slope = mixing_weights(2)[1]
    units = np.zeros((100, 2))
    units[50:] = [slope, -1.0]
    distinct, counts = distinct_rows(units)
    assert counts.sum() == 100
    assert len(np.unique(distinct, axis=0)) == 2


@pytest.mark.parametrize("method", ["bootstrap", "sign-flip"])
def test_threads_and_row_order_do_not_change_a_number(frame_of, method):
    rng = np.random.default_rng(0)
    frame = frame_of({"a": rng.normal(0.1, 1, (2, 3000)), "b": rng.normal(0, 1, (2, 3000))})
    choice = {"arm": "a", "baseline": "b", "generalize_to": "items", "method": method, "rng": 5}
    first = paired_difference(frame, threads=1, **choice)
    for threads in (2, 3):
        assert (
            paired_difference(frame.sample(fraction=1, shuffle=True, seed=1), threads=threads, **choice)
            == first
        )


def test_the_global_random_state_is_left_alone(study):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    paired_difference(study, arm="mlp", baseline="linear", generalize_to="items", method="bootstrap", rng=5)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_a_generator_moves_on_and_its_seed_gives_the_numbers_again(study):
    rng = np.random.default_rng(1)
    choice = {"arm": "mlp", "baseline": "qformer", "generalize_to": "items", "method": "bootstrap"}
    first, second = (paired_difference(study, rng=rng, **choice) for _ in range(2))
    assert first.rng_seed != second.rng_seed
    assert paired_difference(study, rng=first.rng_seed, **choice) == first


@pytest.mark.parametrize("kind", ["percentile", "basic", "BCa"])
def test_bootstrap_intervals_agree_with_scipy(kind):
    scores = np.random.default_rng(3).exponential(1, 80)
    found = bootstrap_ci(scores, kind=kind.lower(), n_resamples=40_000, rng=1)
    expected = stats.bootstrap((scores,), np.mean, method=kind, n_resamples=40_000, rng=2).confidence_interval
    np.testing.assert_allclose([found.ci_low, found.ci_high], expected, atol=0.012)


def test_the_interval_leaves_out_zero_exactly_when_p_is_below_alpha():
    rng = np.random.default_rng(4)
    for shift in np.linspace(-0.5, 0.5, 21):
        scores = rng.exponential(1, 30) - 1 + shift
        for kind in ("percentile", "basic", "bca"):
            found = bootstrap_ci(scores, kind=kind, n_resamples=999, rng=1)
            if abs(found.p_value - 0.05) > 0.01:
                assert (found.ci_low > 0 or found.ci_high < 0) == (found.p_value < 0.05)


@pytest.mark.parametrize("kind", ["percentile", "basic", "bca"])
def test_an_interval_that_ends_at_zero_does_not_leave_it_out(kind):
    """Nine scores of 0 and one of 1: 0.9^10 = 35 % of the resamples are 0 throughout."""
    found = bootstrap_ci([0.0] * 9 + [1.0], kind=kind, rng=1)
    assert found.ci_low <= 0
    assert found.p_value > 0.3


@pytest.mark.parametrize(("values", "least"), [([1.0, 2.0], 0.5), ([1.0, 2.0, 4.0], 2 / 27)])
def test_two_or_three_units_have_too_few_resamples_for_a_small_p(values, least):
    assert bootstrap_ci(values, rng=1).p_value == pytest.approx(least)


def test_an_arm_resampled_against_itself_differs_by_exactly_zero(study):
    found = paired_difference(
        study, arm="mlp", baseline="mlp", generalize_to="items", method="bootstrap", rng=1
    )
    assert (found.estimate, found.se, found.p_value) == (0.0, 0.0, 1.0)


@pytest.mark.parametrize("rng", [1.5, "1", -1])
def test_a_seed_that_is_no_whole_number_is_refused(rng):
    with pytest.raises(ValueError, match="whole number of at least 0"):
        bootstrap_ci([1.0, 2.0, 3.0], rng=rng)


def test_a_cluster_bootstrap_draws_whole_clusters():
    rng = np.random.default_rng(5)
    cluster = np.repeat(np.arange(40), rng.integers(1, 9, 40))
    scores = rng.normal(0, 1, cluster.size) + rng.normal(0, 1, 40)[cluster]
    found = bootstrap_ci(scores, cluster=cluster, kind="percentile", n_resamples=20_000, rng=1)
    parts = [scores[cluster == each] for each in range(40)]
    drawn = [np.concatenate([parts[at] for at in rng.integers(0, 40, 40)]).mean() for _ in range(4000)]
    np.testing.assert_allclose([found.ci_low, found.ci_high], np.quantile(drawn, [0.025, 0.975]), atol=0.03)
    np.testing.assert_allclose(found.se, np.std(drawn), rtol=0.05)


@pytest.mark.parametrize("target", ["items", "seeds", "both"])
def test_shared_draws_are_the_loop_over_ids(frame_of, target):
    """Against resampling rows of the frame by id, one replicate at a time."""
    rng = np.random.default_rng(6)
    cluster = np.sort(rng.integers(0, 12, 40))
    values = {
        arm: rng.normal(shift, 1, (5, 40)) + rng.normal(0, 0.7, 12)[cluster]
        for arm, shift in (("a", 0.2), ("b", 0), ("c", 1))
    }
    cube = paired_cube(frame_of(values, [f"c{each:02d}" for each in cluster]))
    matrix = np.array([[1.0, -1.0, 0.0], [0.5, 0.5, -1.0]])
    draws = draw_contrasts(cube, matrix, generalize_to=target, n_resamples=20_000, seed=3)
    table = np.stack([values[arm] for arm in "abc"])
    np.testing.assert_allclose(draws.estimates, matrix @ table.mean(axis=(1, 2)))
    loop = []
    present = np.unique(cluster)
    for _ in range(3000):
        items = np.concatenate(
            [np.flatnonzero(cluster == each) for each in rng.choice(present, present.size)]
        )
        items = items if target != "seeds" else np.arange(40)
        seeds = rng.integers(0, 5, 5) if target != "items" else np.arange(5)
        loop.append(matrix @ table[:, seeds][:, :, items].mean(axis=(1, 2)))
    np.testing.assert_allclose(np.cov(draws.values.T), np.cov(np.array(loop).T), rtol=0.15, atol=2e-3)


def test_a_ratio_metric_is_resampled_as_a_ratio(frame_of):
    rng = np.random.default_rng(7)
    words = rng.integers(1, 30, 50).astype(float)
    wrong = {
        arm: rng.binomial(words.astype(int), share)[None].astype(float)
        for arm, share in (("a", 0.3), ("b", 0.2))
    }
    frame = frame_of(wrong).with_columns(
        weight=pl.col("item").str.slice(5).cast(pl.Int64).replace_strict(dict(enumerate(words)))
    )
    found = paired_difference(frame, arm="a", baseline="b", generalize_to="items", method="bootstrap", rng=1)
    np.testing.assert_allclose(found.estimate, (wrong["a"].sum() - wrong["b"].sum()) / words.sum())
    drawn = []
    for _ in range(4000):
        at = rng.integers(0, 50, 50)
        drawn.append((wrong["a"][0, at].sum() - wrong["b"][0, at].sum()) / words[at].sum())
    np.testing.assert_allclose(found.se, np.std(drawn), rtol=0.06)


def test_few_seeds_are_not_bootstrapped(study):
    for target in ("both", "seeds"):
        with pytest.raises(ValueError, match="only from 10 up"):
            paired_difference(
                study, arm="mlp", baseline="linear", generalize_to=target, method="bootstrap", rng=1
            )


def test_ten_seeds_are_resampled_crossed_with_items(frame_of):
    rng = np.random.default_rng(8)
    table = rng.normal(0, 1, (12, 60)) + 0.5 * rng.normal(0, 1, (12, 1)) + rng.normal(0, 1, (1, 60))
    frame = frame_of({"a": table, "b": np.zeros((12, 60))})
    found = paired_difference(frame, arm="a", baseline="b", method="bootstrap", rng=1)
    by_t = paired_difference(frame, arm="a", baseline="b")
    assert found.unit == "crossed"
    np.testing.assert_allclose(found.se, by_t.se, rtol=0.15)


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


@pytest.mark.parametrize(("method", "rule"), [("bootstrap", "needs rng="), ("sign-flip", "needs rng=")])
def test_drawing_needs_a_generator(study, method, rule):
    with pytest.raises(ValueError, match=rule):
        paired_difference(study, arm="mlp", baseline="linear", generalize_to="items", method=method)


def test_items_taken_for_independent_are_mentioned(study):
    by_item = paired_difference(study, arm="mlp", baseline="linear", generalize_to="items", unit="item")
    assert by_item.n_clusters == 120
    assert "treated as independent" in by_item.warnings[-1]


def test_constant_values_are_refused_by_the_bootstrap():
    with pytest.raises(ValueError, match="no spread"):
        bootstrap_ci(np.ones(10), rng=1)


def test_all_arms_share_their_resamples(study):
    together = paired_differences(study, baseline="linear", generalize_to="items", method="bootstrap", rng=3)
    alone = paired_differences(
        study, baseline="linear", arms=["mlp"], generalize_to="items", method="bootstrap", rng=3
    )
    shared = next(each for each in together if each.arm == "mlp")
    np.testing.assert_allclose(
        [shared.ci_low, shared.ci_high], [alone[0].ci_low, alone[0].ci_high], atol=0.01
    )
    assert len({each.rng_seed for each in together}) == 1


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
