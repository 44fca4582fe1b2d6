import numpy as np
import polars as pl
import pytest

from ablation_stats import Claim, arm_mean, judge, paired_difference, results_frame


@pytest.fixture(scope="module")
def large(frame_of):
    """Six seeds x 150 items of real scores: `good` +0.10, `even` 0, `bit` -0.01, `blind` -0.5, one shared item effect."""
    rng = np.random.default_rng(11)
    item = rng.normal(0, 0.3, (1, 150))
    shift = {"base": 0.0, "good": 0.1, "even": 0.0, "bit": -0.01, "blind": -0.5, "weak": -0.004}
    return frame_of({arm: 0.5 + by + item + rng.normal(0, 0.05, (6, 150)) for arm, by in shift.items()})


def verdict_of(frame, *, control="blind", **claim):
    found = judge([Claim(text="it is so", baseline="base", **claim)], frame, control=control)[0]
    assert (found.settle == "") == (found.verdict not in ("inconclusive", "not-informative"))
    return found


def test_a_clear_gain_is_supported_and_its_opposite_refuted(large):
    assert verdict_of(large, arm="good").verdict == "supported"
    assert verdict_of(large, arm="good", expects="worse").verdict == "refuted"
    assert verdict_of(large, arm="good", higher_is_better=False).verdict == "refuted"
    assert verdict_of(large, arm="good", margin=0.05).verdict == "supported"
    assert verdict_of(large, arm="good", margin=0.2).verdict == "refuted"


def test_no_difference_is_equivalent_only_with_a_control_that_is_told_apart(large):
    claim = {"arm": "even", "kind": "equivalence", "margin": 0.03}
    assert verdict_of(large, **claim).verdict == "equivalent"
    assert "No positive control" in verdict_of(large, control=None, **claim).reason
    for control in (None, "weak"):
        assert verdict_of(large, control=control, **claim).verdict == "not-informative"


def test_a_difference_that_refutes_equivalence_needs_no_control(large):
    found = verdict_of(large, control=None, arm="blind", kind="equivalence", margin=0.05)
    assert found.verdict == "refuted"
    assert found.p_value < 1e-6
    assert (
        verdict_of(large, control=None, arm="blind", kind="non-inferiority", margin=0.05).verdict == "refuted"
    )


def test_a_margin_that_the_control_itself_would_meet_is_not_informative(large):
    found = verdict_of(large, arm="even", kind="equivalence", margin=0.6)
    assert found.verdict == "not-informative"
    assert "within the margin" in found.reason


def test_the_equivalence_verdict_agrees_with_the_interval(large):
    for arm in ("even", "bit", "good"):
        for margin in (0.002, 0.01, 0.02, 0.05, 0.2):
            found = verdict_of(large, arm=arm, kind="equivalence", margin=margin)
            inside = -margin < found.comparison.ci_low and found.comparison.ci_high < margin
            assert (found.verdict == "equivalent") == inside
            assert found.comparison.level == pytest.approx(0.9)


def test_non_inferiority_asks_one_side_only(large):
    assert verdict_of(large, arm="good", kind="non-inferiority", margin=0.01).verdict == "non-inferior"
    assert verdict_of(large, arm="bit", kind="non-inferiority", margin=0.05).verdict == "non-inferior"
    assert (
        verdict_of(large, arm="blind", control="bit", kind="non-inferiority", margin=0.05).verdict
        != "non-inferior"
    )
    lower = large.with_columns(value=-pl.col("value"))
    found = verdict_of(lower, arm="bit", kind="non-inferiority", margin=0.05, higher_is_better=False)
    assert found.verdict == "non-inferior"


def test_arms_that_had_not_converged_get_no_verdict(large):
    for late in ("good", "base"):
        claim = Claim(text="better", arm="good", baseline="base")
        found = judge([claim], large, not_converged=[late])[0]
        assert found.verdict == "inconclusive"
        assert late in found.reason


def test_arms_that_differ_in_more_than_their_factor_are_not_identifiable(large):
    found = judge([Claim(text="better", arm="good", baseline="base")], large, confounded=["good"])[0]
    assert found.verdict == "inconclusive"
    assert "Not identifiable: good" in found.reason


def test_one_seed_is_inconclusive_and_says_what_it_lacks(large):
    found = verdict_of(large.filter(seed=0), arm="good")
    assert found.verdict == "inconclusive"
    assert "seeds" in found.settle
    assert found.comparison.unit == "item"
    only = judge([found.claim], large.filter(seed=0), generalize_to="items")[0]
    assert only.verdict == "supported"


def test_identical_arms_are_not_informative(large):
    copy = pl.concat([large, large.filter(arm="base").with_columns(arm=pl.lit("copy"))])
    for claim in ({}, {"kind": "equivalence", "margin": 0.1}):
        found = verdict_of(copy, arm="copy", **claim)
        assert found.verdict == "not-informative"
        assert "the same on every item" in found.reason


def test_p_values_are_adjusted_over_all_claims(large):
    claims = [Claim(text=f"{arm} wins", arm=arm, baseline="base") for arm in ("good", "bit", "even", "weak")]
    together = judge(claims, large)
    for claim, verdict in zip(claims, together, strict=True):
        assert verdict.p_adjusted >= judge([claim], large)[0].p_value
    assert results_frame(together)["claim.arm"].to_list() == ["good", "bit", "even", "weak"]


