"""Tests and effect sizes of paired scores, against scipy, statsmodels and brute force."""

import itertools

import numpy as np
import polars as pl
import pytest
from scipy import optimize, stats

import ablation_stats

SAMPLES = {
    "plain": np.random.default_rng(0).normal(0.3, 1, 17),
    "ties and zeros": np.random.default_rng(1).integers(-3, 5, 25).astype(float),
    "many": np.random.default_rng(2).normal(0.05, 1, 400),
}


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
@pytest.mark.parametrize("zeros", ["wilcox", "pratt", "zsplit"])
@pytest.mark.parametrize("correction", [False, True])
def test_the_normal_signed_rank_test_is_scipys(name, alternative, zeros, correction):
    sample = SAMPLES[name]
    found = ablation_stats.wilcoxon_signed_rank(
        sample, alternative=alternative, zeros=zeros, method="normal", correction=correction
    )
    expected = stats.wilcoxon(
        sample, alternative=alternative, zero_method=zeros, method="approx", correction=correction
    )
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-9)


def test_the_exact_signed_rank_test_is_scipys_without_ties():
    for alternative in ("two-sided", "greater", "less"):
        found = ablation_stats.wilcoxon_signed_rank(SAMPLES["plain"], alternative=alternative)
        assert found.p_value == pytest.approx(
            stats.wilcoxon(SAMPLES["plain"], alternative=alternative).pvalue
        )
        assert found.method.startswith("Wilcoxon (exact")


def test_the_exact_test_with_ties_counts_all_signs_of_these_ranks():
    gaps = np.array([1, 1, -1, 2, 2, 3, -4, 4, 4.0])
    ranks = stats.rankdata(np.abs(gaps))
    sums = np.array([np.dot(ranks, signs) for signs in itertools.product([0, 1], repeat=9)])
    expected = 2 * min((sums >= ranks[gaps > 0].sum()).mean(), (sums <= ranks[gaps > 0].sum()).mean())
    assert ablation_stats.wilcoxon_signed_rank(gaps, method="exact").p_value == pytest.approx(expected)


def test_the_shift_interval_holds_the_shifts_that_the_exact_test_does_not_reject():
    gaps = SAMPLES["plain"]
    found = ablation_stats.wilcoxon_signed_rank(gaps, level=0.9)
    for shift in np.linspace(-1, 1.5, 300):
        kept = stats.wilcoxon(gaps - shift).pvalue > 0.1
        assert (found.ci_low < shift < found.ci_high) == kept


@pytest.mark.parametrize("count", [1, 2, 3, 50, 2001, 2500])
def test_the_shift_is_the_median_of_the_walsh_averages(count):
    gaps = np.random.default_rng(count).normal(0, 1, count)
    averages = (gaps[:, None] + gaps[None, :])[np.triu_indices(count)] / 2
    assert ablation_stats.hodges_lehmann(gaps) == pytest.approx(np.median(averages), rel=1e-12, abs=1e-14)


def test_differences_that_are_all_zero_test_nothing():
    found = ablation_stats.wilcoxon_signed_rank([0.0, 0.0, 0.0])
    assert found.p_value == 1.0
    assert "nothing is tested" in found.warnings[0]


def test_cliffs_delta_counts_pairs():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 9, 40), rng.integers(1, 9, 31)
    assert ablation_stats.cliffs_delta(a, b) == pytest.approx(np.sign(a[:, None] - b[None, :]).mean())
    assert ablation_stats.vargha_delaney_a12(a, b) == pytest.approx(
        stats.mannwhitneyu(a, b).statistic / (a.size * b.size)
    )


def test_sizes_that_have_no_divisor_are_refused():
    for kind in ("pooled", "z", "av", "rm"):
        with pytest.raises(ValueError, match="not identifiable"):
            ablation_stats.cohens_d([1.0, 1.0, 1.0], [2.0, 2.0, 2.0], kind=kind)
    with pytest.raises(ValueError, match="pair one to one, got 3 and 2"):
        ablation_stats.cohens_d([1.0, 2.0, 3.0], [1.0, 2.0], kind="z")


