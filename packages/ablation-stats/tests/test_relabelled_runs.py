"""One recipe's own predictions, relabelled at random into two arms. Slow: thousands of studies."""

import numpy as np
import pytest

from ablation_stats import paired_difference

RUNS = 2000


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
