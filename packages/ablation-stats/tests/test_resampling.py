"""What every way of resampling shares: the distribution of the draws, threads, seeds and generators."""

import itertools

import numpy as np
import pytest
from scipy import stats

from ablation_stats import bootstrap_ci, paired_difference
from ablation_stats._resample import COUNT_COLUMNS, distinct_rows, mixing_weights, resample_sums
from ablation_stats._streams import SHORT, index_blocks


def enumerated(units: np.ndarray) -> np.ndarray:
    """Sums of all n^n equally likely resamples."""
    return np.array(
        [units[list(each)].sum(axis=0) for each in itertools.product(range(len(units)), repeat=len(units))]
    )


@pytest.mark.parametrize("columns", [1, 2, COUNT_COLUMNS, 6])
def test_every_way_of_resampling_has_the_enumerated_distribution(columns):
    units = np.random.default_rng(0).normal(0, 1, (4, columns))
    drawn = resample_sums(units, n_resamples=40_000, seed=1)
    exact = enumerated(units)
    np.testing.assert_allclose(drawn.mean(0), exact.mean(0), atol=0.05)
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(exact.T), atol=0.15)
    for column in range(columns):
        assert stats.ks_2samp(drawn[:, column], exact[:, column]).pvalue > 1e-4


@pytest.mark.parametrize("size", [2, 3, 5000, SHORT, SHORT + 1, 70_000])
def test_every_unit_is_drawn_equally_often(size):
    rng = np.random.Generator(np.random.PCG64DXSM(4))
    rows = -(-400_000 // size)
    counts = np.zeros(size, dtype=int)
    for block, drawn in index_blocks(rng, rows=rows, size=size):
        assert drawn.shape == (block.stop - block.start, size)
        counts += np.bincount(drawn.ravel(), minlength=size)
    assert counts.sum() == rows * size
    assert 1e-4 < stats.chisquare(counts).pvalue < 1 - 1e-4


@pytest.mark.parametrize("columns", [1, 3])
def test_collapsed_units_have_the_distribution_of_the_units(columns):
    units = np.random.default_rng(0).integers(0, 2, (400, columns)).astype(float)
    assert distinct_rows(units)[0].shape[0] == 2**columns
    drawn = resample_sums(units, n_resamples=20_000, seed=1)
    np.testing.assert_allclose(drawn.mean(0), units.sum(0), atol=0.3)
    np.testing.assert_allclose(np.cov(drawn.T), 400 * np.cov(units.T, ddof=0), rtol=0.05, atol=3)


def test_rows_that_share_a_mixture_are_not_taken_for_equal():
    slope = mixing_weights(2)[1]
    units = np.zeros((100, 2))
    units[50:] = [slope, -1.0]
    distinct, counts = distinct_rows(units)
    assert counts.sum() == 100
    assert len(np.unique(distinct, axis=0)) == 2


@pytest.mark.parametrize("method", ["bootstrap", "sign-flip"])
def test_threads_and_row_order_do_not_change_a_number(frame_of, method):
    rng = np.random.default_rng(0)
    frame = frame_of({"a": rng.normal(0.1, 1, (2, 3000)), "b": rng.normal(0, 1, (2, 3000))})
    choice = {"arm": "a", "baseline": "b", "generalize_to": "items", "method": method, "rng": 5}
    first = paired_difference(frame, threads=1, **choice)
    for threads in (2, 3):
        assert (
            paired_difference(frame.sample(fraction=1, shuffle=True, seed=1), threads=threads, **choice)
            == first
        )


def test_the_global_random_state_is_left_alone(study):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    paired_difference(study, arm="mlp", baseline="linear", generalize_to="items", method="bootstrap", rng=5)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_a_generator_moves_on_and_its_seed_gives_the_numbers_again(study):
    rng = np.random.default_rng(1)
    choice = {"arm": "mlp", "baseline": "qformer", "generalize_to": "items", "method": "bootstrap"}
    first, second = (paired_difference(study, rng=rng, **choice) for _ in range(2))
    assert first.rng_seed != second.rng_seed
    assert paired_difference(study, rng=first.rng_seed, **choice) == first


@pytest.mark.parametrize("rng", [1.5, "1", -1])
def test_a_seed_that_is_no_whole_number_is_refused(rng):
    with pytest.raises(ValueError, match="whole number of at least 0"):
        bootstrap_ci([1.0, 2.0, 3.0], rng=rng)


@pytest.mark.parametrize(("method", "rule"), [("bootstrap", "needs rng="), ("sign-flip", "needs rng=")])
def test_drawing_needs_a_generator(study, method, rule):
    with pytest.raises(ValueError, match=rule):
        paired_difference(study, arm="mlp", baseline="linear", generalize_to="items", method=method)
