"""Every value of reference_values.json, each through the public function that gives it; more in test_reference_*.py."""

import itertools

import numpy as np
import polars as pl
import pytest

import ablation_stats as stats


@pytest.fixture
def case(reference, request):
    """The case that the test's parameter names, and a check at its own tolerance."""
    return reference[request.param]


def check(case, **found):
    for name, value in found.items():
        np.testing.assert_allclose(
            value,
            case["expected"][name],
            rtol=case["rtol"],
            atol=case["atol"],
            err_msg=f"{case['id']}: {name}",
        )


def test_no_case_is_left_without_a_test(reference, request):
    source = "".join(path.read_text() for path in request.path.parent.glob("test_reference*.py"))
    assert [name for name in reference if f'"{name}"' not in source] == []


@pytest.mark.parametrize("method", ["bonferroni", "holm", "hochberg", "hommel", "bh", "by"])
@pytest.mark.parametrize("case", ["multitest_bh15"], indirect=True)
def test_adjusted_p_values(case, method):
    check(case, **{method: stats.adjust_pvalues(case["inputs"]["p"], method)})


@pytest.mark.parametrize("case", ["paired_t_sleep"], indirect=True)
def test_paired_t(case):
    found = stats.paired_t(case["inputs"]["a"], case["inputs"]["b"])
    check(
        case,
        t=found.estimate / found.se,
        df=found.df,
        p=found.p_value,
        mean_diff=found.estimate,
        se=found.se,
        ci95=[found.ci_low, found.ci_high],
    )


@pytest.mark.parametrize("case", ["tost_sleep_0.5"], indirect=True)
def test_equivalence(case):
    i = case["inputs"]
    found = stats.equivalence_tost(stats.paired_t(i["a"], i["b"]), low=i["low"], high=i["high"])
    check(
        case,
        t_lower=found.t_lower,
        t_upper=found.t_upper,
        p_lower=found.p_lower,
        p_upper=found.p_upper,
        p=found.p_value,
        ci90=[found.ci_low, found.ci_high],
    )


@pytest.mark.parametrize("case", ["noninferiority_sleep_2.5"], indirect=True)
def test_non_inferiority(case):
    i = case["inputs"]
    found = stats.non_inferiority(stats.paired_t(i["a"], i["b"]), margin=i["margin"])
    check(case, t=found.t, p=found.p_value, ci_lower95_onesided=found.bound)


@pytest.mark.parametrize("case", ["wilcoxon_hollander"], indirect=True)
def test_wilcoxon_and_the_shift(case):
    i = case["inputs"]
    both, one = (
        stats.wilcoxon_signed_rank(i["a"], i["b"], alternative=side) for side in ("two-sided", "greater")
    )
    check(
        case,
        V=both.statistic,
        p_greater=one.p_value,
        p_two_sided=both.p_value,
        hodges_lehmann=stats.hodges_lehmann(i["a"], i["b"]),
    )


@pytest.mark.parametrize("case", ["wilcoxon_darwin"], indirect=True)
def test_wilcoxon_of_differences(case):
    found = stats.wilcoxon_signed_rank(case["inputs"]["diff"])
    check(case, V=found.statistic, p_two_sided=found.p_value)


@pytest.mark.parametrize(
    "case", ["mcnemar_12_4", "mcnemar_5_0", "mcnemar_6_15", "mcnemar_10_10", "mcnemar_agresti"], indirect=True
)
def test_mcnemar(case):
    i = case["inputs"]
    b, c = (i["b"], i["c"]) if "b" in i else (i["table"][0][1], i["table"][1][0])
    found = stats.mcnemar(b, c)
    check(case, **{name: getattr(found, name) for name in case["expected"]})


@pytest.mark.parametrize("case", ["cohend_mtcars", "cohend_pingouin_doc"], indirect=True)
def test_pooled_effect_sizes(case):
    a, b = case["inputs"]["a"], case["inputs"]["b"]
    found = {
        "d": stats.cohens_d(a, b),
        "g_exact": stats.hedges_g(a, b),
        "g_approx": stats.hedges_g(a, b, correction="approximate"),
    }
    check(case, **{name: found[name] for name in case["expected"]})


