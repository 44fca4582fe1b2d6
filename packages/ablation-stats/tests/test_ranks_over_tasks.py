"""Friedman, Nemenyi, critical differences and tied sets against scipy, closed forms and simulation."""

import itertools

import numpy as np
import polars as pl
import pytest
from scipy import stats as scipy_stats

import ablation_stats as stats
from ablation_stats._studentized_range import range_quantile, range_upper_tail


def scores(tasks=12, arms=4, *, decimals=1):
    rng = np.random.default_rng(tasks * arms)
    return (rng.normal(size=(tasks, arms)) + np.linspace(0, 1, arms)).round(decimals)


@pytest.mark.parametrize(("tasks", "arms"), [(2, 3), (12, 4), (7, 6), (30, 10)])
def test_friedman_is_that_of_scipy_with_ties(tasks, arms):
    table = scores(tasks, arms)
    expected = scipy_stats.friedmanchisquare(*table.T)
    found = stats.friedman_test(table)
    assert (found.chi2, found.p_value) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-10)
    ranks = scipy_stats.rankdata(-table, axis=1).mean(axis=0)
    assert found.average_ranks == pytest.approx(tuple(ranks))


def test_iman_davenport_with_ties_is_the_two_way_analysis_of_variance_of_ranks():
    table = scores()
    ranks = scipy_stats.rankdata(-table, axis=1)
    by_arm = 12 * ((ranks.mean(axis=0) - 2.5) ** 2).sum() / 3
    rest = ((ranks - ranks.mean(axis=0)) ** 2).sum() / (3 * 11)
    found = stats.friedman_test(table)
    assert found.iman_davenport_ties == pytest.approx(by_arm / rest, rel=1e-10)
    assert found.iman_davenport_ties_p == pytest.approx(scipy_stats.f.sf(by_arm / rest, 3, 33), rel=1e-10)


def test_both_conventions_agree_without_ties():
    found = stats.friedman_test(scores(decimals=12))
    assert found.iman_davenport == pytest.approx(found.iman_davenport_ties, rel=1e-12)
    assert found.chi2 == pytest.approx(found.chi2_uncorrected, rel=1e-12)


def test_lower_is_better_mirrors_the_ranks():
    table = scores()
    up, down = stats.friedman_test(table), stats.friedman_test(table, higher_is_better=False)
    assert np.array(up.average_ranks) + np.array(down.average_ranks) == pytest.approx(5.0)
    assert up.chi2 == pytest.approx(down.chi2)


def test_perfect_agreement_has_the_p_of_agreement_by_chance():
    found = stats.friedman_test(np.tile([0.1, 0.2, 0.3], (5, 1)))
    assert found.iman_davenport == np.inf
    assert found.iman_davenport_p == pytest.approx(6.0**-4)


def test_arms_that_tie_everywhere_do_not_differ():
    found = stats.friedman_test(np.ones((5, 3)))
    assert (found.chi2, found.p_value, found.iman_davenport_p) == (0.0, 1.0, 1.0)


@pytest.mark.parametrize("k", [2, 3, 5, 10, 40])
@pytest.mark.parametrize("q", [0.3, 1.0, 3.3, 6.0])
def test_the_range_of_normals_is_that_of_scipy(k, q):
    assert range_upper_tail(q, k) == pytest.approx(scipy_stats.studentized_range.sf(q, k, np.inf), abs=1e-9)


@pytest.mark.parametrize("q", [0.01, 1.0, 5.0, 20.0, 35.0])
def test_the_range_of_two_normals_has_a_closed_form_far_into_the_tail(q):
    assert range_upper_tail(q, 2) == pytest.approx(2 * scipy_stats.norm.sf(q / 2**0.5), rel=1e-9)


def test_the_quantile_inverts_the_tail():
    assert range_upper_tail(range_quantile(0.037, 7), 7) == pytest.approx(0.037, rel=1e-9)