@pytest.mark.parametrize(("b", "c", "n"), [(9, 2, 40), (0, 0, 25), (7, 0, 7), (0, 3, 60), (31, 30, 70)])
def test_tangos_interval_solves_its_score_equation(b, c, n):
    """Against a maximum-likelihood fit of the discordant shares under each difference, by search."""

    def distance(delta):
        def loss(q):
            terms = [(b, q + delta), (c, q), (n - b - c, 1 - 2 * q - delta)]
            return -sum(k * np.log(p) if k else 0 for k, p in terms if k == 0 or p > 0)

        low, high = max(0.0, -delta), (1 - delta) / 2
        q = optimize.minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-13}).x
        return (b - c - n * delta) / np.sqrt(n * (2 * q + delta - delta**2))

    found = ablation_stats.mcnemar(b, c, n_items=n)
    for end, sign in ((found.ci_low, 1), (found.ci_high, -1)):
        if abs(end) < 1 - 1e-6:
            assert sign * distance(end) == pytest.approx(1.959964, abs=2e-3)


def test_tangos_interval_without_discordant_pairs_is_the_closed_form():
    found = ablation_stats.tango_ci(0, 0, 50)
    assert found.high == pytest.approx(1.959963984540054**2 / (50 + 1.959963984540054**2))
    assert found.low == pytest.approx(-found.high)


def test_mcnemar_without_discordant_pairs_gives_one_everywhere():
    found = ablation_stats.mcnemar(0, 0, n_items=10)
    assert [found.p_exact, found.p_mid, found.p_chi2, found.p_chi2_cc, found.chi2] == [1, 1, 1, 1, 0]


def test_mcnemar_of_a_frame_counts_its_discordant_pairs(study):
    one = study.filter(seed=0)
    wide = one.filter(pl.col("arm").is_in(["mlp", "qformer"])).pivot("arm", index="item", values="value")
    found = ablation_stats.mcnemar_test(one, arm="mlp", baseline="qformer")
    b = wide.filter(pl.col("mlp") > pl.col("qformer")).height
    c = wide.filter(pl.col("mlp") < pl.col("qformer")).height
    assert (found.b, found.c, found.n_items) == (b, c, 120)
    assert found.p_value == pytest.approx(stats.binomtest(b, b + c).pvalue)
    assert "independent" in found.warnings[-1]
    with pytest.raises(ValueError, match="takes one seed, got 4"):
        ablation_stats.mcnemar_test(study, arm="mlp", baseline="qformer")
    with pytest.raises(ValueError, match="all 0 or 1"):
        ablation_stats.mcnemar_test(one.with_columns(pl.col("value") / 2), arm="mlp", baseline="qformer")


@pytest.mark.parametrize(("successes", "trials"), [(0, 20), (20, 20), (3, 17), (81, 263)])
@pytest.mark.parametrize("level", [0.8, 0.99])
def test_binomial_intervals_are_scipys(successes, trials, level):
    test = stats.binomtest(successes, trials)
    exact = ablation_stats.exact_ci(successes, trials, level=level)
    np.testing.assert_allclose(exact, test.proportion_ci(level, method="exact"), atol=1e-12)
    wilson = ablation_stats.wilson_ci(float(successes), float(trials), level=level)
    np.testing.assert_allclose(wilson, test.proportion_ci(level, method="wilson"), atol=1e-12)


def unbalanced(seed, spread):
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(25), rng.integers(1, 9, 25))
    x = rng.normal(0, 1, group.size)
    return 3 + 0.5 * x + spread * rng.normal(0, 1, 25)[group] + rng.normal(0, 1, group.size), group, x