@pytest.mark.parametrize("case", ["cohen_dz_sleep"], indirect=True)
def test_paired_effect_sizes(case):
    a, b = case["inputs"]["a"], case["inputs"]["b"]
    check(
        case,
        **{f"d_{kind}": stats.cohens_d(a, b, kind=kind) for kind in ("z", "av", "rm")},
        g_z_exact=stats.hedges_g(a, b, kind="z"),
        g_z_approx=stats.hedges_g(a, b, kind="z", correction="approximate"),
    )


@pytest.mark.parametrize("case", ["cliff_effsize_doc"], indirect=True)
def test_rank_effect_sizes(case):
    a, b = case["inputs"]["a"], case["inputs"]["b"]
    check(case, delta=stats.cliffs_delta(a, b), A12=stats.vargha_delaney_a12(a, b))


@pytest.mark.parametrize("case", ["clustered_se_30x9"], indirect=True)
def test_clustered_errors(case):
    i = case["inputs"]
    found = {
        kind: stats.clustered_se(i["diff"], i["cluster"], kind=kind)
        for kind in ("CR0", "CR1", "CR2", "CR3", "miller")
    }
    check(
        case,
        **{("miller_eq4" if kind == "miller" else kind): each.se for kind, each in found.items()},
        mean=found["CR1"].estimate,
        naive_se=stats.clustered_se(i["diff"], range(30)).se,
        n_clusters=found["CR1"].n_clusters,
        deff_CR1=found["CR1"].design_effect,
        df_satterthwaite_CR2=found["CR2"].df,
    )


@pytest.mark.parametrize("case", ["clustered_se_all_singletons"], indirect=True)
def test_singleton_clusters(case):
    i = case["inputs"]
    found = {kind: stats.clustered_se(i["diff"], i["cluster"], kind=kind).se for kind in ("CR1", "miller")}
    check(case, CR1=found["CR1"], miller_eq4=found["miller"], naive_se=found["CR1"])


@pytest.mark.parametrize("case", ["factorial_2_4_filtration"], indirect=True)
def test_factorial_effects(case):
    effects = stats.effect_matrix(stats.full_factorial(dict.fromkeys("ABCD", (0, 1))), max_order=4)
    found = dict(
        zip(effects.names, effects.matrix @ np.array(case["inputs"]["y_yates_order"], float), strict=True)
    )
    check(case, **{name.replace(":", ""): value for name, value in found.items()})
    assert len(found) == len(case["expected"])


@pytest.mark.parametrize("case", ["fractional_2_4_1"], indirect=True)
def test_fractional_effects_and_aliases(case):
    design = stats.fractional_factorial(dict.fromkeys("ABCD", (0, 1)), [case["inputs"]["generator"]])
    runs = {
        "".join(n.lower() for n in "ABCD" if row[n]) or "(1)": row["arm"]
        for row in design.runs.iter_rows(named=True)
    }
    y = dict(zip([runs[name] for name in case["inputs"]["runs"]], case["inputs"]["y"], strict=True))
    effects = stats.effect_matrix(design, max_order=2)
    found = dict(zip(effects.names, effects.matrix @ [y[arm] for arm in design.arms], strict=True))
    check(case, **{name.replace(":", ""): value for name, value in found.items()})
    aliases = dict(zip(effects.names, effects.aliases, strict=True))
    assert aliases["A"] == ("B:C:D",)
    assert aliases["A:B"] == ("C:D",)
    assert stats.resolution(design) == 4


@pytest.mark.parametrize("case", ["shapley_glove", "shapley_filtration4"], indirect=True)
def test_shapley_and_banzhaf(case):
    i = case["inputs"]
    design = stats.all_subsets([str(player) for player in range(i["n"])])
    subsets = [
        ",".join(name for name in design.factors if row[name]) for row in design.runs.iter_rows(named=True)
    ]
    worth = [i["v"][subset] for subset in subsets] if "v" in i else i["y_yates_order"]
    found = {
        "phi": stats.attribution_matrix(design, "shapley"),
        "banzhaf": stats.attribution_matrix(design, "banzhaf"),
    }
    check(case, **{name: found[name].matrix @ np.array(worth, float) for name in case["expected"]})


