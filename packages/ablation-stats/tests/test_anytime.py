"""Evidence that holds whenever one looks: e-values and confidence sequences."""

import itertools
import math

import numpy as np
import pytest
from scipy import integrate, optimize, special

from ablation_stats import confidence_sequence, mixture_parameter, paired_evalue, paired_evalue_sequence


@pytest.mark.parametrize(("b", "c"), [(0, 0), (3, 1), (12, 4), (0, 9), (20, 22)])
def test_the_e_value_is_the_mixture_of_likelihood_ratios(b, c):
    def ratio(angle):
        share = math.sin(angle) ** 2  # Jeffreys' prior is uniform in the angle.
        return (2 * share) ** b * (2 * (1 - share)) ** c * 2 / math.pi

    expected = integrate.quad(ratio, 0, math.pi / 2)[0]
    found = paired_evalue(b, c)
    assert found.e_value == pytest.approx(expected, rel=1e-9)
    assert found.p_value == pytest.approx(min(1.0, 1 / expected))


def test_under_no_difference_its_mean_is_one_over_all_outcomes():
    for n in (1, 5, 12):
        mean = sum(math.comb(n, b) * paired_evalue(b, n - b).e_value for b in range(n + 1)) / 2**n
        assert mean == pytest.approx(1.0)


def test_the_anytime_p_is_below_alpha_at_any_time_in_no_more_than_alpha_of_all_sequences():
    n, alpha = 12, 0.2
    outcomes = np.array(list(itertools.product((0, 1), repeat=n)))
    p = [paired_evalue_sequence(each, 1 - each).p_value for each in outcomes]
    assert 0 < np.mean(np.array(p) <= alpha) <= alpha


def test_a_sequence_ends_where_its_counts_do_and_remembers_its_largest():
    a, b = [1, 0, 1, 1, 1, 0, 0, 1], [0, 0, 0, 0, 0, 1, 1, 1]
    found = paired_evalue_sequence(a, b)
    assert (found.b, found.c, found.n_items) == (4, 2, 8)
    assert found.e_value == pytest.approx(paired_evalue(4, 2).e_value)
    assert found.largest == pytest.approx(paired_evalue(4, 0).e_value)
    assert found.p_value == pytest.approx(1 / paired_evalue(4, 0).e_value)


def test_evidence_beyond_the_largest_number_is_still_a_logarithm():
    found = paired_evalue(5000, 3)
    assert found.e_value == math.inf
    assert found.log_e_value == pytest.approx(
        special.betaln(5000.5, 3.5) - math.log(math.pi) + 5003 * math.log(2)
    )
    assert found.p_value > 0


def test_nothing_discordant_is_no_evidence_and_said():
    found = paired_evalue_sequence([1, 0], [1, 0])
    assert (found.e_value, found.p_value) == (1.0, 1.0)
    assert "No pair is discordant" in found.warnings[0]


def test_the_interval_is_where_the_mixture_e_value_is_below_one_in_alpha():
    rng = np.random.default_rng(2)
    values = rng.normal(0.4, 0.5, 60)
    found = confidence_sequence(values, sd=0.5, rho=3.0, level=0.9)
    for t in (1, 7, 60):
        for edge in (found.low[t - 1], found.high[t - 1]):
            total = (values[:t] - edge).sum()

            def ratio(theta, total=total, t=t):
                prior = math.exp(-(theta**2) * 3.0 / 2) * math.sqrt(3.0 / (2 * math.pi))
                return math.exp(theta * total - theta**2 * t * 0.25 / 2) * prior

            assert integrate.quad(ratio, -20, 20, limit=200)[0] == pytest.approx(10.0, rel=1e-6)


def test_its_own_e_value_is_that_against_a_mean_of_zero():
    values = np.random.default_rng(1).normal(0.3, 1.0, 50)
    found = confidence_sequence(values, sd=1.0, rho=5.0)
    excludes = [low > 0 or high < 0 for low, high in zip(found.low, found.high, strict=True)]
    assert excludes == [each > 20 for each in found.e_value]
    assert found.p_value[-1] == pytest.approx(min(1.0, 1 / max(found.e_value)))


def test_the_mixture_parameter_makes_the_interval_narrowest():
    for variance, level in ((50.0, 0.95), (3.0, 0.8)):

        def width(log_rho, variance=variance, level=level):
            rho = math.exp(log_rho)
            return (variance + rho) * math.log((variance + rho) / (rho * (1 - level) ** 2))

        best = math.exp(
            optimize.minimize_scalar(width, bounds=(-5, 5), method="bounded", options={"xatol": 1e-9}).x
        )
        assert mixture_parameter(variance, level=level) == pytest.approx(best, rel=1e-4)


def test_it_covers_at_all_times_together():
    rng = np.random.default_rng(3)
    rho = mixture_parameter(100.0, level=0.9)
    missed = {"known": 0, "estimated": 0}
    for _ in range(500):
        values = rng.normal(0.2, 1.0, 200)
        for name, sd in (("known", 1.0), ("estimated", None)):
            found = confidence_sequence(values, sd=sd, rho=rho, level=0.9)
            missed[name] += bool((np.array(found.low) > 0.2).any() or (np.array(found.high) < 0.2).any())
    assert 0 < missed["known"] / 500 < 0.1 + 4 * (0.09 / 500) ** 0.5
    assert missed["estimated"] / 500 < 0.1 + 4 * (0.09 / 500) ** 0.5


def test_a_sequence_gives_a_row_per_observation():
    frame = confidence_sequence([0.1, 0.2, 0.3], sd=1.0, rho=1.0).to_frame()
    assert frame["n"].to_list() == [1, 2, 3]
    assert frame["mean"].to_list() == pytest.approx([0.1, 0.15, 0.2])


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        (lambda: paired_evalue(-1, 2), "whole numbers of at least 0"),
        (lambda: paired_evalue_sequence([1, 0.5], [0, 0]), "all 0 or 1"),
        (lambda: paired_evalue_sequence([1], [0, 0]), "pair one to one"),
        (lambda: confidence_sequence([], rho=1.0), "at least 1 value"),
        (lambda: confidence_sequence([0.1], rho=0.0), "rho must be a finite number above 0"),
        (lambda: confidence_sequence([0.1], rho=1.0, sd=-1.0), "sd must be a finite number above 0"),
        (lambda: confidence_sequence([0.1], rho=1.0, level=1.0), "level must lie strictly"),
        (lambda: mixture_parameter(0.0), "variance must be a finite number above 0"),
    ],
)
def test_what_cannot_be_evidence_is_refused(call, rule):
    with pytest.raises(ValueError, match=rule):
        call()