@pytest.mark.parametrize(
    ("k", "q"),
    [
        (2, 1.960),
        (3, 2.343),
        (4, 2.569),
        (5, 2.728),
        (6, 2.850),
        (7, 2.949),
        (8, 3.031),
        (9, 3.102),
        (10, 3.164),
    ],
)
def test_critical_values_are_those_printed_by_demsar(k, q):
    """Demšar 2006, table 5(a); the paper divides the range by the root of 2."""
    assert range_quantile(0.05, k) / 2**0.5 == pytest.approx(q, abs=1.1e-3)


def test_a_pair_at_the_critical_difference_has_p_alpha():
    difference = stats.nemenyi_cd(5, 20, alpha=0.1)
    found = stats.nemenyi_pvalues([1.0, 1.0 + difference, 3.0, 3.0, 3.0], n_tasks=20)
    assert found[0, 1] == pytest.approx(0.1, rel=1e-8)
    assert (found == found.T).all()
    assert np.diag(found).tolist() == [1.0] * 5


@pytest.mark.parametrize("seed", range(20))
def test_groups_are_the_largest_sets_without_a_critical_difference(seed):
    rng = np.random.default_rng(seed)
    ranks = dict(zip("abcdef", rng.uniform(1, 6, 6).round(1).tolist(), strict=True))
    difference = 1.3
    fitting = [
        set(group)
        for size in range(1, 7)
        for group in itertools.combinations(ranks, size)
        if max(ranks[arm] for arm in group) - min(ranks[arm] for arm in group) < difference
    ]
    largest = [group for group in fitting if not any(group < other for other in fitting)]
    found = stats.critical_difference_groups(ranks, difference)
    assert sorted(map(sorted, found)) == sorted(map(sorted, largest))


def test_a_frame_gives_the_diagram_of_its_task_means(task_frame_of):
    table = scores(14, 4)
    frame = task_frame_of(
        {name: np.stack([row + 0.3, row - 0.3]) for name, row in zip("abcd", table.T, strict=True)}
    )
    found = stats.critical_differences(frame)
    expected = dict(zip("abcd", stats.friedman_test(table).average_ranks, strict=True))
    assert dict(zip(found.arms, found.average_ranks, strict=True)) == expected
    assert list(found.average_ranks) == sorted(found.average_ranks)
    assert found.critical_difference == stats.nemenyi_cd(4, 14)


def test_the_best_arm_and_its_twin_are_tied_and_the_blind_one_is_beaten(study):
    found = stats.tied_sets(study)[0]
    assert found.best in found.tied
    assert {"linear", "mlp", "twin"} <= set(found.tied)
    assert "blind" in found.beaten
    assert all(p < 0.05 for p in found.p_values[len(found.tied) :])


def test_a_tied_set_is_given_per_metric(study):
    both = pl.concat(
        [
            study.with_columns(metric=pl.lit("accuracy")),
            study.with_columns(metric=pl.lit("error"), value=1 - pl.col("value")),
        ]
    )
    up, down = stats.tied_sets(both), stats.tied_sets(both, higher_is_better=False)
    assert [each.metric for each in up] == ["accuracy", "error"]
    assert up[0].tied == down[1].tied
    assert down[1].beaten == up[0].beaten


def test_the_truly_best_arm_stays_in_the_set_at_the_stated_rate(frame_of):
    rng = np.random.default_rng(8)
    missed = 0
    for _ in range(300):
        values = {arm: rng.normal(0, 1, (1, 25)) for arm in ("best", "equal", "also")}
        missed += "best" not in stats.tied_sets(frame_of(values), generalize_to="items", alpha=0.1)[0].tied
    assert missed <= scipy_stats.binom.ppf(0.999, 300, 0.1)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: stats.friedman_test([[1.0, 2.0], [2.0, 1.0]]), "at least 3 arms and 2 tasks, got 2 and 2"),
        (lambda: stats.friedman_test([[1.0, 2.0, np.nan]] * 3), "finite"),
        (lambda: stats.nemenyi_cd(1, 5), "at least 2 arms"),
        (lambda: stats.critical_difference_groups({"a": 1.0}, 0.0), "above 0"),
    ],
)
def test_bad_input_is_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()
