"""Error rates of tests, single intervals and verdicts, against the binomial bands. Slow: thousands of samples."""

import numpy as np
import pytest

from ablation_stats import Claim, bootstrap_ci, judge
from ablation_stats._max_t import step_down
from ablation_stats._mcnemar import mcnemar
from ablation_stats._sign_flip import sign_flip
from ablation_stats._wilcoxon import wilcoxon_signed_rank

RUNS = 2000


pytestmark = pytest.mark.slow


def test_tests_of_single_samples_reject_no_more_often_than_stated(band):
    """Skewed scores paired with a relabelling of themselves are symmetric, so exact tests must hold."""
    rng = np.random.default_rng(2)
    rejected = dict.fromkeys(("sign flip", "wilcoxon", "mcnemar", "mid-p"), 0)
    for _ in range(RUNS):
        gaps = rng.exponential(1, 30) * rng.choice([-1, 1], 30)
        rejected["sign flip"] += (
            sign_flip(
                gaps, np.ones(30), level=0.95, n_resamples=499, seed=int(rng.integers(2**32)), threads=1
            ).p
            < 0.05
        )
        rejected["wilcoxon"] += wilcoxon_signed_rank(gaps).p_value < 0.05
        b = int(rng.binomial(20, 0.5))
        pair = mcnemar(b, 20 - b)
        rejected["mcnemar"] += pair.p_exact < 0.05
        rejected["mid-p"] += pair.p_mid < 0.05
    for count in rejected.values():
        assert count / RUNS < 0.05 + band(0.05)


def test_bootstrap_intervals_of_a_skewed_mean_cover_as_published(band):
    """BCa of an exponential mean, n = 50: within two points of nominal."""
    rng = np.random.default_rng(3)
    inside = 0
    for _ in range(RUNS):
        found = bootstrap_ci(rng.exponential(1, 50), n_resamples=999, rng=rng, threads=1)
        inside += found.ci_low <= 1 <= found.ci_high
    assert abs(inside / RUNS - 0.93) < 0.02 + band(0.93)


def test_tangos_and_wilsons_intervals_hold_near_the_edges(band):
    from ablation_stats import tango_ci, wilson_ci

    rng = np.random.default_rng(4)
    for n, shares in ((40, (0.08, 0.02)), (100, (0.03, 0.03)), (25, (0.3, 0.05))):
        inside = 0
        for b, c, _ in rng.multinomial(n, [*shares, 1 - sum(shares)], RUNS):
            found = tango_ci(int(b), int(c), n)
            inside += found.low <= shares[0] - shares[1] <= found.high
        assert inside / RUNS > 0.935 - band(0.935)
    for share in (0.02, 0.1, 0.5):
        inside = sum(
            found.low <= share <= found.high
            for found in (wilson_ci(float(k), 50.0) for k in rng.binomial(50, share, RUNS))
        )
        assert inside / RUNS > 0.92 - band(0.92)


def test_max_t_keeps_the_error_over_all_arms_and_is_less_strict_than_bonferroni(band):
    rng = np.random.default_rng(5)
    family = single = 0
    for _ in range(RUNS // 2):
        shared = rng.normal(0, 1, (60, 1))
        sums = 0.8 * shared + 0.6 * rng.normal(0, 1, (60, 8))
        p = step_down(sums, n_resamples=499, seed=int(rng.integers(2**32)), threads=1)
        family += p.min() < 0.05
        single += p.min() < 0.05 / 8
    assert family / (RUNS // 2) < 0.05 + band(0.05, RUNS // 2)
    assert family / (RUNS // 2) > 0.02


def test_wrong_verdicts_on_true_claims_stay_below_alpha(band, cube_of):
    """Claims whose truth lies on the boundary: equivalence at the margin, non-inferiority at the margin, no difference."""
    rng = np.random.default_rng(6)
    wrong = 0
    claims = [
        Claim(text="equal", arm="edge", baseline="base", kind="equivalence", margin=0.2),
        Claim(text="no worse", arm="edge", baseline="base", kind="non-inferiority", margin=0.2),
        Claim(text="better", arm="same", baseline="base"),
    ]
    for _ in range(RUNS // 2):
        shared = rng.normal(0, 1, (1, 60))
        values = {
            name: shared + shift + rng.normal(0, 0.3, (4, 60)) + rng.normal(0, 0.03, (4, 1))
            for name, shift in (("base", 0.0), ("same", 0.0), ("edge", -0.2), ("blind", -1.0))
        }
        found = judge(claims, cube_of(values), control="blind")
        wrong += any(
            each.verdict in positive
            for each, positive in zip(
                found, [("equivalent",), ("non-inferior",), ("supported", "refuted")], strict=True
            )
        )
    assert wrong / (RUNS // 2) < 0.05 + band(0.05, RUNS // 2)
