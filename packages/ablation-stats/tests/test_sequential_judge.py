"""Several claims looked at after every seed: each stops at its own look, and the error holds over looks and claims."""

import numpy as np
import pytest

import ablation_stats as stats
from ablation_stats import Claim, judge_sequential, pairs_of

LOOKS = (3, 4, 5, 6)
BETTER = Claim(text="new wins", arm="new", baseline="old")
OTHER = Claim(text="other wins", arm="other", baseline="old")
SAME = Claim(text="new is as good", arm="new", baseline="old", kind="equivalence", margin=0.1)


def gains(*each: float, items: int = 40, spread: float = 0.02) -> np.ndarray:
    """Scores `[seeds, items]` whose mean over items is exactly what is given for each seed."""
    noise = np.random.default_rng(1).normal(0, spread, (len(each), items))
    return np.array(each)[:, None] + noise - noise.mean(axis=1, keepdims=True)


def cubes(cube_of, **values: np.ndarray):
    """An arm and its baseline on the seeds that both have, as a runner gives them."""

    def pair(arm, baseline):
        if not {arm, baseline} <= set(values):
            return None
        seeds = min(len(values[arm]), len(values[baseline]))
        return cube_of({name: values[name][:seeds] for name in (arm, baseline)})

    return pair


OLD = np.zeros((6, 40))


def one(claim, pair, **choice):
    return judge_sequential([claim], pair, looks=LOOKS, **choice)[0]


def test_with_a_single_look_it_is_judge(study):
    claims = [Claim(text=arm, arm=arm, baseline="linear") for arm in ("mlp", "qformer", "twin")]
    claims.append(Claim(text="twin", arm="twin", baseline="linear", kind="equivalence", margin=0.5))
    settings = {"control": "blind", "generalize_to": "seeds"}
    found = judge_sequential(claims, pairs_of(study), looks=[4], **settings)
    expected = stats.judge(claims, study, **settings)
    assert [each.verdict.verdict for each in found] == [each.verdict for each in expected]
    assert len({each.verdict for each in expected}) > 1
    for each, other in zip(found, expected, strict=True):
        assert each.verdict.p_value == pytest.approx(other.p_value)
        assert each.verdict.p_adjusted == pytest.approx(other.p_adjusted)


def test_a_claim_keeps_the_verdict_of_the_look_that_stopped_it_whatever_seeds_come_later(cube_of):
    first = gains(0.5, 0.5001, 0.4999)
    later = np.concatenate([first, gains(-3.0, -3.5, -4.0)])
    found = [one(BETTER, cubes(cube_of, new=new, old=OLD)) for new in (first, later)]
    assert [(each.verdict.verdict, each.seeds, each.needs, each.stop) for each in found] == [
        ("supported", 3, 3, True)
    ] * 2
    assert found[0].verdict.p_adjusted == found[1].verdict.p_adjusted


def test_an_undecided_claim_needs_the_next_look_and_a_decided_one_does_not(cube_of):
    pair = cubes(cube_of, new=gains(0.5, 0.5001, 0.4999), other=gains(0.3, 0.5, 0.4), old=OLD)
    decided, undecided = judge_sequential([BETTER, OTHER], pair, looks=LOOKS)
    assert (decided.end, decided.needs, decided.control_needs) == ("decided", 3, 0)
    assert (undecided.end, undecided.needs, undecided.seeds) == ("open", 4, 3)
    assert undecided.verdict.verdict == "inconclusive"
    assert (undecided.verdict.p_value, undecided.verdict.p_adjusted) == (None, None)


def test_before_the_first_look_a_claim_needs_its_seeds(cube_of):
    found = one(BETTER, cubes(cube_of, new=gains(0.5, 0.4), old=OLD))
    assert (found.end, found.seeds, found.needs, found.verdict.comparison) == ("open", 0, 3, None)
    assert one(BETTER, cubes(cube_of, old=OLD)).needs == 3


def test_a_share_of_alpha_for_each_claim_and_holm_at_the_last_look(cube_of):
    """A p between alpha / 2 and alpha at the last look decides only where the other claim is decided too."""
    clear, close = gains(*[0.5] * 6) + 1e-4 * np.arange(6)[:, None], gains(1.2, 0.1, 0.6, 1.0, -0.1, 0.9)
    pair = cubes(cube_of, new=clear, other=close, old=OLD)
    choice = {"looks": LOOKS, "generalize_to": "seeds", "futility": None}
    decided, late = judge_sequential([BETTER, OTHER], pair, **choice)
    assert (decided.end, late.end) == ("decided", "last look")
    assert 0.025 < late.verdict.p_value < 0.05
    assert late.verdict.verdict == "supported"
    undecided = cubes(cube_of, new=gains(1.0, -1.0, 0.5, -0.5, 0.2, -0.1), other=close, old=OLD)
    assert judge_sequential([BETTER, OTHER], undecided, **choice)[1].verdict.verdict == "inconclusive"


