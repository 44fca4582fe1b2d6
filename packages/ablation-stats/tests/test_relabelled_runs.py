"""One recipe's own predictions, relabelled at random into two arms. Slow: thousands of studies."""

import numpy as np
import pytest

from ablation_stats import Claim, judge, judge_sequential, paired_difference, pairs_of
from ablation_stats._looks_taken import first_seeds

RUNS, STUDIES = 2000, 400


pytestmark = pytest.mark.slow


def trained_predictions(seeds: int) -> np.ndarray:
    """Right or wrong answers `[seeds, items]` of small networks trained from different starts on different orders.

    Real training noise, drawn from no model of ours: a two-layer network in numpy on overlapping spirals.
    """
    rng = np.random.default_rng(7)

    def spirals(count):
        label = rng.integers(0, 3, count)
        radius = rng.uniform(0.2, 1, count)
        angle = 4 * radius + label * 2 * np.pi / 3 + rng.normal(0, 0.45, count)
        return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]), label

    train, answers = spirals(400)
    test, truth = spirals(300)
    right = []
    for seed in range(seeds):
        local = np.random.default_rng(seed)
        first, second = local.normal(0, 2, (3, 24)), local.normal(0, 0.3, (25, 3))
        for _ in range(400):
            batch = local.integers(0, 400, 32)
            x = np.column_stack([train[batch], np.ones(32)])
            hidden = np.column_stack([np.tanh(x @ first), np.ones(32)])
            score = np.exp(hidden @ second - (hidden @ second).max(1, keepdims=True))
            slope = score / score.sum(1, keepdims=True) - np.eye(3)[answers[batch]]
            back = (slope @ second[:-1].T) * (1 - hidden[:, :-1] ** 2)
            second -= 0.3 * hidden.T @ slope / 32
            first -= 0.3 * x.T @ back / 32
        x = np.column_stack([test, np.ones(300)])
        right.append((np.column_stack([np.tanh(x @ first), np.ones(300)]) @ second).argmax(1) == truth)
    return np.array(right, dtype=float)


@pytest.fixture(scope="module")
def predictions():
    return trained_predictions(60)


@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize(
    "choice", [{}, {"generalize_to": "seeds"}, {"generalize_to": "both", "se_kind": "CR2"}]
)
def test_one_recipe_relabelled_into_two_arms_is_called_different_no_more_often_than_stated(
    band, cube_of, predictions, seeds, choice
):
    rng = np.random.default_rng(8)
    assert 0.005 < predictions.mean(1).std() < 0.1
    called = 0
    for _ in range(RUNS):
        drawn = rng.permutation(60)[: 2 * seeds]
        values = {"a": predictions[drawn[:seeds]], "b": predictions[drawn[seeds:]]}
        called += paired_difference(cube_of(values), arm="a", baseline="b", **choice).p_value < 0.05
    assert called / RUNS < 0.05 + band(0.05)


@pytest.mark.parametrize("spending", ["obrien-fleming", "pocock"])
def test_studies_made_of_one_recipe_hold_a_false_claim_no_more_often_than_stated(
    band, cube_of, predictions, spending
):
    """Two claims on three labels; judged at once over five seeds, and looked at after each of three to eight."""
    rng, claims = np.random.default_rng(9), [Claim(text=arm, arm=arm, baseline="a") for arm in ("b", "c")]
    at_once = looked_at = 0
    for _ in range(STUDIES):
        drawn = rng.permutation(60)[:24]
        study = cube_of({arm: predictions[drawn[at : at + 8]] for arm, at in (("a", 0), ("b", 8), ("c", 16))})
        five = [each.verdict for each in judge(claims, first_seeds(study, 5))]
        found = judge_sequential(claims, pairs_of(study), looks=range(3, 9), spending=spending)
        at_once += set(five) != {"inconclusive"}
        looked_at += {each.verdict.verdict for each in found} != {"inconclusive"}
    assert at_once / STUDIES < 0.05 + band(0.05, STUDIES)
    assert looked_at / STUDIES < 0.05 + band(0.05, STUDIES)
