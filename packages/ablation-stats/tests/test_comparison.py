import numpy as np
import polars as pl
import pytest
from scipy import stats

from ablation_stats import (
    arm_mean,
    paired_cube,
    paired_difference,
    paired_differences,
    results_frame,
    wilson_ci,
)


def two_way_by_anova(table: np.ndarray) -> tuple[float, float]:
    """Variance from sums of squares of the whole table, as a textbook has them, and Cochran and Cox's 97.5 % point."""
    seeds, items = table.shape
    total = ((table - table.mean()) ** 2).sum()
    ss_seed = items * ((table.mean(1) - table.mean()) ** 2).sum()
    ss_item = seeds * ((table.mean(0) - table.mean()) ** 2).sum()
    ms = [
        ss_seed / (seeds - 1),
        ss_item / (items - 1),
        (total - ss_seed - ss_item) / ((seeds - 1) * (items - 1)),
    ]
    best = max(ms[0] + ms[1] - ms[2], ms[0], ms[1])
    share = ms[0] / best
    point = share * stats.t.ppf(0.975, seeds - 1) + (1 - share) * stats.t.ppf(0.975, items - 1)
    return best / (seeds * items), point


@pytest.mark.parametrize(("seed_spread", "item_spread"), [(0.5, 0.5), (0.0, 1.0), (1.0, 0.0), (0.0, 0.0)])
def test_two_way_error_is_that_of_the_analysis_of_variance(frame_of, seed_spread, item_spread):
    rng = np.random.default_rng(1)
    table = (
        rng.normal(0, 1, (4, 9))
        + seed_spread * rng.normal(0, 1, (4, 1))
        + item_spread * rng.normal(0, 1, (1, 9))
    )
    other = rng.normal(0, 1, (4, 9))
    found = paired_difference(frame_of({"a": table + other, "b": other}), arm="a", baseline="b")
    variance, point = two_way_by_anova(table)
    reach = point * variance**0.5
    np.testing.assert_allclose(found.se, variance**0.5)
    np.testing.assert_allclose([found.ci_low, found.ci_high], [table.mean() - reach, table.mean() + reach])
    np.testing.assert_allclose(stats.t.ppf(0.975, found.df), point)
    np.testing.assert_allclose(found.p_value, 2 * stats.t.sf(abs(table.mean()) / found.se, found.df))
    assert 3 <= found.df <= 8


def test_equal_clusters_give_the_two_way_error_of_cluster_means(frame_of):
    rng = np.random.default_rng(2)
    table = rng.normal(0.3, 1, (3, 24)) + np.repeat(rng.normal(0, 1, 8), 3)
    clusters = [f"c{i // 3}" for i in range(24)]
    found = paired_difference(frame_of({"a": table, "b": np.zeros((3, 24))}, clusters), arm="a", baseline="b")
    variance, point = two_way_by_anova(table.reshape(3, 8, 3).mean(2))
    np.testing.assert_allclose([found.se, stats.t.ppf(0.975, found.df)], [variance**0.5, point])
    assert found.unit == "seed x cluster"


def test_over_items_it_is_the_paired_t_of_the_means_over_seeds(frame_of):
    rng = np.random.default_rng(3)
    a, b = rng.normal(0.1, 1, (3, 40)), rng.normal(0, 1, (3, 40))
    found = paired_difference(frame_of({"a": a, "b": b}), arm="a", baseline="b", generalize_to="items")
    expected = stats.ttest_rel(a.mean(0), b.mean(0))
    np.testing.assert_allclose([found.p_value, found.df], [expected.pvalue, expected.df])
    np.testing.assert_allclose([found.ci_low, found.ci_high], expected.confidence_interval())


def test_over_seeds_it_is_the_paired_t_of_the_means_over_items(frame_of):
    rng = np.random.default_rng(4)
    a, b = rng.normal(0.1, 1, (3, 40)), rng.normal(0, 1, (3, 40))
    found = paired_difference(frame_of({"a": a, "b": b}), arm="a", baseline="b", generalize_to="seeds")
    expected = stats.ttest_rel(a.mean(1), b.mean(1))
    np.testing.assert_allclose([found.p_value, found.df], [expected.pvalue, 2])
    np.testing.assert_allclose([found.ci_low, found.ci_high], expected.confidence_interval())


@pytest.mark.parametrize("target", ["both", "items", "seeds"])
def test_swapping_the_arms_flips_every_sign(study, target):
    there = paired_difference(study, arm="mlp", baseline="qformer", generalize_to=target)
    back = paired_difference(study, arm="qformer", baseline="mlp", generalize_to=target)
    assert (there.estimate, there.ci_low, there.ci_high) == (-back.estimate, -back.ci_high, -back.ci_low)
    assert (there.se, there.p_value, there.df) == (back.se, back.p_value, back.df)


@pytest.mark.parametrize("target", ["both", "items", "seeds"])
def test_an_arm_compared_with_itself_differs_by_exactly_zero(study, target):
    twin = pl.concat([study.filter(arm="mlp"), study.filter(arm="mlp").with_columns(arm=pl.lit("copy"))])
    for arm in ("copy", "mlp"):
        found = paired_difference(twin, arm=arm, baseline="mlp", generalize_to=target)
        assert (found.estimate, found.se, found.p_value) == (0.0, 0.0, 1.0)
        assert found.ci_low == -found.ci_high < 0
        assert found.warnings


