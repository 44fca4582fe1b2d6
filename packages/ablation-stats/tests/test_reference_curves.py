"""The values of reference_values.json that belong to curves and fronts."""

import numpy as np
import pytest

import ablation_stats as stats


@pytest.mark.parametrize("reference_case", ["segmented_query_count"], indirect=True)
def test_broken_stick(reference_case):
    found = stats.knee_broken_stick(reference_case["inputs"]["x"], reference_case["inputs"]["y"])
    reference_case.check(psi_log2=found.log2_knee, rss=found.rss, knee_x=found.knee)


@pytest.mark.parametrize("reference_case", ["pareto_front"], indirect=True)
def test_pareto_front(reference_case):
    cost, score = np.array(reference_case["inputs"]["points"]).T
    reference_case.check(indices=stats.pareto_indices(cost, score))
