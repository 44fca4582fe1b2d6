"""How often the judging is right where the truth is known, and on a null that is drawn from no model of ours."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from ablation_stats import judged_rightly, promised_power

slow = pytest.mark.slow


@pytest.mark.parametrize("studies", [200, pytest.param(5000, marks=slow)])
def test_of_null_studies_no_more_than_stated_hold_a_false_claim(studies: int) -> None:
    """5,000 of them: at most 6 % (issue), which is four standard errors above 4.8 %."""
    wrong = int((~judged_rightly("null", studies=studies, rng=np.random.default_rng(1))).sum())
    if studies >= 5000:
        assert wrong / studies <= 0.06
    assert scipy_stats.binomtest(wrong, studies, 0.05, alternative="greater").pvalue > 1e-4


@pytest.mark.parametrize("studies", [150, pytest.param(2000, marks=slow)])
@pytest.mark.parametrize("truth", ["gain", "no-difference"])
def test_planted_effects_are_found_as_often_as_the_plan_promises(truth: str, studies: int) -> None:
    promised = promised_power(truth)
    assert promised == pytest.approx(0.8, abs=0.01)
    found = judged_rightly(truth, studies=studies, rng=np.random.default_rng(2)).mean()
    within = 0.03 if studies >= 2000 else 4 * (0.16 / studies) ** 0.5
    assert found == pytest.approx(promised, abs=within)


@pytest.mark.parametrize("studies", [100, pytest.param(2000, marks=slow)])
@pytest.mark.parametrize("truth", ["confound", "cherry-pick"])
def test_a_planted_confound_is_refused_and_a_cherry_pick_is_named_every_time(
    truth: str, studies: int
) -> None:
    assert judged_rightly(truth, studies=studies, rng=np.random.default_rng(3)).all()


def test_judging_each_claim_on_one_seed_is_wrong_far_more_often() -> None:
    rng = np.random.default_rng(4)
    naive = judged_rightly("null", studies=200, rng=rng, judged_by="naive").mean()
    assert naive < 0.85


def test_what_is_not_known_is_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"truth must be one of .*did you mean .null"):
        judged_rightly("nul", studies=1, rng=rng)
    with pytest.raises(ValueError, match="studies must be at least 1, got 0"):
        judged_rightly("null", studies=0, rng=rng)
    with pytest.raises(ValueError, match=r"judged_by must be one of judge, naive, got"):
        judged_rightly("null", studies=1, rng=rng, judged_by="me")
    with pytest.raises(ValueError, match=r"truth must be one of gain, no-difference, got .null"):
        promised_power("null")