@pytest.mark.parametrize("case", ["mixed_dyestuff"], indirect=True)
def test_random_intercept(case):
    i = case["inputs"]
    reml, ml = (stats.random_intercept(i["y"], i["group"], method=method) for method in ("REML", "ML"))
    check(
        case,
        intercept=reml.coefficients[0],
        se=reml.se[0],
        sd_group=reml.sd_group,
        sd_resid=reml.sd_residual,
        sd_group_ml=ml.sd_group,
        icc=reml.icc,
    )


@pytest.mark.parametrize("case", ["mixed_crossed_seed_item"], indirect=True)
def test_crossed_random_effects(case):
    i = case["inputs"]
    frame = pl.DataFrame({"arm": i["arm"], "seed": i["seed"], "item": i["item"], "value": i["y"]})
    found = stats.crossed_effects(frame, arm="full", baseline="ablated")
    check(
        case,
        effect_full_minus_ablated=found.comparison.estimate,
        se_effect=found.comparison.se,
        sd_item=found.sd_item,
        sd_seed=found.sd_seed,
        sd_resid=found.sd_residual,
    )


@pytest.mark.parametrize("case", ["bca_spatial_variance"], indirect=True)
def test_bootstrap_intervals_of_a_variance(case):
    i = case["inputs"]
    for kind in ("bca", "percentile"):
        found = stats.bootstrap_ci(
            i["x"], statistic="variance", kind=kind, level=i["level"], n_resamples=100_000, rng=5
        )
        check(case, **{kind: [found.ci_low, found.ci_high], "theta": found.estimate})


@pytest.mark.parametrize("case", ["bca_acceleration_exact"], indirect=True)
def test_acceleration_of_a_variance(case):
    x = case["inputs"]["x"]
    for statistic in ("variance", lambda values: values.var(axis=-1)):
        check(
            case,
            a=stats.bca_acceleration(x, statistic=statistic),
            a_uncentred_R=stats.bca_acceleration(x, statistic=statistic, centred=False),
        )


@pytest.mark.parametrize("case", ["bca_acceleration_mean_closed_form"], indirect=True)
def test_acceleration_of_a_mean(case):
    check(case, a=stats.bca_acceleration(case["inputs"]["x"]))


@pytest.mark.parametrize("case", ["bca_adjusted_levels"], indirect=True)
def test_adjusted_levels(case):
    i = case["inputs"]
    check(case, levels=stats.bca_levels(i["z0"], i["a"], i["alpha"]))


@pytest.mark.parametrize("case", ["bootstrap_exact_n3"], indirect=True)
def test_the_exact_bootstrap_distribution_is_what_resampling_converges_to(case):
    x = np.array(case["inputs"]["x"])
    means = np.array([np.mean(each) for each in itertools.product(x, repeat=3)])
    check(case, mean=means.mean(), se=means.std(), p_le_1=(means <= 1 + 1e-9).mean())
    found = stats.bootstrap_ci(x, kind="percentile", n_resamples=200_000, rng=3)
    np.testing.assert_allclose(found.se, case["expected"]["se"], rtol=0.01)


@pytest.mark.parametrize("case", ["signflip_exact_sleep"], indirect=True)
def test_sign_flip(case):
    i = case["inputs"]
    rows = [{"arm": arm, "item": at, "value": each} for arm in "ab" for at, each in enumerate(i[arm])]
    found = stats.paired_difference(
        pl.DataFrame(rows), arm="a", baseline="b", generalize_to="items", method="sign-flip"
    )
    check(case, p_two_sided=found.p_value)
    assert found.rng_seed is None


@pytest.mark.parametrize("case", ["bayes_correlated_t_rope"], indirect=True)
def test_region_of_practical_equivalence(case):
    i = case["inputs"]
    found = stats.rope_posterior(stats.paired_t(i["a"], i["b"]), rope=i["rope"], correlation=i["rho"])
    check(case, p_a_better=found.p_better, p_rope=found.p_rope, p_b_better=found.p_worse)


@pytest.mark.parametrize("case", ["wilson_81_263", "wilson_0_20", "wilson_1_29"], indirect=True)
def test_wilson(case):
    found = stats.wilson_ci(float(case["inputs"]["k"]), float(case["inputs"]["n"]))
    np.testing.assert_allclose(found, case["expected"]["ci"], rtol=case["rtol"], atol=1e-12)
