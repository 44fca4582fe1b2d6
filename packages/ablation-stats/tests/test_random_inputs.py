"""Tests and corrections on random inputs with ties, against their definitions and against scipy and statsmodels."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

import ablation_stats as ours

SEEDS = range(12)


def tied_p_values(seed: int) -> np.ndarray:
    """Two to eight p-values, some equal, some 0 or 1."""
    rng = np.random.default_rng(seed)
    return np.round(rng.beta(0.5, 2, rng.integers(2, 9)), 2)


def rounded(seed: int, size: int, shift: float = 0.2) -> np.ndarray:
    """Skewed scores with many ties, some of them 0."""
    rng = np.random.default_rng(seed)
    return np.round(rng.exponential(1, size) - 1 + shift, 1)


@pytest.mark.parametrize("seed", SEEDS)
def test_holm_is_the_closed_test_of_bonferroni(seed):
    p = tied_p_values(seed)
    subsets = [s for k in range(1, p.size + 1) for s in itertools.combinations(range(p.size), k)]
    expected = [max(min(1, len(s) * p[list(s)].min()) for s in subsets if at in s) for at in range(p.size)]
    np.testing.assert_allclose(ours.adjust_pvalues(p, "holm"), expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_hochberg_rejects_up_to_the_largest_p_that_passes(seed):
    p = tied_p_values(seed)
    adjusted = ours.adjust_pvalues(p, "hochberg")
    ordered = np.sort(p)
    for alpha in (0.012, 0.051, 0.103, 0.31):
        passing = [rank for rank in range(p.size) if ordered[rank] <= alpha / (p.size - rank)]
        limit = ordered[max(passing)] if passing else -1.0
        np.testing.assert_array_equal(adjusted <= alpha, p <= limit)


@pytest.mark.parametrize("method", ["bh", "by"])
@pytest.mark.parametrize("seed", SEEDS)
def test_false_discovery_corrections_are_scipys(seed, method):
    p = tied_p_values(seed)
    np.testing.assert_allclose(
        ours.adjust_pvalues(p, method), stats.false_discovery_control(p, method=method)
    )


@pytest.mark.parametrize(("b", "c"), [(0, 3), (4, 4), (7, 2), (1, 12), (30, 17), (150, 201)])
def test_mcnemar_sums_the_binomial_term_by_term(b, c):
    terms = [math.comb(b + c, k) for k in range(b + c + 1)]
    fewer = min(b, c)
    tail, at = sum(terms[: fewer + 1]), terms[fewer]
    found = ours.mcnemar(b, c)
    assert found.p_exact == pytest.approx(min(1.0, 2 * tail / 2 ** (b + c)))
    assert found.p_mid == pytest.approx((2 * tail - at) / 2 ** (b + c))


@pytest.mark.parametrize("seed", SEEDS)
def test_two_one_sided_tests_are_scipys(seed):
    a, b = rounded(seed, 25), rounded(seed + 100, 25, shift=0.0)
    found = ours.equivalence_tost(ours.paired_t(a, b), low=-0.4, high=0.6)
    lower = stats.ttest_1samp(a - b, -0.4, alternative="greater").pvalue
    upper = stats.ttest_1samp(a - b, 0.6, alternative="less").pvalue
    np.testing.assert_allclose(
        [found.p_lower, found.p_upper, found.p_value], [lower, upper, max(lower, upper)]
    )
    reverse = ours.non_inferiority(ours.paired_t(a, b), margin=0.4)
    assert reverse.p_value == pytest.approx(lower)


def sandwich(values: np.ndarray, cluster: np.ndarray, kind: str) -> tuple[float, float]:
    """Standard error of the mean and Satterthwaite's df as least squares on a column of ones, by whole matrices."""
    n = values.size
    x = np.ones((n, 1))
    hat = x @ x.T / n
    adjust = np.zeros((n, n))
    for label in np.unique(cluster):
        at = np.ix_(cluster == label, cluster == label)
        rest = np.eye(at[0].size) - hat[at]
        power = {"CR0": 0.0, "CR1": 0.0, "CR2": -0.5, "CR3": -1.0}[kind]
        roots, vectors = np.linalg.eigh(rest)
        adjust[at] = (vectors * roots**power) @ vectors.T
    groups = np.unique(cluster).size
    weights = [(cluster == label) * 1.0 for label in np.unique(cluster)]
    scale = groups / (groups - 1) if kind == "CR1" else 1.0
    residual = adjust @ (values - values.mean())
    variance = scale * sum((each @ residual) ** 2 for each in weights) / n**2
    forms = np.stack([each @ adjust @ (np.eye(n) - hat) / n for each in weights])
    spectrum = np.linalg.eigvalsh(forms @ forms.T)
    return math.sqrt(variance), spectrum.sum() ** 2 / (spectrum**2).sum()