@pytest.mark.parametrize("spread", [0.1, 1.0, 5.0])
@pytest.mark.parametrize("method", ["REML", "ML"])
def test_the_random_intercept_fit_is_the_optimum_of_the_full_likelihood(spread, method):
    """Against the multivariate normal likelihood with its whole covariance matrix, optimised from scratch."""
    y, group, x = unbalanced(1, spread)
    design = np.column_stack([np.ones(y.size), x])
    same = (group[:, None] == group[None, :]).astype(float)

    def loss(parameters):
        covariance = np.exp(parameters[0]) * same + np.exp(parameters[1]) * np.eye(y.size)
        inverse = np.linalg.inv(covariance)
        a = design.T @ inverse @ design
        rest = y - design @ np.linalg.solve(a, design.T @ inverse @ y)
        value = np.linalg.slogdet(covariance)[1] + rest @ inverse @ rest + y.size * np.log(2 * np.pi)
        return (value + (np.linalg.slogdet(a)[1] - 2 * np.log(2 * np.pi) if method == "REML" else 0)) / 2

    found = ablation_stats.random_intercept(y, group, x=x, method=method)
    best = optimize.minimize(
        loss,
        [np.log(spread**2), 0.0],
        method="Nelder-Mead",
        options={"xatol": 1e-8, "fatol": 1e-10, "maxiter": 400},
    )
    assert found.log_likelihood == pytest.approx(-best.fun, abs=1e-6)
    assert found.sd_residual == pytest.approx(np.exp(best.x[1] / 2), rel=1e-3)
    assert found.sd_group == pytest.approx(np.exp(best.x[0] / 2), abs=0.02)
    covariance = np.exp(best.x[0]) * same + np.exp(best.x[1]) * np.eye(y.size)
    errors = np.diag(np.linalg.inv(design.T @ np.linalg.inv(covariance) @ design)) ** 0.5
    np.testing.assert_allclose(found.se, errors, rtol=5e-3)


def test_the_random_intercept_fit_is_that_of_statsmodels():
    api = pytest.importorskip("statsmodels.api")
    y, group, x = unbalanced(2, 1.0)
    fit = api.MixedLM(y, np.column_stack([np.ones(y.size), x]), group).fit(reml=True)
    found = ablation_stats.random_intercept(y, group, x=x)
    np.testing.assert_allclose(found.coefficients, fit.fe_params, rtol=1e-4)
    np.testing.assert_allclose(found.se, fit.bse_fe, rtol=0.03)  # statsmodels takes a numerical Hessian


def test_a_singular_fit_is_least_squares_and_says_so():
    y = np.tile([1.0, 2.0, 3.0], 6)
    found = ablation_stats.random_intercept(y, np.repeat(np.arange(6), 3))
    assert found.sd_group == 0.0
    assert "Singular" in found.warnings[0]
    assert found.se[0] == pytest.approx(y.std(ddof=1) / y.size**0.5)


def test_the_mixed_model_of_balanced_pairs_is_the_paired_t(frame_of):
    """One seed, an intercept per item: REML gives the paired t exactly where the intercepts' variance is above 0."""
    rng = np.random.default_rng(3)
    base = rng.normal(0, 2, 30)
    frame = frame_of(
        {"a": (base + 0.3 + rng.normal(0, 1, 30))[None], "b": (base + rng.normal(0, 1, 30))[None]}
    )
    mixed = ablation_stats.mixed_effects(frame, arm="a", baseline="b", group="item")
    plain = ablation_stats.paired_difference(frame, arm="a", baseline="b", generalize_to="items")
    assert (mixed.estimate, mixed.df) == pytest.approx((plain.estimate, plain.df))
    assert (mixed.se, mixed.p_value) == pytest.approx((plain.se, plain.p_value), rel=1e-6)


