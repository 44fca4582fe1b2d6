"""The values of reference_values.json that belong to planning and to looks at any time."""

import numpy as np
import pytest

import ablation_stats as stats


@pytest.mark.parametrize("reference_case", ["power_paired_t"], indirect=True)
def test_power_of_the_paired_t(reference_case):
    alpha = reference_case["inputs"]["alpha"]
    reference_case.check(
        n_paired_dz0_5_power80=stats.required_seeds(0.5, alpha=alpha).exact,
        n_paired_dz0_2_power80=stats.required_seeds(0.2, alpha=alpha).exact,
        mde_dz_n5_power80=stats.min_detectable_effect(n=5, alpha=alpha),
        power_n40_dz0_35=stats.power_paired(0.35, n=40, alpha=alpha),
    )


@pytest.mark.parametrize("reference_case", ["power_miller_eval", "power_miller_eval_K"], indirect=True)
def test_items_that_miller_asks_for(reference_case):
    i = reference_case["inputs"]
    within = (i["sigma2_A"] ** 0.5, i["sigma2_B"] ** 0.5)
    sd = stats.paired_sd(i["omega2"] ** 0.5, within=within, answers=(i["K_A"], i["K_B"]))
    settings = {"sd": sd, "power": i["power"], "alpha": i["alpha"]}
    found = {
        "n": stats.required_items(i["delta"], **settings).exact,
        "mde_at_n1000": stats.min_detectable_effect(n=1000, distribution="normal", **settings),
    }
    reference_case.check(**{name: found[name] for name in reference_case["expected"]})


@pytest.mark.parametrize("reference_case", ["cs_normal_mixture"], indirect=True)
def test_normal_mixture(reference_case):
    i = reference_case["inputs"]
    settings = {"rho": i["rho"], "sd": i["sigma2"] ** 0.5, "level": 1 - i["alpha"]}
    half = reference_case["expected"]["half_width"]
    found = stats.confidence_sequence(np.full(i["t"], half), **settings)
    reference_case.check(half_width=(found.high[-1] - found.low[-1]) / 2, e_at_boundary=found.e_value[-1])
