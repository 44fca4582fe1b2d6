"""Knees and curves fitted to plain numbers, against grids, other starts and closed forms."""

import numpy as np
import pytest
from scipy import optimize

import ablation_stats as stats

DOSES = np.array([4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0])


def noisy_knee(seed):
    rng = np.random.default_rng(seed)
    return np.minimum(np.log2(DOSES), rng.uniform(3.2, 6.5)) / 10 + rng.normal(0, 0.02, DOSES.size)


def stick_rss(knee, x, y):
    design = np.stack([np.ones_like(x), x, np.maximum(x - knee, 0)], axis=1)
    return ((y - design @ np.linalg.lstsq(design, y, rcond=None)[0]) ** 2).sum()


@pytest.mark.parametrize("seed", range(25))
def test_no_breakpoint_of_a_fine_grid_fits_better(seed):
    x, y = np.log2(DOSES), noisy_knee(seed)
    found = stats.knee_broken_stick(DOSES, y)
    assert found.rss <= min(stick_rss(knee, x, y) for knee in np.linspace(x[1], x[-2], 2001)) + 1e-12
    assert found.rss == pytest.approx(stick_rss(found.log2_knee, x, y), rel=1e-6)


def test_a_planted_knee_is_found_in_any_order_of_doses():
    order = np.random.default_rng(1).permutation(DOSES.size)
    y = 0.2 + 0.1 * np.minimum(np.log2(DOSES), 5.5) + 0.01 * np.maximum(np.log2(DOSES) - 5.5, 0)
    found = stats.knee_broken_stick(DOSES[order], y[order])
    assert found.log2_knee == pytest.approx(5.5)
    assert (found.slope_before, found.slope_after, found.score) == pytest.approx((0.1, 0.01, 0.75))


def test_a_straight_line_has_no_knee():
    with pytest.raises(ValueError, match="there is no knee"):
        stats.knee_broken_stick(DOSES, np.log2(DOSES) / 3)


def test_kneedle_is_farthest_above_the_chord():
    dose = np.linspace(1, 20, 96)
    score = 1 - np.exp(-dose / 3)
    span = (score - score.min()) / np.ptp(score) - (dose - dose.min()) / np.ptp(dose)
    assert stats.kneedle(dose, score) == dose[span.argmax()]


def test_kneedle_of_a_circle_is_where_its_tangent_is_the_diagonal():
    """On y = sqrt(1 - (1 - x)^2) the distance from the chord y = x is largest at x = 1 - 1/sqrt 2."""
    x = np.linspace(0, 1, 10_001)
    found = stats.kneedle(x + 1, np.sqrt(1 - (1 - x) ** 2))
    assert found - 1 == pytest.approx(1 - 0.5**0.5, abs=1e-4)


def test_kneedle_finds_the_knee_of_the_second_figure_of_its_paper():
    x = np.linspace(0, 1, 10)
    assert stats.kneedle(x, -1 / (x + 0.1) + 5) == pytest.approx(0.22, abs=0.005)


def test_kneedle_on_the_log_scale_is_that_of_the_logarithms():
    y = noisy_knee(3)
    assert np.log2(stats.kneedle(DOSES, y, scale="log2")) == stats.kneedle(np.log2(DOSES), y)


def test_a_convex_curve_has_no_knee():
    with pytest.raises(ValueError, match="nowhere rises above its chord"):
        stats.kneedle(DOSES, DOSES**2)


SIZES = np.array([1e6, 3e6, 1e7, 3e7, 1e8, 3e8, 1e9])


@pytest.mark.parametrize(
    ("floor", "scale", "exponent"), [(1.69, 406.4, 0.34), (0.0, 20.0, 0.1), (0.5, 3e3, 0.8)]
)
@pytest.mark.parametrize("residuals", ["least-squares", "huber"])
def test_a_planted_power_law_is_recovered(floor, scale, exponent, residuals):
    """The first is the one of Hoffmann et al. (arXiv 2203.15556) in the number of parameters."""
    law = stats.fit_power_law(SIZES, floor + scale * SIZES**-exponent, residuals=residuals)
    assert (law.scale, law.exponent) == pytest.approx((scale, exponent), rel=1e-3)
    assert law.floor == pytest.approx(floor, abs=2e-3)


@pytest.mark.parametrize("seed", range(8))
def test_no_other_start_finds_a_better_power_law(seed):
    rng = np.random.default_rng(seed)
    loss = (1.2 + 50 * SIZES**-0.25) * np.exp(rng.normal(0, 0.02, SIZES.size))
    law = stats.fit_power_law(SIZES, loss)

    def cost(theta):
        return (
            (np.log(theta[2] ** 2 + np.exp(theta[0] - theta[1] * np.log(SIZES))) - np.log(loss)) ** 2
        ).sum()

    others = [
        optimize.minimize(
            cost, [np.log(50), alpha, e], method="Nelder-Mead", options={"maxiter": 4000, "fatol": 1e-14}
        )
        for alpha in (0.1, 0.3)
        for e in (0.3, 1.0)
    ]
    assert law.rss <= min(each.fun for each in others) * (1 + 1e-6) + 1e-12
    assert law.rss == pytest.approx(cost([np.log(law.scale), law.exponent, law.floor**0.5]), rel=1e-9)


def test_a_given_floor_of_zero_is_a_straight_line_of_logarithms():
    loss = (20 * SIZES**-0.1) * np.exp(np.random.default_rng(1).normal(0, 0.05, SIZES.size))
    slope, intercept = np.polyfit(np.log(SIZES), np.log(loss), 1)
    law = stats.fit_power_law(SIZES, loss, floor=0.0)
    assert (law.floor, law.exponent, np.log(law.scale)) == pytest.approx((0.0, -slope, intercept), rel=1e-6)


def test_huber_hardly_minds_one_size_off_the_law():
    loss = 1.5 + 100 * SIZES**-0.3
    loss[2] *= 1.1
    square, huber = (stats.fit_power_law(SIZES, loss, residuals=name) for name in ("least-squares", "huber"))
    assert abs(huber.exponent - 0.3) < 0.02 < abs(square.exponent - 0.3)


@pytest.mark.parametrize("seed", range(8))
def test_no_other_start_finds_a_better_saturating_curve(seed):
    rng = np.random.default_rng(seed)
    score = 0.8 - 0.6 * DOSES ** -rng.uniform(0.3, 1.5) + rng.normal(0, 0.004, DOSES.size)
    curve = stats.fit_saturating(DOSES, score)

    def differences(theta):
        return theta[0] - theta[1] * DOSES ** -theta[2] - score

    others = [
        optimize.least_squares(differences, [0.8, 0.6, b], xtol=1e-14, ftol=1e-14) for b in (0.2, 0.7, 1.4)
    ]
    best = min(others, key=lambda each: each.cost)
    assert curve.rss == pytest.approx(2 * best.cost, rel=1e-6)
    assert (curve.ceiling, curve.gap, curve.exponent) == pytest.approx(tuple(best.x), rel=1e-3)


def test_scores_that_never_level_off_have_no_ceiling():
    with pytest.raises(ValueError, match="do not level off"):
        stats.fit_saturating(DOSES, np.log2(DOSES) ** 2)
