import numpy as np
import polars as pl
import pytest

import ablation_stats as stats
from ablation_stats import Claim, assumed_components, plan
from ablation_stats._error_model import chi_squared_nodes, error_model

SPREAD = assumed_components(sd_seed=0.02, sd_item=0.3, sd_residual=0.2)
SMALL = assumed_components(sd_seed=0.01, sd_item=0.2, sd_residual=0.3)
BETTER = Claim(text="new wins", arm="new", baseline="old")
EQUAL = Claim(text="same", arm="new", baseline="old", kind="equivalence", margin=0.1)
NO_WORSE = Claim(text="no worse", arm="new", baseline="old", kind="non-inferiority", margin=0.1)


@pytest.fixture(scope="module")
def pilot(frame_of):
    """Four seeds, 20 images of three questions; the new arm gains 0.05."""
    rng = np.random.default_rng(0)
    codes = np.repeat(np.arange(20), 3)
    old = rng.normal(0.5, 0.3, (1, 60)) + np.zeros((4, 1))
    gain = 0.05 + rng.normal(0, 0.06, (4, 1)) + rng.normal(0, 0.1, 20)[codes] + rng.normal(0, 0.2, (4, 60))
    return frame_of({"new": old + gain, "old": old}, [f"image-{code:02}" for code in codes])


def test_at_the_size_of_the_pilot_the_error_planned_is_the_one_it_had(pilot):
    for target in ("both", "items", "seeds"):
        found = plan([BETTER], pilot, seeds=4, generalize_to=target)[0]
        had = stats.paired_difference(pilot, arm="new", baseline="old", generalize_to=target)
        assert found.se == pytest.approx(had.se, rel=1e-9)
        assert found.gain == pytest.approx(had.estimate)
        assert (found.clusters, found.size.items) == (20, 60)


def test_over_seeds_the_power_is_that_of_the_paired_t():
    sd = (0.02**2 + 0.2**2 / 400) ** 0.5
    for seeds in (3, 6):
        found = plan([BETTER], SPREAD, seeds=seeds, items=400, effect=0.03, generalize_to="seeds")[0]
        # The other tail refutes the claim, so it is not part of its power.
        other = stats.power_paired(-0.03, n=seeds, sd=sd, alpha=0.025, alternative="greater")
        assert found.power == pytest.approx(stats.power_paired(0.03, n=seeds, sd=sd) - other, abs=1e-6)
        assert found.se == pytest.approx(sd / seeds**0.5)


def test_over_seeds_the_power_of_the_other_kinds_is_that_of_one_sided_tests():
    sd = (0.02**2 + 0.2**2 / 400) ** 0.5
    choice = {"seeds": 5, "items": 400, "generalize_to": "seeds"}
    claim = Claim(text="same", arm="new", baseline="old", kind="equivalence", margin=0.025)
    expected = stats.power_equivalence(0.0, n=5, sd=sd, low=-0.025, high=0.025)
    assert plan([claim], SPREAD, **choice)[0].power == pytest.approx(expected, abs=2e-3)
    claim = Claim(text="no worse", arm="new", baseline="old", kind="non-inferiority", margin=0.02)
    expected = stats.power_paired(0.02 - 0.005, n=5, sd=sd, alternative="greater")
    assert plan([claim], SPREAD, effect=-0.005, **choice)[0].power == pytest.approx(expected, abs=1e-6)


def test_over_items_the_cluster_is_the_unit():
    spread = assumed_components(sd_seed=1.0, sd_cluster=0.2, sd_item=0.3, items_per_cluster=4)
    found = plan([BETTER], spread, seeds=1, items=200, effect=0.1, generalize_to="items")[0]
    sd = (0.2**2 + 0.3**2 / 4) ** 0.5
    expected = stats.power_paired(0.1, n=50, sd=sd) - stats.power_paired(
        -0.1, n=50, sd=sd, alpha=0.025, alternative="greater"
    )
    assert found.power == pytest.approx(expected, abs=1e-6)
    assert found.se == pytest.approx(sd / 50**0.5)


