"""Curves through the means of arms, with intervals from joint resamples; what every curve refuses."""

import numpy as np
import pytest

import ablation_stats as stats

DOSES = np.array([4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0])


@pytest.fixture(scope="module")
def dosed(frame_of):
    """Seven doses with a knee at 32, 300 items in 60 clusters, two seeds; item difficulty is shared by all doses."""
    rng = np.random.default_rng(4)
    hard = rng.normal(0, 0.3, 300)
    values = {
        f"dose-{int(dose)}": min(np.log2(dose), 5.0) / 8 + hard + rng.normal(0, 0.1, (2, 300))
        for dose in DOSES
    }
    return frame_of(values, [f"image-{item // 5}" for item in range(300)])


ARMS = {f"dose-{int(dose)}": float(dose) for dose in DOSES}


@pytest.mark.parametrize("curve", ["broken-stick", "kneedle"])
def test_the_interval_of_a_planted_knee_holds_it(dosed, curve):
    knee = stats.fit_curve(dosed, doses=ARMS, curve=curve, rng=1)[0]
    assert knee.ci_low <= 32 <= knee.ci_high
    assert knee.ci_high / knee.ci_low < 3
    assert knee.unit == "cluster"


def test_a_curve_is_fitted_to_the_means_and_to_each_resample_as_alone(dosed):
    from ablation_stats._cube import paired_cube
    from ablation_stats._joint_draws import draw_means

    cube = paired_cube(dosed)
    draws = draw_means(cube, list(ARMS), generalize_to="items", n_resamples=200, rng=7, threads=1)
    alone = [stats.knee_broken_stick(DOSES, row).knee for row in draws.values]
    found = stats.fit_curve(cube, doses=ARMS, curve="broken-stick", rng=7, n_resamples=200)[0]
    assert (found.ci_low, found.ci_high) == pytest.approx(np.quantile(alone, [0.025, 0.975]), rel=1e-9)


def test_the_interval_of_a_planted_exponent_holds_it(frame_of):
    rng = np.random.default_rng(5)
    shared = rng.normal(0, 0.2, 200)
    sizes = {f"n{int(n)}": n for n in (1.0, 4.0, 16.0, 64.0, 256.0)}
    frame = frame_of(
        {arm: (1 + 2 * n**-0.5) + shared + rng.normal(0, 0.05, (1, 200)) for arm, n in sizes.items()}
    )
    floor, scale, exponent = stats.fit_curve(
        frame, doses=sizes, curve="power-law", rng=1, n_resamples=500, level=0.99
    )
    assert scale.se < 0.01
    assert exponent.ci_low < 0.5 < exponent.ci_high
    assert floor.ci_low < 1 < floor.ci_high
    assert scale.ci_low < 2 < scale.ci_high


def test_curves_do_not_depend_on_threads_or_the_order_of_rows(dosed):
    one = stats.fit_curve(dosed, doses=ARMS, curve="saturating", rng=1, threads=1)
    assert one == stats.fit_curve(dosed.reverse(), doses=ARMS, curve="saturating", rng=1, threads=2)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda f: stats.knee_broken_stick([1, 2, 3, 4], [1, 2, 3, 4]), "at least 5"),
        (lambda f: stats.knee_broken_stick([1, 2, 2, 4, 5], range(5)), "each dose once"),
        (lambda f: stats.kneedle([0, 1, 2], [0, 1, 1], scale="log2"), "above 0"),
        (lambda f: stats.fit_power_law([1, 2, 4, 8], [1, 1, 1, 0]), "loss must be above 0"),
        (lambda f: stats.fit_power_law([1, 2, 4], [3, 2, 1.5]), "at least 4"),
        (lambda f: stats.fit_curve(f, doses=ARMS, curve="power", rng=1), "did you mean 'power-law'"),
        (
            lambda f: stats.fit_curve(f, doses=ARMS, curve="kneedle", rng=1, generalize_to="both"),
            "only from 10 up",
        ),
        (lambda f: stats.pareto_front(f, costs={"dose-4": 1.0}, rng=1), "costs must name every arm"),
        (lambda f: stats.transfer_matrix(f, train="arm", test="tset"), "needs a column 'tset'"),
    ],
)
def test_bad_input_is_refused(dosed, call, said):
    with pytest.raises(ValueError, match=said):
        call(dosed)
