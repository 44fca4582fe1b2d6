import numpy as np
import pytest
from scipy import stats as scipy_stats

import ablation_stats as stats
from ablation_stats import Claim, sequential_boundaries, sequential_decision, sequential_test

BETTER = Claim(text="new wins", arm="new", baseline="old")


def paths_of_t(draws, seeds, rng):
    """t of each simulated study after 2, 3, ... seeds, by the textbook formula."""
    values = rng.standard_normal((draws, seeds))
    return {n: values[:, :n].mean(1) / values[:, :n].std(1, ddof=1) * n**0.5 for n in range(2, seeds + 1)}


@pytest.mark.parametrize("spending", ["obrien-fleming", "pocock"])
@pytest.mark.parametrize("sides", [1, 2])
def test_studies_drawn_spend_the_error_as_stated(spending, sides):
    looks = [3, 4, 6, 8]
    found = sequential_boundaries(looks, alpha=0.1, spending=spending, sides=sides)
    t = paths_of_t(100_000, 8, np.random.default_rng(5))
    stopped = np.zeros(100_000, bool)
    for look, critical, spent in zip(looks, found.critical, found.spent, strict=True):
        stopped |= (np.abs(t[look]) if sides == 2 else t[look]) > critical
        assert stopped.mean() == pytest.approx(spent, abs=4 * (spent / 100_000) ** 0.5 + 4e-4)
    assert found.spent[-1] == pytest.approx(0.1)


def test_many_seeds_give_the_boundaries_of_normal_theory():
    """Lan and DeMets 1983: O'Brien-Fleming spending, five looks, two sides at 0.05."""
    found = sequential_boundaries([400, 800, 1200, 1600, 2000])
    z = scipy_stats.norm.isf(np.array(found.nominal) / 2)
    np.testing.assert_allclose(z, [4.877, 3.357, 2.680, 2.290, 2.031], rtol=0.01)


def test_one_look_is_the_t_test():
    found = sequential_boundaries([5], alpha=0.05, spending="pocock")
    assert found.critical[0] == pytest.approx(scipy_stats.t.ppf(0.975, 4))
    assert found.nominal[0] == pytest.approx(0.05)


def test_the_first_look_is_exact():
    for sides in (1, 2):
        found = sequential_boundaries([3, 4, 5], sides=sides)
        assert found.nominal[0] == pytest.approx(found.spent[0], rel=1e-9)
        assert found.critical[0] == pytest.approx(scipy_stats.t.isf(found.spent[0] / sides, 2))


def test_the_calibration_is_the_same_every_time():
    from ablation_stats._boundaries import _calibrated

    first = sequential_boundaries([3, 4, 5])
    _calibrated.cache_clear()
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    assert sequential_boundaries([3, 4, 5]) == first
    assert (np.random.get_state()[1] == state).all()  # noqa: NPY002


@pytest.mark.parametrize("sides", [1, 2])
def test_a_look_stops_exactly_where_its_adjusted_p_is_within_what_is_spent(sides):
    looks = [3, 4, 5]
    bounds = sequential_boundaries(looks, sides=sides)
    for at, seeds in enumerate(looks):
        for shift in (-0.02, 0.02):
            found = sequential_test(bounds.critical[at] + shift, seeds=seeds, looks=looks, sides=sides)
            assert found.crossed == (shift > 0)
            assert found.crossed == (found.p_adjusted <= bounds.spent[at])
            assert found.crossed == (found.p_value <= bounds.nominal[at])


def test_the_adjusted_p_is_the_share_of_studies_that_stopped_before_or_show_more():
    looks, t = [3, 4, 6], paths_of_t(200_000, 6, np.random.default_rng(3))
    bounds = sequential_boundaries(looks, spending="pocock")
    before = (np.abs(t[3]) > bounds.critical[0]) | (np.abs(t[4]) > bounds.critical[1])
    for statistic in (0.3, -2.0, 4.0):
        expected = (before | (np.abs(t[6]) > abs(statistic))).mean()
        found = sequential_test(statistic, seeds=6, looks=looks, spending="pocock")
        assert found.p_adjusted == pytest.approx(expected, abs=0.005)
        assert found.p_value == pytest.approx(2 * scipy_stats.t.sf(abs(statistic), 5))


def test_a_one_sided_statistic_against_the_claim_has_a_large_p():
    found = sequential_test(-3.0, seeds=4, looks=[3, 4], sides=1)
    assert found.p_adjusted > 0.9
    assert not found.crossed


def study_of(frame_of, gain, seeds, *, seed_spread=0.02, rng=1):
    rng = np.random.default_rng(rng)
    old = rng.normal(0.5, 0.3, (1, 60)) + np.zeros((seeds, 1))
    noise = rng.normal(0, seed_spread, (seeds, 1)) + rng.normal(0, 0.1, (seeds, 60))
    noise = noise - noise.mean()
    return frame_of({"new": old + gain + noise, "old": old})


