import numpy as np
import polars as pl
import pytest
from scipy import optimize

import ablation_stats as stats
from ablation_stats._mean_squares import estimate_components
from ablation_stats._variance import two_way

CODES = np.repeat(np.arange(4), [1, 2, 5, 3])


def effects_of(component, seeds, codes):
    """Every table that one unit effect of a component makes."""
    items = np.arange(codes.size)
    for seed in range(seeds):
        in_seed = np.arange(seeds)[:, None] == seed
        if component == "seed":
            yield np.where(in_seed, 1.0, np.zeros(codes.size))
        if component == "seed_cluster":
            yield from (np.where(in_seed & (codes == each), 1.0, 0.0) for each in np.unique(codes))
        if component == "residual":
            yield from (np.where(in_seed & (items == each), 1.0, 0.0) for each in items)
    if component == "cluster":
        yield from (np.tile(codes == each, (seeds, 1)).astype(float) for each in np.unique(codes))
    if component == "item":
        yield from (np.tile(items == each, (seeds, 1)).astype(float) for each in items)


@pytest.mark.parametrize("component", ["seed", "cluster", "item", "seed_cluster", "residual"])
@pytest.mark.parametrize("codes", [CODES, np.repeat(np.arange(3), 4)])
def test_every_component_is_estimated_without_bias_for_unequal_clusters(component, codes):
    """The expectation of a quadratic form under unit variances is its sum over the unit effects."""
    tables = effects_of(component, 3, codes)
    expected = np.sum([estimate_components(table, codes, codes.max() + 1) for table in tables], axis=0)
    names = ["seed", "cluster", "item", "seed_cluster", "residual"]
    np.testing.assert_allclose(expected, [float(name == component) for name in names], atol=1e-12)


def draw(rng, seeds, clusters, per_cluster, spread):
    codes = np.repeat(np.arange(clusters), per_cluster)
    table = (
        0.1
        + spread["seed"] * rng.normal(size=(seeds, 1))
        + spread["residual"] * rng.normal(size=(seeds, codes.size))
    )
    table = (
        table
        + spread["cluster"] * rng.normal(size=clusters)[codes]
        + spread["item"] * rng.normal(size=codes.size)
    )
    return table + spread["seed_cluster"] * rng.normal(size=(seeds, clusters))[:, codes], codes


SPREAD = {"seed": 0.5, "cluster": 0.8, "item": 0.6, "seed_cluster": 0.5, "residual": 0.4}


def pilot_of(frame_of, table, codes=None):
    shared = np.random.default_rng(9).normal(0, 3, table.shape)
    clusters = None if codes is None else [f"image-{each}" for each in codes]
    return frame_of({"new": shared + table, "old": shared}, clusters)


def restricted_likelihood_optimum(table, codes):
    """REML by brute force: the likelihood of all contrasts of the observations, maximised over five variances."""
    names = ["seed", "cluster", "item", "seed_cluster", "residual"]
    units = [np.array([each.ravel() for each in effects_of(name, len(table), codes)]) for name in names]
    size = table.size
    contrasts = np.linalg.svd(np.ones((1, size)))[2][1:]
    kernels = [contrasts @ unit.T @ unit @ contrasts.T for unit in units]
    observed = contrasts @ table.ravel()

    def loss(logs):
        covariance = sum(np.exp(log) * kernel for log, kernel in zip(logs, kernels, strict=True))
        return np.linalg.slogdet(covariance)[1] + observed @ np.linalg.solve(covariance, observed)

    return np.exp(optimize.minimize(loss, np.full(5, -1.0), method="L-BFGS-B", options={"ftol": 1e-14}).x)


def test_balanced_components_are_those_of_restricted_maximum_likelihood(frame_of):
    table, codes = draw(np.random.default_rng(0), 4, 5, 3, SPREAD)
    found = stats.variance_components(pilot_of(frame_of, table, codes), arm="new", baseline="old")
    mine = [found.seed, found.cluster, found.item, found.seed_cluster, found.residual]
    assert min(mine) > 0
    np.testing.assert_allclose(mine, restricted_likelihood_optimum(table, codes), rtol=1e-3)