@pytest.mark.parametrize("kind", ["superiority", "equivalence", "non-inferiority"])
def test_the_numbers_needed_are_the_smallest_that_decide(kind):
    margin = 0.0 if kind == "superiority" else 0.04
    claim = Claim(text="x", arm="new", baseline="old", kind=kind, margin=margin)
    choice = {"effect": 0.0 if margin else 0.04, "power": 0.85}
    found = plan([claim], SMALL, seeds=3, items=400, **choice)[0]
    assert not found.decidable
    for seeds, items in ((found.seeds_needed, 400), (3, found.items_needed)):
        assert plan([claim], SMALL, seeds=seeds, items=items, **choice)[0].decidable
    assert not plan([claim], SMALL, seeds=found.seeds_needed - 1, items=400, **choice)[0].decidable
    assert not plan([claim], SMALL, seeds=3, items=found.items_needed - 1, **choice)[0].decidable
    assert f"{found.seeds_needed} seeds on these items" in found.reason


def test_what_is_just_detectable_has_the_power_asked_for():
    choice = {"seeds": 4, "items": 500, "power": 0.85}
    gain = plan([BETTER], SPREAD, effect=0.03, **choice)[0].min_detectable
    assert plan([BETTER], SPREAD, effect=gain, **choice)[0].power == pytest.approx(0.85)
    for kind in ("equivalence", "non-inferiority"):
        margin = plan([EQUAL if kind == "equivalence" else NO_WORSE], SPREAD, **choice)[0].min_detectable
        claim = Claim(text="x", arm="new", baseline="old", kind=kind, margin=margin)
        assert plan([claim], SPREAD, **choice)[0].power == pytest.approx(0.85)


def test_where_seeds_dominate_no_number_of_items_is_enough():
    spread = assumed_components(sd_seed=0.05, sd_item=0.1, sd_residual=0.1)
    found = plan([BETTER], spread, seeds=3, items=500, effect=0.05)[0]
    assert found.items_needed is None
    assert 5 < found.seeds_needed < 20
    none = plan([BETTER], spread, seeds=3, items=500, effect=1e-4)[0]
    assert (none.seeds_needed, none.items_needed) == (None, None)
    assert "Neither 100 seeds nor 100 times the items" in none.reason


def test_a_truth_beyond_the_margin_is_planned_to_be_refuted():
    for claim, effect in ((BETTER, -0.1), (EQUAL, 0.2), (NO_WORSE, -0.2)):
        found = plan([claim], SPREAD, seeds=4, items=500, effect=effect)[0]
        assert found.verdict == "refuted"
        assert found.power > 0.9


def test_the_direction_of_the_claim_decides_the_sign_of_the_pilots_gain(pilot):
    claims = [
        BETTER,
        Claim(text="worse", arm="new", baseline="old", expects="worse"),
        Claim(text="fewer errors", arm="new", baseline="old", higher_is_better=False),
    ]
    gains = [each.gain for each in plan(claims, pilot, seeds=4)]
    assert gains[0] == pytest.approx(-gains[1]) == pytest.approx(-gains[2])
    assert "the pilot's own estimate" in plan(claims, pilot, seeds=4)[0].warnings[-1]


@pytest.mark.parametrize(("adjust", "factor"), [("bonferroni", 3), ("holm", 3), ("bh", 3), ("by", 5.5)])
def test_each_of_several_claims_gets_the_least_level_that_the_correction_grants(adjust, factor):
    three = plan([BETTER] * 3, SPREAD, seeds=4, items=500, effect=0.05, adjust=adjust)
    alone = plan([BETTER], SPREAD, seeds=4, items=500, effect=0.05, alpha=0.05 / factor)[0]
    assert [each.power for each in three] == pytest.approx([alone.power] * 3)


def test_a_pilot_that_is_too_small_says_so_and_gives_no_number(pilot):
    for seeds in (1, 2):
        found = plan([BETTER, EQUAL], pilot.filter(pl.col("seed") < seeds), seeds=5)
        for each in found:
            assert (each.power, each.decidable, each.seeds_needed) == (None, None, None)
            assert f"takes at least 3 seeds, got {seeds}" in each.reason
    few = pilot.filter(pl.col("cluster").is_in(["image-00", "image-01"]))
    assert "takes at least 3 clusters, got 2" in plan([BETTER], few, seeds=5)[0].reason


def test_one_seed_is_enough_to_plan_for_these_trained_models(pilot):
    one = pilot.filter(seed=0)
    found = plan([BETTER], one, seeds=1, generalize_to="items")[0]
    had = stats.paired_difference(one, arm="new", baseline="old", generalize_to="items")
    assert found.se == pytest.approx(had.se)
    assert any("One seed" in each for each in found.warnings)