def test_one_seed_is_refused_unless_items_are_asked_for(study):
    one = study.filter(seed=0)
    for target in ("both", "seeds"):
        with pytest.raises(ValueError, match=r'at least 2 seeds, got 1.*generalize_to="items"'):
            paired_difference(one, arm="mlp", baseline="linear", generalize_to=target)
    found = paired_difference(one, arm="mlp", baseline="linear", generalize_to="items")
    assert "One seed" in found.warnings[0]


def test_one_cluster_is_refused_unless_seeds_are_asked_for(study):
    one = study.with_columns(cluster=pl.lit("only"))
    for target in ("both", "items"):
        with pytest.raises(ValueError, match=r"at least 2 clusters of items, got 1"):
            paired_difference(one, arm="mlp", baseline="linear", generalize_to=target)
    assert paired_difference(one, arm="mlp", baseline="linear", generalize_to="seeds").n_clusters == 1


def test_arm_means_differ_by_the_paired_difference(study):
    cube = paired_cube(study)
    difference = paired_difference(cube, arm="mlp", baseline="linear").estimate
    means = [arm_mean(cube, arm=name).estimate for name in ("mlp", "linear")]
    np.testing.assert_allclose(means[0] - means[1], difference)
    assert arm_mean(cube, arm="mlp").p_value is None


@pytest.mark.parametrize(("share", "other"), [(1.0, 0.0), (0.0, 1.0)])
def test_a_share_of_all_or_nothing_gets_a_score_interval_on_clusters(frame_of, share, other):
    frame = frame_of({"a": np.full((3, 20), share), "b": np.full((3, 20), other)})
    found = arm_mean(frame, arm="a")
    np.testing.assert_allclose([found.ci_low, found.ci_high], wilson_ci(20 * share, 20.0), atol=1e-12)
    difference = paired_difference(frame, arm="a", baseline="b")
    assert 0 < difference.p_value < 1e-4
    assert abs(difference.estimate) == 1.0
    assert max(abs(difference.ci_low), abs(difference.ci_high)) == 1.0
    assert min(abs(difference.ci_low), abs(difference.ci_high)) < 0.9


def test_wilson_for_an_arm_is_wilson_at_independent_items_up_to_the_t_quantile(frame_of):
    scores = np.r_[np.ones(57), np.zeros(3)][None]
    found = arm_mean(frame_of({"a": scores}), arm="a", generalize_to="items", method="wilson")
    effective = 59  # p (1 - p) / se^2 with the sample variance
    quantile = stats.t.ppf(0.975, 59)
    expected = stats.binomtest(57, 60).proportion_ci(method="wilson")
    assert found.ci_high < 1
    np.testing.assert_allclose([found.ci_low, found.ci_high], [expected.low, expected.high], atol=4e-3)
    centre = (0.95 + quantile**2 / (2 * effective)) / (1 + quantile**2 / effective)
    np.testing.assert_allclose((found.ci_low + found.ci_high) / 2, centre)


def test_a_constant_shift_of_real_scores_is_said_to_have_no_error(frame_of):
    scores = np.random.default_rng(0).normal(0, 1, (3, 10))
    found = paired_difference(frame_of({"a": scores + 0.5, "b": scores}), arm="a", baseline="b")
    assert found.p_value > 0
    assert found.se == 0
    assert "no width" in found.warnings[0]


def test_ratio_metrics_are_sums_over_sums_with_the_error_of_a_ratio(frame_of):
    rng = np.random.default_rng(5)
    words = rng.integers(3, 12, 60).astype(float)
    wrong = rng.binomial(words.astype(int), 0.2).astype(float)
    frame = frame_of({"a": wrong[None]}).with_columns(
        weight=pl.col("item").str.slice(5).cast(pl.Int64).replace_strict(dict(enumerate(words)))
    )
    found = arm_mean(frame, arm="a", generalize_to="items")
    ratio = wrong.sum() / words.sum()
    np.testing.assert_allclose(found.estimate, ratio)
    residual = wrong - ratio * words
    np.testing.assert_allclose(found.se, residual.std(ddof=1) / words.mean() / 60**0.5)


def test_all_differences_to_a_baseline_carry_adjusted_p_values(study):
    found = paired_differences(study, baseline="linear")
    assert [each.arm for each in found] == ["blind", "mlp", "qformer", "twin"]
    assert all(each.p_adjusted >= each.p_value for each in found)
    table = results_frame(found)
    assert table.height == 4
    assert table.schema["p_adjusted"] == pl.Float64
    with pytest.raises(ValueError, match="baseline must be one of"):
        paired_differences(study, baseline="nobody")


@pytest.mark.parametrize("level", [0.0, 1.0, 95, float("nan")])
def test_levels_outside_zero_to_one_are_refused(study, level):
    with pytest.raises(ValueError, match="level must lie strictly between 0 and 1"):
        paired_difference(study, arm="mlp", baseline="linear", level=float(level))


def test_a_cube_of_another_metric_is_refused(study):
    cube = paired_cube(study.with_columns(metric=pl.lit("anls")))
    with pytest.raises(ValueError, match="aligned for metric='anls'"):
        paired_difference(cube, arm="mlp", baseline="linear", metric="exact_match")


def test_many_invalid_answers_are_mentioned(study):
    marked = study.with_columns(valid=pl.col("item") > "item-0011")
    assert (
        "10.0% of the answers of mlp are not valid"
        in paired_difference(marked, arm="mlp", baseline="linear").warnings[0]
    )
