"""Knees, fitted curves, fronts and transfer against brute force, closed forms and planted truths."""

import numpy as np
import polars as pl
import pytest
from scipy import optimize

import ablation_stats as stats
from ablation_stats._pareto import on_front

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
    floor, scale, exponent = stats.fit_curve(frame, doses=sizes, curve="power-law", rng=1, n_resamples=300)
    assert exponent.ci_low < 0.5 < exponent.ci_high
    assert floor.ci_low < 1 < floor.ci_high
    assert scale.ci_low < 2 < scale.ci_high


def test_curves_do_not_depend_on_threads_or_the_order_of_rows(dosed):
    one = stats.fit_curve(dosed, doses=ARMS, curve="saturating", rng=1, threads=1)
    assert one == stats.fit_curve(dosed.reverse(), doses=ARMS, curve="saturating", rng=1, threads=2)


@pytest.mark.parametrize("seed", range(10))
def test_the_front_is_what_no_point_dominates(seed):
    rng = np.random.default_rng(seed)
    cost, gain = rng.integers(0, 5, 12).astype(float), rng.integers(0, 5, 12).astype(float)
    dominated = [
        any(
            c <= cost[i] and g >= gain[i] and (c < cost[i] or g > gain[i])
            for c, g in zip(cost, gain, strict=True)
        )
        for i in range(12)
    ]
    assert on_front(cost, gain[None], 0.0)[0].tolist() == [not each for each in dominated]
    assert (
        stats.pareto_indices(cost, -gain, higher_is_better=False).tolist()
        == np.flatnonzero(~np.array(dominated)).tolist()
    )


def test_membership_is_the_share_of_joint_resamples(study):
    from ablation_stats._cube import paired_cube
    from ablation_stats._joint_draws import draw_means

    costs = {"linear": 1.0, "mlp": 2.0, "qformer": 3.0, "twin": 2.0, "blind": 0.5}
    found = {each.arm: each for each in stats.pareto_front(study, costs=costs, rng=9, n_resamples=500)}
    cube = paired_cube(study)
    draws = draw_means(cube, cube.arms, generalize_to="items", n_resamples=500, rng=9, threads=None).values
    cost = np.array([costs[arm] for arm in cube.arms])
    shares = np.zeros(5)
    for row in draws:
        shares[stats.pareto_indices(cost, row)] += 1 / 500
    assert [found[arm].probability for arm in cube.arms] == pytest.approx(shares.tolist())
    assert found["blind"].probability == 1.0
    assert not found["qformer"].on_front


def test_equal_arms_of_equal_cost_both_stay_in_every_resample(frame_of):
    values = np.random.default_rng(1).random((1, 50))
    found = stats.pareto_front(frame_of({"a": values, "b": values}), costs={"a": 1.0, "b": 1.0}, rng=1)
    assert [each.probability for each in found] == [1.0, 1.0]


def test_the_cheapest_arm_that_holds_the_score_is_named(frame_of):
    rng = np.random.default_rng(2)
    shared = rng.normal(0, 1, (3, 400))
    losses = {"full": 0.0, "half": 0.001, "quarter": 0.002, "tenth": 0.5}
    frame = frame_of({arm: shared - loss + rng.normal(0, 0.02, (3, 400)) for arm, loss in losses.items()})
    costs = {"full": 8.0, "half": 4.0, "quarter": 2.0, "tenth": 1.0}
    found, tests = stats.cheapest_non_inferior(frame, costs=costs, reference="full", margin=0.02)
    assert (found.arm, found.cost) == ("quarter", 2.0)
    assert [(each.arm, each.non_inferior) for each in tests] == [
        ("tenth", False),
        ("quarter", True),
        ("half", True),
    ]
    raw = [each.test.p_value for each in tests]
    assert [each.p_adjusted for each in tests] == pytest.approx(stats.adjust_pvalues(raw).tolist())
    limited, _ = stats.cheapest_non_inferior(frame, costs=costs, reference="full", margin=0.02, limit=1.5)
    assert limited.arm is None


@pytest.fixture(scope="module")
def transfer():
    """Trained and tested at 224 and 448: training high survives a low test, training low fails a high test by 0.3."""
    rng = np.random.default_rng(6)
    hard, rows = rng.normal(0, 0.2, 150), []
    score = {(224, 224): 0.6, (224, 448): 0.4, (448, 224): 0.55, (448, 448): 0.75}
    for (train, test), base in score.items():
        for seed in range(3):
            values = base + hard + rng.normal(0, 0.05, 150)
            rows += [
                {
                    "train": train,
                    "test": test,
                    "seed": seed,
                    "item": item,
                    "cluster": item // 3,
                    "value": value,
                }
                for item, value in enumerate(values)
            ]
    return pl.DataFrame(rows).sample(fraction=1.0, shuffle=True, seed=1)


def cell_means(frame):
    return {
        (row["train"], row["test"]): row["value"]
        for row in frame.group_by("train", "test").agg(pl.col("value").mean()).iter_rows(named=True)
    }


@pytest.mark.parametrize(("degradation", "truth"), [("from-matched", 0.3), ("from-own", 0.0)])
def test_the_asymmetry_is_the_difference_of_both_losses(transfer, degradation, truth):
    mean = cell_means(transfer)
    low_high = (
        mean[448, 448] - mean[224, 448] if degradation == "from-matched" else mean[224, 224] - mean[224, 448]
    )
    high_low = (
        mean[224, 224] - mean[448, 224] if degradation == "from-matched" else mean[448, 448] - mean[448, 224]
    )
    found = stats.transfer_matrix(transfer, train="train", test="test", degradation=degradation)
    assert [each.estimate for each in found.degradations] == pytest.approx([low_high, high_low])
    asymmetry = found.asymmetries[0]
    assert asymmetry.estimate == pytest.approx(low_high - high_low)
    assert asymmetry.ci_low < truth < asymmetry.ci_high
    assert (asymmetry.p_adjusted < 0.01) == (truth > 0)


def test_the_asymmetry_is_the_clustered_test_of_its_own_scores(transfer):
    cell = {
        key: part.sort("item")["value"].to_numpy()
        for key, part in transfer.group_by("train", "test", "item")
        .agg(pl.col("value").mean())
        .group_by("train", "test")
    }
    scores = (cell[448, 448] - cell[224, 448]) - (cell[224, 224] - cell[448, 224])
    expected = stats.clustered_se(scores, np.arange(150) // 3, kind="CR1")
    found = stats.transfer_matrix(transfer, train="train", test="test", generalize_to="items").asymmetries[0]
    assert (found.se, found.df) == pytest.approx((expected.se, 49))


def test_the_matrix_is_read_from_training_to_test(transfer):
    found = stats.transfer_matrix(transfer, train="train", test="test").to_frame()
    mean = cell_means(transfer)
    assert found.columns == ["train", "224", "448"]
    assert found.row(0) == ("224", pytest.approx(mean[224, 224]), pytest.approx(mean[224, 448]))


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
