"""Pareto fronts and the cheapest arm, against dominance by definition."""

import numpy as np
import pytest

import ablation_stats as stats
from ablation_stats._pareto import on_front


@pytest.mark.parametrize("seed", range(10))
def test_the_front_is_what_no_point_dominates(seed):
    rng = np.random.default_rng(seed)
    cost, gain = rng.integers(0, 5, 12).astype(float), rng.integers(0, 5, 12).astype(float)
    dominated = [
        any(
            c <= cost[i] and g >= gain[i] and (c < cost[i] or g > gain[i])
            for c, g in zip(cost, gain, strict=True)
        )
        for i in range(12)
    ]
    assert on_front(cost, gain[None], 0.0)[0].tolist() == [not each for each in dominated]
    assert (
        stats.pareto_indices(cost, -gain, higher_is_better=False).tolist()
        == np.flatnonzero(~np.array(dominated)).tolist()
    )


def test_membership_is_the_share_of_joint_resamples(study):
    from ablation_stats._cube import paired_cube
    from ablation_stats._joint_draws import draw_means

    costs = {"linear": 1.0, "mlp": 2.0, "qformer": 3.0, "twin": 2.0, "blind": 0.5}
    found = {each.arm: each for each in stats.pareto_front(study, costs=costs, rng=9, n_resamples=500)}
    cube = paired_cube(study)
    draws = draw_means(cube, cube.arms, generalize_to="items", n_resamples=500, rng=9, threads=None).values
    cost = np.array([costs[arm] for arm in cube.arms])
    shares = np.zeros(5)
    for row in draws:
        shares[stats.pareto_indices(cost, row)] += 1 / 500
    assert [found[arm].probability for arm in cube.arms] == pytest.approx(shares.tolist())
    assert found["blind"].probability == 1.0
    assert not found["qformer"].on_front


def test_equal_arms_of_equal_cost_both_stay_in_every_resample(frame_of):
    values = np.random.default_rng(1).random((1, 50))
    found = stats.pareto_front(frame_of({"a": values, "b": values}), costs={"a": 1.0, "b": 1.0}, rng=1)
    assert [each.probability for each in found] == [1.0, 1.0]


def test_the_cheapest_arm_that_holds_the_score_is_named(frame_of):
    rng = np.random.default_rng(2)
    shared = rng.normal(0, 1, (3, 400))
    losses = {"full": 0.0, "half": 0.001, "quarter": 0.002, "tenth": 0.5}
    frame = frame_of({arm: shared - loss + rng.normal(0, 0.02, (3, 400)) for arm, loss in losses.items()})
    costs = {"full": 8.0, "half": 4.0, "quarter": 2.0, "tenth": 1.0}
    found, tests = stats.cheapest_non_inferior(frame, costs=costs, reference="full", margin=0.02)
    assert (found.arm, found.cost) == ("quarter", 2.0)
    assert [(each.arm, each.non_inferior) for each in tests] == [
        ("tenth", False),
        ("quarter", True),
        ("half", True),
    ]
    raw = [each.test.p_value for each in tests]
    assert [each.p_adjusted for each in tests] == pytest.approx(stats.adjust_pvalues(raw).tolist())
    limited, _ = stats.cheapest_non_inferior(frame, costs=costs, reference="full", margin=0.02, limit=1.5)
    assert limited.arm is None