@pytest.mark.parametrize("kind", ["CR0", "CR1", "CR2", "CR3"])
@pytest.mark.parametrize("seed", SEEDS)
def test_cluster_robust_errors_are_the_sandwich_of_whole_matrices(seed, kind):
    rng = np.random.default_rng(seed)
    cluster = rng.permutation(np.r_[np.arange(6), rng.integers(0, 6, 34)])
    values = rounded(seed, 40) + rng.normal(0, 1, 6)[cluster]
    se, df = sandwich(values, cluster, kind)
    found = ours.clustered_se(values, cluster, kind=kind)
    assert found.se == pytest.approx(se)
    assert found.df == pytest.approx(df if kind == "CR2" else 5)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_shift_of_pairs_with_ties_is_the_median_of_all_walsh_averages(seed):
    a, b = rounded(seed, 14), rounded(seed + 50, 14)
    averages = [(x + y) / 2 for x, y in itertools.combinations_with_replacement(a - b, 2)]
    assert ours.hodges_lehmann(a, b) == pytest.approx(float(np.median(averages)))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_probability_of_superiority_is_the_mann_whitney_statistic(seed):
    a, b = rounded(seed, 17), rounded(seed + 50, 9, shift=0.0)
    share = stats.mannwhitneyu(a, b).statistic / (a.size * b.size)
    assert ours.vargha_delaney_a12(a, b) == pytest.approx(share)
    assert ours.cliffs_delta(a, b) == pytest.approx(2 * share - 1)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_exact_signed_rank_test_with_ties_is_the_permutation_test_of_its_ranks(seed):
    gaps = rounded(seed, 11)
    kept = gaps[gaps != 0]
    ranks = np.sign(kept) * stats.rankdata(np.abs(kept))
    expected = stats.permutation_test((ranks,), np.sum, permutation_type="samples", n_resamples=np.inf).pvalue
    assert ours.wilcoxon_signed_rank(gaps, method="exact").p_value == pytest.approx(expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_friedmans_test_with_ties_is_scipys(seed):
    scores = np.round(np.random.default_rng(seed).normal(0, 1, (9, 4)), 0)
    expected = stats.friedmanchisquare(*scores.T)
    found = ours.friedman_test(scores)
    np.testing.assert_allclose([found.chi2, found.p_value], expected)


@pytest.mark.parametrize("seed", range(4))
def test_random_intercepts_of_unequal_groups_are_those_of_statsmodels(seed):
    mixed = pytest.importorskip("statsmodels.regression.mixed_linear_model")
    rng = np.random.default_rng(seed)
    group = rng.permutation(np.r_[np.arange(15), rng.integers(0, 15, 60)])
    x = rng.integers(0, 3, group.size).astype(float)
    y = np.round(0.5 * x + rng.normal(0, 0.8, 15)[group] + rng.normal(0, 1, group.size), 1)
    found = ours.random_intercept(y, group, x=x)
    columns = np.column_stack([np.ones(y.size), x])
    expected = mixed.MixedLM(y, columns, group).fit(reml=True)
    np.testing.assert_allclose(found.coefficients, expected.fe_params, rtol=1e-4)
    spread = np.sqrt([expected.cov_re[0, 0], expected.scale])
    np.testing.assert_allclose([found.sd_group, found.sd_residual], spread, rtol=2e-3, atol=2e-3)
    same = group[:, None] == group[None, :]
    inverse = np.linalg.inv(found.sd_group**2 * same + found.sd_residual**2 * np.eye(y.size))
    np.testing.assert_allclose(found.se, np.sqrt(np.diag(np.linalg.inv(columns.T @ inverse @ columns))))