def test_without_clusters_they_are_those_of_the_two_way_table(frame_of):
    table, _ = draw(np.random.default_rng(1), 5, 9, 1, SPREAD)
    found = stats.variance_components(pilot_of(frame_of, table), arm="new", baseline="old")
    squares = two_way(table)
    assert found.residual == pytest.approx(squares.ms_residual)
    assert found.seed == pytest.approx((squares.ms_seed - squares.ms_residual) / 9)
    assert found.item == pytest.approx((squares.ms_cluster - squares.ms_residual) / 5)
    assert (found.cluster, found.seed_cluster, found.design_effect) == (0.0, 0.0, 1.0)


def test_many_seeds_and_items_find_the_spreads_drawn():
    table, codes = draw(np.random.default_rng(2), 300, 300, 3, SPREAD)
    found = estimate_components(table, codes, 300)._asdict()
    assert {name: value**0.5 for name, value in found.items()} == pytest.approx(SPREAD, rel=0.15)


def test_the_result_says_what_it_rests_on(frame_of):
    table, codes = draw(np.random.default_rng(2), 4, 10, 3, SPREAD)
    found = stats.variance_components(pilot_of(frame_of, table, codes), arm="new", baseline="old")
    assert (found.n_seeds, found.n_clusters, found.n_items, found.items_per_cluster) == (4, 10, 30, 3.0)
    shared = found.cluster + found.seed_cluster
    assert found.icc == pytest.approx(shared / (shared + found.item + found.residual))
    assert found.design_effect == pytest.approx(stats.design_effect(3, icc=found.icc))


def test_a_negative_component_is_zero_and_said(frame_of):
    table = np.random.default_rng(0).normal(size=(4, 12))
    table = table - table.mean(axis=1, keepdims=True)
    found = stats.variance_components(pilot_of(frame_of, table), arm="new", baseline="old")
    assert found.seed == 0.0
    assert any("seed component came out negative" in each for each in found.warnings)


def test_one_seed_is_refused_with_the_number_needed(frame_of):
    pilot = pilot_of(frame_of, np.random.default_rng(0).normal(size=(1, 12)))
    with pytest.raises(ValueError, match="at least 2 seeds, and a plan at least 3, got 1"):
        stats.variance_components(pilot, arm="new", baseline="old")
    found = stats.variance_components(pilot, arm="new", baseline="old", generalize_to="items")
    assert (found.seed, found.residual) == (None, None)
    assert any("seed component is unknown" in each for each in found.warnings)


def test_few_seeds_say_how_little_they_know(frame_of):
    table, _ = draw(np.random.default_rng(1), 3, 12, 1, SPREAD)
    found = stats.variance_components(pilot_of(frame_of, table), arm="new", baseline="old")
    assert any("0.52 to 6.3 times" in each for each in found.warnings)
    two = stats.variance_components(pilot_of(frame_of, table[:2]), arm="new", baseline="old")
    assert any("a plan needs at least 3" in each for each in two.warnings)


def test_one_cluster_is_refused(frame_of):
    pilot = pilot_of(frame_of, np.random.default_rng(0).normal(size=(3, 6)), np.zeros(6, int))
    with pytest.raises(ValueError, match="at least 2 clusters of items, got 1"):
        stats.variance_components(pilot, arm="new", baseline="old")


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ({}, "not all 0"),
        ({"sd_seed": -0.1}, "at least 0"),
        ({"sd_item": float("nan")}, "must be finite"),
        ({"sd_item": 1.0, "items_per_cluster": 0.5}, "items_per_cluster must be at least 1"),
        ({"sd_cluster": 1.0}, "needs items_per_cluster above 1"),
    ],
)
def test_assumed_components_check_themselves(wrong, rule):
    with pytest.raises(ValueError, match=rule):
        stats.assumed_components(**wrong)


def test_components_give_a_frame(frame_of):
    table, codes = draw(np.random.default_rng(1), 4, 12, 2, SPREAD)
    found = stats.variance_components(pilot_of(frame_of, table, codes), arm="new", baseline="old")
    assert isinstance(found.to_frame(), pl.DataFrame)
    assert found.to_frame()["item"].item() == found.item