def test_claims_about_different_items_are_judged_on_their_own_and_adjusted_together(large):
    first, second = (
        large.filter(pl.col("item").is_in(part))
        for part in (
            large["item"].unique().sort().gather(rows).implode() for rows in (range(75), range(75, 150))
        )
    )
    claims = [Claim(text="bit is worse", arm="bit", baseline="base", expects="worse")] * 2
    found = judge(claims, [first, second], control=["blind", None])
    alone = [judge([claims[0]], part)[0] for part in (first, second)]
    assert [each.comparison for each in found] == [each.comparison for each in alone]
    assert found[0].comparison.estimate != found[1].comparison.estimate
    assert min(each.p_adjusted for each in found) == pytest.approx(2 * min(each.p_value for each in alone))
    assert [each.control is None for each in found] == [False, True]


def test_frames_and_controls_are_one_or_one_per_claim(large):
    claims = [Claim(text="x", arm="good", baseline="base")]
    with pytest.raises(ValueError, match="frame must be one, or one for each of the 1 claims, got 2"):
        judge(claims, [large, large])
    with pytest.raises(ValueError, match="control must be one, or one for each of the 1 claims, got 0"):
        judge(claims, large, control=[])
    with pytest.raises(ValueError, match="'gone'"):
        judge(claims, [large], not_converged=["gone"])


def test_what_would_settle_a_claim_does_settle_it(frame_of):
    """The seeds it asks for decide about four in five of the studies drawn with the estimated difference."""
    rng = np.random.default_rng(0)

    def draw(seeds):
        base = rng.normal(0, 0.2, (1, 80))
        noise = rng.normal(0, 0.02, (seeds, 1)) + rng.normal(0, 0.1, (seeds, 80))
        return frame_of({"a": base + noise + 0.02, "b": base + np.zeros((seeds, 80))})

    claim = Claim(text="a wins", arm="a", baseline="b")
    asked = []
    while len(asked) < 15:
        frame = draw(3)
        found = judge([claim], frame)[0]
        if (
            found.verdict == "inconclusive"
            and 0.015 < found.comparison.estimate < 0.025
            and "seeds in place" in found.settle
        ):
            asked.append(int(found.settle.split("about ")[1].split()[0]))
    seeds = int(np.median(asked))
    won = np.mean([judge([claim], draw(seeds))[0].verdict == "supported" for _ in range(60)])
    assert 0.55 < won <= 1


def held_back(frame_of, sign):
    """A claim that alone would be decided, and is not among ten."""
    rng = np.random.default_rng(4)
    base, noise = rng.normal(0, 0.2, (1, 80)), rng.normal(0, 0.02, (4, 1)) + rng.normal(0, 0.1, (4, 80))
    arms = {"a": base + noise + sign * 0.05, "b": base + np.zeros((4, 80))}
    arms |= {f"c{n}": base + rng.normal(0, 0.1, (4, 80)) for n in range(9)}
    claims = [Claim(text=arm, arm=arm, baseline="b") for arm in arms if arm != "b"]
    (alone,) = judge(claims[:1], frame_of(arms))
    among = judge(claims, frame_of(arms))[0]
    assert (alone.verdict, among.verdict) == ("supported" if sign > 0 else "refuted", "inconclusive")
    return among


@pytest.mark.parametrize(("sign", "word"), [(1, "supported"), (-1, "refuted")])
def test_a_claim_that_the_correction_holds_back_says_what_it_would_be_alone(frame_of, sign, word):
    among = held_back(frame_of, sign)
    assert f"Judged alone the claim would be {word}" in among.reason
    assert f"(adjusted p = {among.p_adjusted:.2g})" in among.reason


def test_what_would_settle_a_claim_counts_the_claims_beside_it(frame_of):
    rng = np.random.default_rng(2)
    base, noise = rng.normal(0, 0.2, (1, 80)), rng.normal(0, 0.02, (3, 1)) + rng.normal(0, 0.1, (3, 80))
    arms = {"a": base + noise + 0.012, "b": base + np.zeros((3, 80))}
    arms |= {f"c{n}": base + rng.normal(0, 0.1, (3, 80)) for n in range(9)}
    claims = [Claim(text=arm, arm=arm, baseline="b") for arm in arms if arm != "b"]
    found = [judge(claims[:count], frame_of(arms))[0] for count in (1, 10)]
    assert [each.verdict for each in found] == ["inconclusive", "inconclusive"]
    alone, among = (int(each.settle.split("about ")[1].split()[0]) for each in found)
    assert among > alone


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ({"kind": "equivalent"}, "did you mean 'equivalence'"),
        ({"kind": "equivalence"}, "must be above 0, got 0.0"),
        ({"margin": -0.1}, "must be at least 0"),
        ({"margin": float("nan")}, "must be at least 0"),
        ({"expects": "more"}, "expects must be one of"),
        ({"kind": "equivalence", "margin": 0.1, "expects": "worse"}, "belongs to superiority"),
        ({"baseline": "mlp"}, "arm and baseline must differ"),
        ({"text": " "}, "text must say"),
    ],
)
def test_a_claim_that_cannot_be_judged_is_refused_where_it_is_written(wrong, rule):
    with pytest.raises(ValueError, match=rule):
        Claim(**({"text": "x", "arm": "mlp", "baseline": "linear"} | wrong))


def test_a_claim_about_an_arm_that_is_not_there_is_refused(study):
    with pytest.raises(ValueError, match="did you mean 'qformer'"):
        judge([Claim(text="x", arm="qfromer", baseline="linear")], study)
    with pytest.raises(ValueError, match="did you mean 'blind'"):
        judge([Claim(text="x", arm="mlp", baseline="linear")], study, control="blnd")
    with pytest.raises(ValueError, match="at least one claim"):
        judge([], study)


def test_judge_shows_the_same_numbers_as_the_comparison(study):
    found = judge([Claim(text="x", arm="mlp", baseline="linear")], study)[0]
    assert found.comparison == paired_difference(study, arm="mlp", baseline="linear")
    assert arm_mean(study, arm="mlp").estimate > 0.5
