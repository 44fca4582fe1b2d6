"""Aggregates over tasks against scipy, brute force and enumeration."""

import itertools

import numpy as np
import polars as pl
import pytest
from scipy import stats as scipy_stats

import ablation_stats as stats
from ablation_stats._aggregate_interval import _iqm_of_cells
from ablation_stats._improvement import _wins_of_cells
from ablation_stats._profile import _profiles_of_cells

SETTINGS = stats.RunBootstrap(rng=5, n_resamples=2000)


@pytest.fixture(scope="module")
def scores():
    """Three arms, six seeds, five tasks of different difficulty, rounded so that there are ties."""
    rng = np.random.default_rng(11)
    difficulty = rng.normal(0, 0.2, 5)
    return {
        arm: (base + difficulty + rng.normal(0, 0.1, (6, 5))).round(2)
        for arm, base in (("full", 0.6), ("half", 0.55), ("none", 0.3))
    }


@pytest.fixture(scope="module")
def table(scores, task_frame_of):
    return stats.task_scores(task_frame_of(scores))


@pytest.fixture(scope="module")
def cells():
    """Forty draws of runs x tasks out of 6 x 5 cells."""
    return np.random.default_rng(2).integers(0, 6, (40, 6, 5)) * 5 + np.arange(5)


@pytest.mark.parametrize("size", range(1, 14))
def test_iqm_by_floor_is_the_trimmed_mean_of_scipy(size):
    values = np.random.default_rng(size).normal(size=size) ** 3
    assert stats.iqm(values) == pytest.approx(scipy_stats.trim_mean(values, 0.25), rel=1e-12)


@pytest.mark.parametrize("size", range(1, 14))
def test_fractional_iqm_is_the_trimmed_mean_of_every_score_four_times(size):
    values = np.random.default_rng(size).normal(size=size) ** 3
    expected = scipy_stats.trim_mean(np.repeat(values, 4), 0.25)
    assert stats.iqm(values, kind="fractional") == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("kind", ["floor", "fractional"])
def test_iqm_of_drawn_cells_is_the_iqm_of_the_scores_drawn(scores, cells, kind):
    values = np.stack(list(scores.values()))
    expected = [[stats.iqm(arm.ravel()[cell], kind=kind) for arm in values] for cell in cells]
    np.testing.assert_allclose(_iqm_of_cells(values, kind)(cells), expected, rtol=1e-12)


@pytest.mark.parametrize("kind", ["runs", "tasks"])
def test_profiles_of_drawn_cells_are_the_profiles_of_the_scores_drawn(scores, cells, kind):
    values, taus = np.stack(list(scores.values())), np.array([0.3, 0.55, 0.6, 0.7])
    drawn = values.reshape(3, -1)[:, cells]
    shown = drawn if kind == "runs" else drawn.mean(axis=2, keepdims=True)
    expected = (shown[..., None] > taus).mean(axis=(2, 3)).transpose(1, 0, 2).reshape(40, -1)
    np.testing.assert_allclose(_profiles_of_cells(values, taus, kind)(cells), expected, rtol=1e-12)


def test_wins_of_drawn_cells_are_the_wins_of_the_runs_drawn(scores, cells):
    values = np.stack([scores["half"], scores["none"]])
    expected = [
        [stats.probability_of_improvement(arm.ravel()[cell], scores["full"].ravel()[cell]) for arm in values]
        for cell in cells
    ]
    np.testing.assert_allclose(_wins_of_cells(values, scores["full"])(cells), expected, rtol=1e-12)


def test_stratified_draws_follow_the_enumerated_distribution(task_frame_of):
    values = np.array([[0.0, 10.0], [1.0, 14.0], [5.0, 30.0]])
    draws = [
        np.mean([values[list(a), 0], values[list(b), 1]])
        for a in itertools.product(range(3), repeat=3)
        for b in itertools.product(range(3), repeat=3)
    ]
    many = stats.RunBootstrap(rng=1, n_resamples=100_000)
    found = stats.aggregate_scores(task_frame_of({"a": values}), many, statistic="mean")[0]
    assert found.se == pytest.approx(np.std(draws), rel=0.01)
    assert (found.ci_low, found.ci_high) == pytest.approx(np.quantile(draws, [0.025, 0.975]), abs=0.15)


def test_whole_seeds_keep_tasks_together(task_frame_of):
    values = np.random.default_rng(1).normal(size=(12, 1)) + np.zeros((12, 8))
    frame = task_frame_of({"a": values})
    together = stats.aggregate_scores(frame, stats.RunBootstrap(rng=1, resample="seeds"), statistic="mean")[0]
    apart = stats.aggregate_scores(frame, stats.RunBootstrap(rng=1), statistic="mean")[0]
    assert together.se == pytest.approx(values[:, 0].std() / 12**0.5, rel=0.03)
    assert apart.se == pytest.approx(together.se / 8**0.5, rel=0.05)


def test_arms_that_differ_by_a_constant_differ_by_it_in_every_resample(scores, task_frame_of):
    frame = task_frame_of({"full": scores["full"], "lower": scores["full"] - 0.25})
    found = stats.aggregate_differences(frame, SETTINGS, baseline="full")[0]
    assert (found.ci_low, found.ci_high) == pytest.approx((-0.25, -0.25), abs=1e-12)
    assert found.se == 0.0
    assert found.warnings


