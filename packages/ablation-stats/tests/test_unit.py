"""Sentences in another unit than the scores are stored in."""

import re

import numpy as np
import pytest

import ablation_stats as stats

POINTS = stats.Unit(factor=100, name="points", decimals=1)


@pytest.mark.parametrize("kind", ["superiority", "equivalence", "non-inferiority"])
def test_a_reason_in_points_says_the_interval_of_the_comparison_a_hundredfold(study, kind):
    claim = stats.Claim(text="it is so", arm="mlp", baseline="linear", kind=kind, margin=0.05)
    (verdict,) = stats.judge([claim], study, control="blind", unit=POINTS)
    found = verdict.comparison
    expected = " ".join(
        f"{100 * each:+.1f}".replace("-", "−") for each in (found.estimate, found.ci_low, found.ci_high)
    )
    assert " ".join(re.findall(r"[+−]\d+\.\d", verdict.reason)) == expected
    assert f"({100 * found.level:g} % interval" in verdict.reason
    assert "(margin 5.0 points)" in verdict.reason


def test_the_unit_changes_words_alone(study):
    claims = [stats.Claim(text="it is so", arm="twin", baseline="linear")]
    (stored,), (points,) = (
        stats.judge(claims, study, unit=unit)
        for unit in (stats.Unit(), stats.Unit(factor=100, name="points"))
    )
    assert (stored.verdict, stored.comparison, stored.p_adjusted) == (
        points.verdict, points.comparison, points.p_adjusted
    )  # fmt: skip
    assert "points" not in stored.reason
    assert "points" in points.reason


def test_audit_plan_and_looks_speak_the_unit_too(study):
    claim = stats.Claim(text="it is so", arm="twin", baseline="linear", margin=0.01)
    verdicts = stats.judge([claim], study)
    assert " points" in stats.over_interpretation(verdicts, unit=POINTS)[0].text
    assert " points" in stats.assay_sensitivity(study, baseline="linear", control="twin", unit=POINTS)[0].text
    assert "1.0 points" in stats.plan([claim], study, seeds=4, effect=0.03, unit=POINTS)[0].reason
    assert " points" in stats.sequential_decision(claim, study, looks=[4, 5], unit=POINTS).reason


@pytest.mark.parametrize(
    ("spread", "words"),
    [("items", r"about \d{1,2}0* images in place of 150"), ("seeds", "on the same questions")],
)
def test_what_would_settle_names_items_and_clusters_as_the_unit_does_and_rounds_images(
    frame_of, spread, words
):
    rng = np.random.default_rng(5)
    base = rng.normal(0, 0.2, (1, 150))
    shared = rng.normal(0.015, 0.1, (1, 150)) if spread == "items" else np.array([[0.0], [0.02], [0.04]])
    noise = shared + rng.normal(0, 0.02, (3, 150))
    frame = frame_of({"a": base + noise, "b": base + np.zeros((3, 150))})
    claim = stats.Claim(text="it is so", arm="a", baseline="b")
    (verdict,) = stats.judge([claim], frame, unit=stats.Unit(items="questions", clusters="images"))
    assert re.search(words, verdict.settle.replace(",", ""))


def test_a_size_too_small_for_the_decimals_is_not_said_to_be_nothing():
    assert POINTS.amount(0.0002) == "below 0.1 points"
    assert POINTS.amount(0.0) == "0.0 points"
    assert POINTS.signed(-0.0002) == "0.0 points"
    assert stats.Unit().amount(0.0002) == "0.0002"


def test_a_unit_that_turns_or_loses_differences_is_refused():
    with pytest.raises(ValueError, match="above 0, got -1"):
        stats.Unit(factor=-1)
    with pytest.raises(ValueError, match="at least 0, got -2"):
        stats.Unit(decimals=-2)