def test_crossed_effects_without_seed_variance_pool_it_with_the_rest(frame_of):
    rng = np.random.default_rng(4)
    item = rng.normal(0, 1, (1, 20))
    noise = rng.normal(0, 1, (2, 4, 20))
    noise -= noise.mean(axis=(0, 2), keepdims=True)
    frame = frame_of({"a": item + noise[0] + 1, "b": item + noise[1]})
    found = ablation_stats.crossed_effects(frame, arm="a", baseline="b")
    assert found.sd_seed == 0.0
    assert found.sd_item > 0.5
    assert found.comparison.df == 160 - 2 - 19


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        (lambda: ablation_stats.random_intercept([1.0, 2.0, 3.0], ["a", "a", "a"]), "at least 2 groups"),
        (lambda: ablation_stats.random_intercept([1.0, 2.0, 3.0], ["a", "b", "c"]), "a group of 2 rows"),
        (
            lambda: ablation_stats.random_intercept([1.0, 2.0, 3.0, 4.0], list("aabb"), x=[1, 1, 1, 1]),
            "independent",
        ),
        (lambda: ablation_stats.paired_t([1.0], [2.0]), "at least 2 value"),
        (lambda: ablation_stats.paired_t([1.0, np.nan], [2.0, 3.0]), "must be finite"),
        (lambda: ablation_stats.mcnemar(-1, 3), "at least 0"),
        (lambda: ablation_stats.mcnemar(5, 3, n_items=6), "at least b . c = 8"),
        (lambda: ablation_stats.wilson_ci(3.0, 2.0), "successes must lie in"),
        (lambda: ablation_stats.exact_ci(1, 2, level=1.5), "level must lie"),
        (lambda: ablation_stats.clustered_se([1.0, 2.0], ["a", "a"]), "at least 2 clusters"),
        (lambda: ablation_stats.adjust_pvalues([0.1, 1.2]), r"p must lie in 0..1, got \[1.2\]"),
        (lambda: ablation_stats.adjust_pvalues([]), "at least 1 value"),
        (lambda: ablation_stats.adjust_pvalues([0.1], "homel"), "did you mean 'hommel'"),
        (lambda: ablation_stats.wilcoxon_signed_rank([1.0, np.inf]), "a must be finite"),
        (lambda: ablation_stats.mcnemar(float("nan"), 3), "whole numbers"),
        (lambda: ablation_stats.wilson_ci(1.0, np.inf), "trials must be finite"),
        (lambda: ablation_stats.random_intercept([1.0] * 6, list("aabbcc")), "not identifiable"),
        (lambda: ablation_stats.clustered_se([1.0, 2.0, 3.0], [np.nan, np.nan, 1.0]), "positions 0, 1"),
        (lambda: ablation_stats.clustered_se([1.0, 2.0, 3.0], [None, "a", "b"]), "no missing label"),
        (lambda: ablation_stats.paired_t([1.0, 2.0], [0.0, 1.0], cluster=["a"]), "every one of 2 values"),
    ],
)
def test_bad_input_is_refused_with_the_rule_and_the_value(call, rule):
    with pytest.raises(ValueError, match=rule):
        call()


@pytest.mark.parametrize(
    "kind", ["d pooled", "d z", "d av", "d rm", "g", "g z", "cliff", "a12", "hodges-lehmann"]
)
def test_effect_sizes_of_a_frame_resample_whole_clusters(frame_of, kind):
    from ablation_stats._effect_size_interval import SIZES

    rng = np.random.default_rng(1)
    cluster = np.repeat(np.arange(20), 3)
    a = rng.normal(0.4, 1, (2, 60)) + rng.normal(0, 1, 20)[cluster]
    b = rng.normal(0, 1, (2, 60)) + rng.normal(0, 1, 20)[cluster]
    frame = frame_of({"a": a, "b": b}, [f"c{each:02d}" for each in cluster])
    found = ablation_stats.effect_size(
        frame, arm="a", baseline="b", kind=kind, rng=1, n_resamples=999, interval="percentile"
    )
    assert found.estimate == pytest.approx(SIZES[kind](a.mean(0), b.mean(0)))
    drawn = []
    for _ in range(400):
        at = np.concatenate([np.flatnonzero(cluster == each) for each in rng.integers(0, 20, 20)])
        drawn.append(SIZES[kind](a.mean(0)[at], b.mean(0)[at]))
    assert found.se == pytest.approx(np.std(drawn), rel=0.15)
    assert found.ci_low < found.estimate < found.ci_high
    assert (found.p_value < 0.05) == (not found.ci_low <= (0.5 if kind == "a12" else 0) <= found.ci_high)


def test_models_that_fit_without_residual_are_not_identifiable(frame_of):
    frame = frame_of({"a": np.full((3, 8), 0.7), "b": np.full((3, 8), 0.4)})
    for call in (ablation_stats.mixed_effects, ablation_stats.crossed_effects):
        with pytest.raises(ValueError, match="not identifiable"):
            call(frame, arm="a", baseline="b")


def test_too_few_pairs_for_an_interval_of_the_shift_are_mentioned():
    found = ablation_stats.wilcoxon_signed_rank([1.0, 2.0, 4.0])
    assert (found.ci_low, found.ci_high) == (-np.inf, np.inf)
    assert "no shift can be excluded" in found.warnings[0]