def test_differences_that_do_not_vary_give_no_plan(pilot):
    copy = pilot.filter(arm="old").with_columns(arm=pl.lit("new"))
    found = plan([BETTER], pl.concat([pilot.filter(arm="old"), copy]), seeds=4)[0]
    assert found.decidable is None
    assert "do not vary" in found.reason


def test_the_cautious_power_takes_the_error_the_pilot_leaves_possible(pilot):
    found = plan([BETTER], pilot, seeds=6, items=300)[0]
    assert 0 < found.power_cautious < found.power
    assert plan([BETTER], SPREAD, seeds=6, items=300, effect=0.05)[0].power_cautious is None


def test_the_cautious_error_is_above_the_truth_in_four_of_five_pilots():
    from ablation_stats._pilot_uncertainty import cautious_factor

    rng = np.random.default_rng(2)
    above = 0
    for _ in range(2000):
        ms = 0.05**2 * rng.chisquare(3) / 3
        spread = stats.VarianceComponents(
            name="x",
            seed=ms,
            cluster=0.0,
            item=0.0,
            seed_cluster=0.0,
            residual=0.0,
            icc=0.0,
            design_effect=1.0,
            items_per_cluster=1.0,
            cluster_size=1.0,
            n_seeds=4,
            n_clusters=50,
            n_items=50,
        )
        above += ms * cautious_factor(spread, seeds=8, items=50, generalize_to="seeds") ** 2 > 0.05**2
    assert above / 2000 == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize("df", [1.0, 2.0, 9.0, 500.0])
def test_the_nodes_have_the_moments_of_the_distribution(df):
    ratio, weight = chi_squared_nodes(df, 48)
    assert weight @ ratio == pytest.approx(1.0, rel=1e-4)
    assert weight @ ratio**2 == pytest.approx(1 + 2 / df, rel=1e-3)


def test_the_error_model_is_what_the_comparison_estimates_on_studies_drawn():
    rng = np.random.default_rng(8)
    seeds, items = 4, 30
    spread = assumed_components(sd_seed=0.3, sd_item=0.5, sd_residual=1.0)
    from ablation_stats._variance import two_way

    drawn = [
        two_way(
            0.3 * rng.normal(size=(seeds, 1)) + 0.5 * rng.normal(size=items) + rng.normal(size=(seeds, items))
        )
        for _ in range(4000)
    ]
    model = error_model(spread, seeds=seeds, items=items, generalize_to="both")
    assert model.weights.sum() == pytest.approx(1.0)
    assert model.weights @ model.se == pytest.approx(
        np.mean([each.variance**0.5 for each in drawn]), rel=0.02
    )
    assert model.weights @ (1 / model.df) == pytest.approx(np.mean([1 / each.df for each in drawn]), rel=0.03)


def test_plans_give_one_frame(pilot):
    frame = stats.results_frame(plan([BETTER, EQUAL], pilot, seeds=5))
    assert frame["claim.text"].to_list() == ["new wins", "same"]
    assert frame["components.n_seeds"].to_list() == [4, 4]


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ({"claims": []}, "at least one claim"),
        ({"seeds": 1}, "whole number of at least 2 for generalize_to='both', got 1"),
        ({"items": 1}, "items must be a whole number of at least 2"),
        ({"items": None}, "items must be given where the components are assumed"),
        ({"effect": None}, "effect must be given where the components are assumed"),
        ({"effect": [0.1, 0.2]}, "one number or one per claim, got 2 for 1"),
        ({"power": 0.01}, "power must lie strictly between alpha"),
        ({"generalize_to": "all"}, "generalize_to must be one of"),
        ({"adjust": "none"}, "method must be one of"),
    ],
)
def test_a_plan_that_cannot_be_made_is_refused(wrong, rule):
    call = {"claims": [BETTER], "pilot": SPREAD, "seeds": 4, "items": 100, "effect": 0.1} | wrong
    with pytest.raises(ValueError, match=rule):
        plan(call.pop("claims"), call.pop("pilot"), **call)


def test_an_arm_that_the_pilot_does_not_hold_is_refused(pilot):
    with pytest.raises(ValueError, match="arm must be one of new, old, got 'newer'"):
        plan([Claim(text="x", arm="newer", baseline="old")], pilot, seeds=4)
