import itertools

import numpy as np
import pytest
from scipy import integrate
from scipy import stats as scipy_stats
from statsmodels.stats.power import TTestPower

import ablation_stats as stats
from ablation_stats._noncentral_t import noncentral_upper_tail

CASES = list(itertools.product((0.15, -0.4, 0.9), (2.5, 7, 60), (0.01, 0.2)))


@pytest.mark.parametrize(("effect", "n", "alpha"), CASES)
def test_power_agrees_with_statsmodels(effect, n, alpha):
    for alternative, theirs in (("two-sided", "two-sided"), ("greater", "larger")):
        expected = TTestPower().power(effect, n, alpha, alternative=theirs)
        found = stats.power_paired(3 * effect, sd=3.0, n=n, alpha=alpha, alternative=alternative)
        assert found == pytest.approx(expected, rel=1e-8)


def test_power_is_a_number_where_the_noncentral_t_is_not():
    assert np.isnan(scipy_stats.nct.cdf(-2, 399, 10))
    assert stats.power_paired(0.5, n=400) == pytest.approx(1.0, abs=1e-12)
    assert stats.power_paired(8.0, n=400) == 1.0
    assert noncentral_upper_tail(-2.0, 399.0, 10.0) == pytest.approx(1.0)


def test_the_tail_in_place_of_nan_agrees_where_both_exist(monkeypatch):
    cases = [(2.0, 9.0, 2.5), (4.3, 2.0, 1.0), (2.8, 4.0, -1.0), (2.0, 300.0, 3.0), (3.0, 1.0, 2.0)]
    expected = [noncentral_upper_tail(*case) for case in cases]
    monkeypatch.setattr("scipy.special.nctdtr", lambda *_: float("nan"))
    assert [noncentral_upper_tail(*case) for case in cases] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("effect", "n", "low", "high"),
    [
        (0.0, 30, -0.6, 0.6),
        (0.2, 10, -1.0, 1.5),
        (0.0, 3, -1.0, 1.0),
        (-0.1, 100, -0.4, 0.2),
        (0.5, 6, -0.4, 0.4),
    ],
)
def test_equivalence_power_agrees_with_the_integral_over_the_estimated_spread(effect, n, low, high):
    quantile = scipy_stats.t.ppf(0.95, n - 1)

    def inside(sd):
        reach = quantile * sd / n**0.5
        normal = scipy_stats.norm(effect, n**-0.5)
        return max(normal.cdf(high - reach) - normal.cdf(low + reach), 0) * scipy_stats.chi.pdf(
            sd, n - 1, scale=(n - 1) ** -0.5
        )

    kink = (high - low) / (2 * quantile) * n**0.5
    expected = integrate.quad(inside, 0, kink, epsabs=1e-12, limit=400)[0]
    assert stats.power_equivalence(effect, n=n, low=low, high=high) == pytest.approx(expected, abs=1e-9)


def test_equivalence_power_agrees_with_studies_drawn():
    rng = np.random.default_rng(1)
    values = rng.normal(0.3, 2.0, (40_000, 8))
    half = scipy_stats.t.ppf(0.9, 7) * values.std(axis=1, ddof=1) / 8**0.5
    mean = values.mean(axis=1)
    shown = ((mean - half > -2) & (mean + half < 2.5)).mean()
    assert stats.power_equivalence(0.3, n=8, low=-2, high=2.5, sd=2.0, alpha=0.1) == pytest.approx(
        shown, abs=0.01
    )


@pytest.mark.parametrize("alternative", ["two-sided", "greater"])
@pytest.mark.parametrize("distribution", ["t", "normal"])
def test_size_and_effect_invert_each_other(alternative, distribution):
    choice = {
        "sd": 0.7,
        "power": 0.9,
        "alpha": 0.02,
        "alternative": alternative,
        "distribution": distribution,
    }
    for effect in (0.05, 0.3, 0.6):
        needed = stats.required_items(effect, **choice)
        assert stats.min_detectable_effect(n=needed.exact, **choice) == pytest.approx(effect, rel=1e-6)
        assert needed.number == np.ceil(needed.exact)


def test_the_number_required_is_the_smallest_that_has_the_power():
    for effect in (0.2, 0.8, 1.7):
        number = stats.required_seeds(effect, power=0.85).number
        assert stats.power_paired(effect, n=number) >= 0.85
        assert number == 2 or stats.power_paired(effect, n=number - 1) < 0.85


def test_an_effect_that_two_seeds_find_needs_two():
    assert stats.required_seeds(40.0).number == 2


def test_clusters_multiply_the_items():
    alone = stats.required_items(0.1, sd=0.5)
    assert stats.required_items(0.1, sd=0.5, design_effect=2.4).exact == pytest.approx(2.4 * alone.exact)


def test_the_design_effect_is_the_variance_of_a_clustered_mean():
    sizes, icc = np.array([1, 2, 5, 5, 7]), 0.3
    codes = np.repeat(np.arange(5), sizes)
    correlation = np.where(codes[:, None] == codes[None], icc, 0.0)
    np.fill_diagonal(correlation, 1.0)
    assert stats.design_effect(sizes, icc=icc) == pytest.approx(correlation.sum() / sizes.sum())
    assert stats.design_effect(8, icc=0.2) == pytest.approx(2.4)
    assert stats.design_effect(1, icc=0.9) == 1.0


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        (lambda: stats.power_paired(0.5, n=1), "n must be a finite number above 1, got 1"),
        (lambda: stats.power_paired(float("nan"), n=5), "effect must be finite"),
        (lambda: stats.power_paired(0.5, n=5, sd=0.0), "sd must be a finite number above 0"),
        (lambda: stats.power_paired(0.5, n=5, alpha=1.0), "alpha must lie strictly between 0 and 1"),
        (lambda: stats.power_paired(0.5, n=5, alternative="larger"), "alternative must be one of"),
        (lambda: stats.power_equivalence(0.0, n=5, low=1.0, high=-1.0), "low must be below high"),
        (lambda: stats.min_detectable_effect(n=5, power=0.05), "power must lie strictly between alpha"),
        (lambda: stats.required_seeds(0.0), "effect must be a finite number above 0, got 0.0"),
        (
            lambda: stats.required_seeds(-1.0, alternative="greater"),
            "effect must be a finite number above 0, got -1.0",
        ),
        (lambda: stats.required_items(0.1, sd=1.0, design_effect=0.0), "design_effect must be"),
        (lambda: stats.design_effect(0.5, icc=0.1), "cluster_size must be at least 1"),
        (lambda: stats.design_effect(5, icc=-0.3), "icc must lie in -1..1"),
        (lambda: stats.paired_sd(-1.0), "deviations must be at least 0"),
    ],
)
def test_planning_refuses_what_it_cannot_compute(call, rule):
    with pytest.raises(ValueError, match=rule):
        call()