def test_the_numbers_do_not_depend_on_threads_or_the_order_of_rows(scores, task_frame_of):
    frame = task_frame_of(scores)
    one = stats.RunBootstrap(rng=3, n_resamples=5000, threads=1)
    two = stats.RunBootstrap(rng=3, n_resamples=5000, threads=2)
    for function in (stats.aggregate_differences, stats.improvement_probabilities):
        assert function(frame, one, baseline="full") == function(frame.reverse(), two, baseline="full")
    assert stats.performance_profiles(frame, one, taus=[0.5]) == stats.performance_profiles(
        frame, two, taus=[0.5]
    )


def test_the_global_random_state_is_not_touched(table):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    stats.aggregate_scores(table, SETTINGS)
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


@pytest.mark.parametrize("statistic", ["iqm", "iqm-fractional", "mean", "median", "optimality-gap"])
def test_swapping_the_arms_flips_the_sign(table, statistic):
    there = stats.aggregate_differences(table, SETTINGS, baseline="full", statistic=statistic)
    back = stats.aggregate_differences(table, SETTINGS, baseline="none", statistic=statistic)
    forth = next(each for each in there if each.arm == "none")
    other = next(each for each in back if each.arm == "full")
    assert forth.estimate == -other.estimate
    assert forth.ci_low == pytest.approx(-other.ci_high)


def test_probability_of_improvement_is_the_mean_of_u_statistics(scores):
    a, b = scores["full"], scores["half"][:4]
    expected = np.mean([scipy_stats.mannwhitneyu(a[:, t], b[:, t]).statistic / 24 for t in range(5)])
    assert stats.probability_of_improvement(a, b) == pytest.approx(expected, rel=1e-12)
    assert stats.probability_of_improvement(b, a) == pytest.approx(1 - expected, rel=1e-12)


def test_an_arm_against_its_twin_wins_half_the_time(scores, task_frame_of):
    frame = task_frame_of({"full": scores["full"], "twin": scores["full"]})
    found = stats.improvement_probabilities(frame, SETTINGS, baseline="full")[0]
    assert (found.estimate, found.p_value) == (0.5, 1.0)


def test_a_score_at_the_threshold_is_not_above_it():
    assert stats.performance_profile([[0.5, 0.7]], [0.5, 0.7]).tolist() == [0.5, 0.0]


def test_profiles_lie_within_their_bands_and_never_rise(table):
    for found in stats.performance_profiles(table, SETTINGS, taus=np.linspace(0, 1, 21)):
        low, shares, high = (np.array(each) for each in (found.ci_low, found.shares, found.ci_high))
        assert ((low <= shares) & (shares <= high)).all()
        assert (np.diff(shares) <= 0).all()


def test_a_task_score_is_the_mean_over_its_items_or_the_ratio_of_sums():
    rows = [("a", "x", 0, 1, 1.0, 1.0), ("a", "x", 0, 2, 0.0, 3.0), ("a", "y", 0, 1, 2.0, 4.0)]
    frame = pl.DataFrame(rows, schema=["arm", "task", "seed", "item", "value", "weight"], orient="row")
    assert stats.task_scores(frame).values.tolist() == [[[0.25, 0.5]]]
    assert stats.task_scores(frame.drop("weight")).values.tolist() == [[[0.5, 2.0]]]


def test_a_seed_that_one_task_lacks_is_refused(scores, task_frame_of):
    frame = task_frame_of(scores).filter((pl.col("task") != "task-001") | (pl.col("seed") != 4))
    with pytest.raises(ValueError, match=r"every task needs every seed; .*task-001.* lacks seed 4"):
        stats.task_scores(frame)


def test_two_scores_for_one_run_are_refused(scores, task_frame_of):
    frame = task_frame_of(scores)
    with pytest.raises(ValueError, match="must be unique"):
        stats.task_scores(pl.concat([frame, frame.head(1)]))


def test_one_seed_cannot_be_resampled(scores, task_frame_of):
    frame = task_frame_of({"a": scores["full"][:1]})
    with pytest.raises(ValueError, match="at least 2 seeds, got 1"):
        stats.aggregate_scores(frame, SETTINGS)


def test_whole_seeds_are_resampled_from_ten_up(table):
    with pytest.raises(ValueError, match="only from 10 up, got 6"):
        stats.aggregate_scores(table, stats.RunBootstrap(rng=1, resample="seeds"))


def test_few_runs_are_said(scores, task_frame_of):
    found = stats.aggregate_scores(task_frame_of({"a": scores["full"][:3]}), SETTINGS)[0]
    assert found.warnings == ("Only 3 runs per task are resampled: the interval is about 18% too narrow.",)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: stats.iqm([[1.0, np.nan]]), r"finite; not so at \(0, 1\)"),
        (lambda: stats.iqm([1.0], kind="flor"), "did you mean 'floor'"),
        (lambda: stats.optimality_gap([1.0], gamma=np.inf), "gamma must be finite"),
        (lambda: stats.performance_profile([[1.0]], [0.5, 0.5]), "rise strictly"),
        (lambda: stats.performance_profile([1.0], [0.5]), "2 axes"),
        (lambda: stats.probability_of_improvement([[1.0, 2.0]], [[1.0]]), "same tasks, got 2 and 1"),
        (lambda: stats.RunBootstrap(rng=1, interval="bca"), "interval must be one of"),
        (lambda: stats.RunBootstrap(rng=1, n_resamples=10), "at least 100, got 10"),
    ],
)
def test_bad_input_is_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()
