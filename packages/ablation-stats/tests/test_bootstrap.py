"""Bootstrap intervals and shared draws against scipy and against loops over ids."""

import numpy as np
import polars as pl
import pytest
from scipy import stats

from ablation_stats import bootstrap_ci, paired_cube, paired_difference, paired_differences
from ablation_stats._draws import draw_contrasts


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