def test_equivalence_stops_only_once_the_control_is_told_apart(cube_of):
    new = gains(0.0, 1e-4, -1e-4, 2e-4)
    far, near = gains(-0.6, -0.6001, -0.5999, -0.6), gains(-0.6, 0.3, -1.0, 0.1)
    choice = {"control": "blind", "alpha": 0.1}
    lacking = one(SAME, cubes(cube_of, new=new[:3], old=OLD, blind=far[:2]), **choice)
    assert (lacking.end, lacking.needs, lacking.control_needs) == ("open", 3, 3)
    told = one(SAME, cubes(cube_of, new=new, old=OLD, blind=far[:3]), **choice)
    assert (told.end, told.verdict.verdict, told.seeds) == ("decided", "equivalent", 3)
    assert told.control_needs == 3
    untold = one(SAME, cubes(cube_of, new=new[:3], old=OLD, blind=near[:3]), **choice)
    assert (untold.end, untold.needs, untold.verdict.verdict) == ("open", 4, "inconclusive")
    assert untold.control_needs == 3


def test_equivalence_without_a_control_stops_and_says_nothing(cube_of):
    found = one(SAME, cubes(cube_of, new=gains(0.0, 1e-4, -1e-4), old=OLD), alpha=0.1)
    assert (found.end, found.verdict.verdict) == ("decided", "not-informative")


def test_an_arm_that_had_not_converged_is_given_no_more_seeds(cube_of):
    pair = cubes(cube_of, new=gains(0.3, 0.5, 0.4), old=OLD)
    found = one(BETTER, pair, not_converged=["new"])
    assert (found.end, found.needs, found.verdict.verdict) == ("blocked", 3, "inconclusive")
    assert "had not converged" in found.verdict.reason


def test_arms_that_score_alike_everywhere_are_given_no_more_seeds(cube_of):
    found = one(BETTER, cubes(cube_of, new=OLD[:3], old=OLD))
    assert (found.end, found.verdict.verdict) == ("blocked", "not-informative")


def test_a_claim_that_the_last_look_would_hardly_decide_stops_without_a_p(cube_of):
    pair = cubes(cube_of, new=gains(0.5, -0.5, 0.3, -0.3, 0.01), old=OLD)
    found = one(BETTER, pair)
    assert (found.end, found.verdict.verdict, found.verdict.p_value) == ("hopeless", "inconclusive", None)
    assert one(BETTER, pair, futility=None).end == "open"


def test_a_frame_gives_the_seeds_that_both_arms_have(frame_of):
    frame = frame_of({"new": gains(0.5, 0.5, 0.5, 0.5), "old": OLD[:, :40]})
    pair = pairs_of(frame)
    assert pair("new", "old").seeds == (0, 1, 2, 3)
    assert pair("new", "lost") is None


def test_no_claim_is_refused(cube_of):
    with pytest.raises(ValueError, match="at least one claim"):
        judge_sequential([], cubes(cube_of, old=OLD), looks=LOOKS)


def drawn(rng, cube_of, seeds, effects, items=12):
    """Scores of a study: a seed's luck and an item's, for each arm; all arms against the same baseline."""

    def arm(gain):
        return gain + rng.normal(0, 0.05, (seeds, 1)) + rng.normal(0, 0.05, (seeds, items))

    return pairs_of(cube_of({"old": arm(0.0)} | {name: arm(gain) for name, gain in effects.items()}))


@pytest.mark.parametrize(("studies", "last"), [(60, 5), pytest.param(800, 10, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", ["superiority", "equivalence"])
def test_of_studies_without_an_effect_no_more_than_stated_hold_a_false_claim(
    cube_of, band, studies, last, kind
):
    """Two claims that share a baseline, the truth on the boundary of each."""
    rng, looks, margin = np.random.default_rng(3), range(3, last + 1), 0.1
    edge = 0.0 if kind == "superiority" else margin
    claims = [Claim(text=arm, arm=arm, baseline="old", kind=kind, margin=edge) for arm in ("new", "other")]
    wrong = 0
    for _ in range(studies):
        pair = drawn(rng, cube_of, last, {"new": edge, "other": edge, "blind": -3.0})
        found = judge_sequential(claims, pair, looks=looks, control="blind", spending="pocock")
        ways = {"supported", "refuted"} if kind == "superiority" else {"equivalent"}
        wrong += any(each.verdict.verdict in ways for each in found)
    assert wrong / studies <= 0.05 + band(0.05, studies)


@pytest.mark.parametrize(("studies", "last"), [(30, 6), pytest.param(200, 10, marks=pytest.mark.slow)])
@pytest.mark.parametrize("spending", ["obrien-fleming", "pocock"])
def test_a_real_effect_is_found_with_fewer_seeds_than_the_most(cube_of, studies, last, spending):
    rng, used, found = np.random.default_rng(4), [], 0
    for _ in range(studies):
        pair = drawn(rng, cube_of, last, {"new": 0.3})
        (verdict,) = judge_sequential([BETTER], pair, looks=range(3, last + 1), spending=spending)
        used.append(verdict.seeds)
        found += verdict.verdict.verdict == "supported"
    assert found / studies > 0.9
    assert np.mean(used) < 0.8 * last
