"""The values of reference_values.json that belong to aggregates over tasks."""

import numpy as np
import pytest

import ablation_stats as stats


@pytest.mark.parametrize("reference_case", ["iqm_12"], indirect=True)
def test_interquartile_mean(reference_case):
    reference_case.check(iqm=stats.iqm(reference_case["inputs"]["scores"]))


@pytest.mark.parametrize("reference_case", ["optimality_gap"], indirect=True)
def test_optimality_gap_mean_and_median(reference_case, task_frame_of):
    scores = reference_case["inputs"]["scores"]
    table = stats.task_scores(task_frame_of({"a": np.array(scores)}))
    settings = stats.RunBootstrap(rng=1, n_resamples=100)
    found = {
        name: stats.aggregate_scores(table, settings, statistic=name)[0].estimate
        for name in ("mean", "median")
    }
    reference_case.check(
        gap=stats.optimality_gap(scores, gamma=reference_case["inputs"]["gamma"]),
        mean=found["mean"],
        median_of_task_means=found["median"],
    )


@pytest.mark.parametrize("reference_case", ["performance_profile"], indirect=True)
def test_performance_profile(reference_case):
    scores, taus = reference_case["inputs"]["scores"], reference_case["inputs"]["tau"]
    reference_case.check(
        score_distribution=stats.performance_profile(scores, taus),
        avg_score_distribution=stats.performance_profile(scores, taus, kind="tasks"),
    )


@pytest.mark.parametrize("reference_case", ["prob_improvement"], indirect=True)
def test_probability_of_improvement(reference_case):
    x, y = (np.array(reference_case["inputs"][name]) for name in "xy")
    reference_case.check(
        poi=stats.probability_of_improvement(x, y),
        per_task=[stats.probability_of_improvement(x[:, [at]], y[:, [at]]) for at in range(3)],
    )


@pytest.mark.parametrize("reference_case", ["friedman_nemenyi_demsar"], indirect=True)
def test_friedman_and_nemenyi(reference_case):
    scores = np.array(reference_case["inputs"]["scores"])
    found = stats.friedman_test(scores)
    reference_case.check(
        avg_ranks=found.average_ranks,
        chi2_no_tie_correction=found.chi2_uncorrected,
        chi2=found.chi2,
        p=found.p_value,
        iman_davenport_F=found.iman_davenport,
        iman_davenport_p=found.iman_davenport_p,
        CD05=stats.nemenyi_cd(4, 14),
        nemenyi_p=stats.nemenyi_pvalues(found.average_ranks, n_tasks=14),
    )