@pytest.mark.parametrize(
    ("claim", "gain", "verdict"),
    [
        (BETTER, 0.5, "supported"),
        (BETTER, -0.5, "refuted"),
        (Claim(text="x", arm="new", baseline="old", kind="equivalence", margin=0.4), 0.0, "equivalent"),
        (Claim(text="x", arm="new", baseline="old", kind="equivalence", margin=0.4), 1.0, "refuted"),
        (Claim(text="x", arm="new", baseline="old", kind="non-inferiority", margin=0.4), 0.0, "non-inferior"),
        (Claim(text="x", arm="new", baseline="old", kind="non-inferiority", margin=0.4), -1.0, "refuted"),
    ],
)
def test_a_clear_difference_stops_at_the_first_look(frame_of, claim, gain, verdict):
    found = sequential_decision(claim, study_of(frame_of, gain, 3), looks=[3, 4, 5])
    assert (found.stop, found.verdict, found.seeds) == (True, verdict, 3)
    assert found.p_adjusted <= found.nominal


def test_a_promising_study_goes_on_and_a_hopeless_one_stops(frame_of):
    looks = [3, 4, 5, 8]
    promising = sequential_decision(BETTER, study_of(frame_of, 0.03, 4), looks=looks)
    assert (promising.stop, promising.verdict) == (False, None)
    assert promising.predictive_power > 0.3
    hopeless = study_of(frame_of, 1e-4, 5, seed_spread=0.1)
    found = sequential_decision(BETTER, hopeless, looks=[3, 5, 6])
    assert (found.stop, found.verdict) == (True, "inconclusive")
    assert found.predictive_power < 0.05
    assert not sequential_decision(BETTER, hopeless, looks=[3, 5, 6], futility=None).stop


def test_the_last_look_ends_the_study(frame_of):
    found = sequential_decision(BETTER, study_of(frame_of, 0.0, 5), looks=[3, 4, 5])
    assert (found.stop, found.verdict, found.predictive_power) == (True, "inconclusive", None)


def test_over_seeds_the_decision_is_that_of_the_t_test(frame_of):
    study = study_of(frame_of, 0.03, 4)
    found = sequential_decision(BETTER, study, looks=[3, 4, 6], generalize_to="seeds")
    shown = stats.paired_difference(study, arm="new", baseline="old", generalize_to="seeds")
    look = sequential_test(shown.estimate / shown.se, seeds=4, looks=[3, 4, 6])
    assert found.p_value == pytest.approx(look.p_value)
    assert found.p_adjusted == pytest.approx(look.p_adjusted)
    assert found.nominal == look.nominal


def test_the_predictive_power_is_the_share_of_continuations_that_decide(frame_of):
    """Over seeds: the true mean and spread drawn from their posterior, the seeds to come from these."""
    study = study_of(frame_of, 0.03, 4)
    found = sequential_decision(BETTER, study, looks=[4, 10], generalize_to="seeds")
    cube = stats.paired_cube(study)
    gains = (cube.values[cube.index("new")] - cube.values[cube.index("old")]).mean(axis=1)
    rng = np.random.default_rng(4)
    sd = gains.std(ddof=1) * (3 / rng.chisquare(3, 40_000)) ** 0.5
    mean = gains.mean() + sd / 2 * rng.standard_normal(40_000)
    later = mean[:, None] + sd[:, None] * rng.standard_normal((40_000, 6))
    final = np.concatenate([np.tile(gains, (40_000, 1)), later], axis=1).mean(1)
    critical = sequential_boundaries([4, 10]).critical[1]
    # The error at the end is taken as it is now, so only the mean is simulated.
    rng_error = gains.std(ddof=1) / 10**0.5 * (rng.chisquare(9, 40_000) / 9) ** 0.5
    expected = (np.abs(final) > critical * rng_error).mean()
    assert found.predictive_power == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        (lambda: sequential_boundaries([]), "increasing numbers of seeds"),
        (lambda: sequential_boundaries([1, 2]), "from 2 up, got \\[1, 2\\]"),
        (lambda: sequential_boundaries([4, 3]), "from 2 up, got \\[4, 3\\]"),
        (lambda: sequential_boundaries([3], alpha=0.5), "alpha must lie strictly between 0 and 0.5"),
        (lambda: sequential_boundaries([3], spending="pococ"), "did you mean 'pocock'"),
        (lambda: sequential_boundaries([3], sides=3), "sides must be one of 1, 2"),
        (lambda: sequential_test(1.0, seeds=6, looks=[3, 4]), "one of the looks"),
        (lambda: sequential_test(float("nan"), seeds=3, looks=[3]), "got NaN"),
    ],
)
def test_looks_that_make_no_sense_are_refused(call, rule):
    with pytest.raises(ValueError, match=rule):
        call()


def test_a_study_with_other_seeds_than_planned_is_refused(frame_of):
    study = study_of(frame_of, 0.1, 4)
    with pytest.raises(ValueError, match=r"one of the looks \(3, 5\), got 4"):
        sequential_decision(BETTER, study, looks=[3, 5])
    with pytest.raises(ValueError, match="generalize_to must be one of both, seeds"):
        sequential_decision(BETTER, study, looks=[3, 4], generalize_to="items")
    with pytest.raises(ValueError, match="futility must lie in"):
        sequential_decision(BETTER, study, looks=[3, 4], futility=2.0)
