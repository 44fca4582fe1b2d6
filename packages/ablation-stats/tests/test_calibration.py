"""Coverage and type I error by simulation, against the binomial bands of the number of runs. Slow: thousands of studies."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from scipy.special import stdtrit

from ablation_stats import Claim, PairedCube, bootstrap_ci, judge, paired_difference
from ablation_stats._max_t import step_down
from ablation_stats._mcnemar import mcnemar
from ablation_stats._sign_flip import sign_flip
from ablation_stats._variance import two_way_error
from ablation_stats._wilcoxon import wilcoxon_signed_rank

RUNS = 2000
pytestmark = pytest.mark.slow


def band(rate: float, runs: int = RUNS) -> float:
    """Four standard errors of a rate observed over `runs` runs: by chance missed once in 16,000 tests."""
    return 4 * (rate * (1 - rate) / runs) ** 0.5


def cube_of(values: dict[str, np.ndarray], cluster: np.ndarray | None = None) -> PairedCube:
    """A cube without the way through a frame."""
    seeds, items = next(iter(values.values())).shape
    codes = np.arange(items) if cluster is None else cluster
    return PairedCube(
        arms=tuple(values),
        seeds=tuple(range(seeds)),
        items=pl.Series("item", range(items)),
        clusters=pl.Series("cluster", range(int(codes.max()) + 1)),
        cluster_of_item=codes,
        values=np.stack(list(values.values())),
        weights=None,
        invalid=None,
        metric=None,
        task=None,
        condition=None,
        factors=None,
        left_out=(),
    )


def normal_study(rng, seeds, images, per_image, *, seed_spread=0.3, image_spread=0.5):
    """Differences between two equal recipes: spread over seeds, images and questions."""
    cluster = np.repeat(np.arange(images), per_image)
    noise = rng.normal(0, 1, (seeds, images * per_image)) + image_spread * rng.normal(0, 1, images)[cluster]
    noise = noise + seed_spread * rng.normal(0, 1, (seeds, 1))
    shared = rng.normal(0, 2, images * per_image)
    return {"a": shared + noise, "b": np.tile(shared, (seeds, 1))}, cluster


def skewed_study(rng, seeds, images, per_image):
    """The same with exponential noise in images and questions."""
    cluster = np.repeat(np.arange(images), per_image)
    noise = rng.exponential(1, (seeds, images * per_image)) - 1 + (rng.exponential(1, images) - 1)[cluster]
    return {
        "a": noise + 0.2 * rng.normal(0, 1, (seeds, 1)),
        "b": np.zeros((seeds, images * per_image)),
    }, cluster


def binary_study(rng, seeds, images, per_image):
    """0/1 answers of two equal recipes, around 80 %, with difficulty by image and luck by seed."""
    cluster = np.repeat(np.arange(images), per_image)
    difficulty = rng.normal(1.5, 0.8, images)[cluster]

    def arm():
        chance = 1 / (1 + np.exp(-(difficulty + 0.2 * rng.normal(0, 1, (seeds, 1)))))
        return (rng.random((seeds, images * per_image)) < chance).astype(float)

    return {"a": arm(), "b": arm()}, cluster


def error_rate(draw: Callable, **choice) -> float:
    """Share of studies in which two equal recipes are called different at 5 %, which is 1 - coverage."""
    rng = np.random.default_rng(0)
    missed = 0
    for _ in range(RUNS):
        values, cluster = draw(rng)
        found = paired_difference(cube_of(values, cluster), arm="a", baseline="b", **choice)
        missed += not found.ci_low <= 0 <= found.ci_high
        if choice.get("method", "t") == "t" and found.se > 0:
            assert (found.p_value < 0.05) == (found.ci_low > 0 or found.ci_high < 0)
    return missed / RUNS


@pytest.mark.parametrize("study", [normal_study, skewed_study, binary_study])
@pytest.mark.parametrize(("seeds", "images", "per_image"), [(3, 40, 1), (3, 30, 4), (5, 60, 3), (10, 20, 5)])
def test_two_way_intervals_miss_no_more_often_than_stated(study, seeds, images, per_image):
    """Conservative where one source of variation is small."""
    rate = error_rate(lambda rng: study(rng, seeds, images, per_image))
    assert 0.01 - band(0.01) < rate < 0.05 + band(0.05)


@pytest.mark.parametrize(("seeds", "largest"), [(2, 0.06), (3, 0.05), (5, 0.05)])
@pytest.mark.parametrize(("seed_ratio", "cluster_ratio"), [(1, 1), (6, 4), (50, 10), (200, 20), (200, 1)])
def test_two_way_intervals_hold_wherever_the_spread_comes_from(seeds, largest, seed_ratio, cluster_ratio):
    """Mean squares drawn as normal tables have them, 200,000 tables: expected ones relative to that of the rest."""
    rng, tables, clusters = np.random.default_rng(9), 200_000, 40
    df = seeds - 1, clusters - 1, (seeds - 1) * (clusters - 1)
    expected = seed_ratio, cluster_ratio, 1
    squares = [mean * rng.chisquare(n, tables) / n for mean, n in zip(expected, df, strict=True)]
    variance, t_df = two_way_error(*squares, *df[:2])
    distance = rng.normal(0, (seed_ratio + cluster_ratio - 1) ** 0.5, tables)
    missed = float((np.abs(distance) > variance**0.5 * stdtrit(t_df, 0.975)).mean())
    assert missed < largest + band(largest, tables)


@pytest.mark.parametrize(("seeds", "images"), [(3, 100), (8, 30)])
def test_without_any_spread_over_seeds_two_way_intervals_still_hold(seeds, images):
    rate = error_rate(lambda rng: normal_study(rng, seeds, images, 2, seed_spread=0.0, image_spread=0.0))
    assert rate < 0.05 + band(0.05)


@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
def test_t_over_seeds_is_exact_for_normal_spread(seeds):
    rate = error_rate(lambda rng: normal_study(rng, seeds, 8, 2, image_spread=0.0), generalize_to="seeds")
    assert abs(rate - 0.05) < band(0.05)


def items_only(rng, images, per_image):
    """One trained pair of models: clusters of unequal size, image effects in the differences."""
    cluster = np.repeat(np.arange(images), rng.integers(1, 2 * per_image, images))
    noise = rng.normal(0, 1, (1, cluster.size)) + 0.7 * rng.normal(0, 1, images)[cluster]
    return {"a": noise, "b": np.zeros_like(noise)}, cluster


@pytest.mark.parametrize(
    ("kind", "images", "largest"),
    [("CR1", 100, 0.06), ("CR1", 30, 0.07), ("CR2", 30, 0.055), ("CR2", 10, 0.06), ("CR3", 30, 0.05)],
)
def test_clustered_intervals_hold_over_clusters_of_unequal_size(kind, images, largest):
    rate = error_rate(lambda rng: items_only(rng, images, 5), generalize_to="items", se_kind=kind)
    assert 0.02 < rate < largest + band(largest)


@pytest.mark.parametrize(("interval", "largest"), [("bca", 0.065), ("percentile", 0.065), ("basic", 0.065)])
def test_cluster_bootstrap_intervals_hold_over_many_clusters(interval, largest):
    rng = np.random.default_rng(1)
    choice = {"method": "bootstrap", "interval": interval, "n_resamples": 999, "rng": rng, "threads": 1}
    rate = error_rate(lambda rng: items_only(rng, 80, 4), generalize_to="items", **choice)
    assert rate < largest + band(largest)


def test_the_crossed_bootstrap_holds_from_ten_seeds():
    choice = {
        "method": "bootstrap",
        "interval": "percentile",
        "n_resamples": 499,
        "rng": np.random.default_rng(1),
        "threads": 1,
    }
    rate = error_rate(lambda rng: normal_study(rng, 10, 30, 2), **choice)
    assert rate < 0.09 + band(0.09)


@pytest.mark.parametrize("generalize_to", ["items", "seeds"])
def test_sign_flip_intervals_are_exact_for_symmetric_differences(generalize_to):
    rng = np.random.default_rng(1)

    def draw(rng):
        if generalize_to == "items":
            return items_only(rng, 25, 3)
        return normal_study(rng, 8, 6, 1, image_spread=0.0)

    rate = error_rate(
        draw, generalize_to=generalize_to, method="sign-flip", n_resamples=999, rng=rng, threads=1
    )
    assert rate < 0.05 + band(0.05)


def test_tests_of_single_samples_reject_no_more_often_than_stated():
    """Skewed scores paired with a relabelling of themselves are symmetric, so exact tests must hold."""
    rng = np.random.default_rng(2)
    rejected = dict.fromkeys(("sign flip", "wilcoxon", "mcnemar", "mid-p"), 0)
    for _ in range(RUNS):
        gaps = rng.exponential(1, 30) * rng.choice([-1, 1], 30)
        rejected["sign flip"] += (
            sign_flip(
                gaps, np.ones(30), level=0.95, n_resamples=499, seed=int(rng.integers(2**32)), threads=1
            ).p
            < 0.05
        )
        rejected["wilcoxon"] += wilcoxon_signed_rank(gaps).p_value < 0.05
        b = int(rng.binomial(20, 0.5))
        pair = mcnemar(b, 20 - b)
        rejected["mcnemar"] += pair.p_exact < 0.05
        rejected["mid-p"] += pair.p_mid < 0.05
    for count in rejected.values():
        assert count / RUNS < 0.05 + band(0.05)


def test_bootstrap_intervals_of_a_skewed_mean_cover_as_published():
    """BCa of an exponential mean, n = 50: within two points of nominal."""
    rng = np.random.default_rng(3)
    inside = 0
    for _ in range(RUNS):
        found = bootstrap_ci(rng.exponential(1, 50), n_resamples=999, rng=rng, threads=1)
        inside += found.ci_low <= 1 <= found.ci_high
    assert abs(inside / RUNS - 0.93) < 0.02 + band(0.93)


def test_tangos_and_wilsons_intervals_hold_near_the_edges():
    from ablation_stats import tango_ci, wilson_ci

    rng = np.random.default_rng(4)
    for n, shares in ((40, (0.08, 0.02)), (100, (0.03, 0.03)), (25, (0.3, 0.05))):
        inside = 0
        for b, c, _ in rng.multinomial(n, [*shares, 1 - sum(shares)], RUNS):
            found = tango_ci(int(b), int(c), n)
            inside += found.low <= shares[0] - shares[1] <= found.high
        assert inside / RUNS > 0.935 - band(0.935)
    for share in (0.02, 0.1, 0.5):
        inside = sum(
            found.low <= share <= found.high
            for found in (wilson_ci(float(k), 50.0) for k in rng.binomial(50, share, RUNS))
        )
        assert inside / RUNS > 0.92 - band(0.92)


def test_max_t_keeps_the_error_over_all_arms_and_is_less_strict_than_bonferroni():
    rng = np.random.default_rng(5)
    family = single = 0
    for _ in range(RUNS // 2):
        shared = rng.normal(0, 1, (60, 1))
        sums = 0.8 * shared + 0.6 * rng.normal(0, 1, (60, 8))
        p = step_down(sums, n_resamples=499, seed=int(rng.integers(2**32)), threads=1)
        family += p.min() < 0.05
        single += p.min() < 0.05 / 8
    assert family / (RUNS // 2) < 0.05 + band(0.05, RUNS // 2)
    assert family / (RUNS // 2) > 0.02


def test_wrong_verdicts_on_true_claims_stay_below_alpha():
    """Claims whose truth lies on the boundary: equivalence at the margin, non-inferiority at the margin, no difference."""
    rng = np.random.default_rng(6)
    wrong = 0
    claims = [
        Claim(text="equal", arm="edge", baseline="base", kind="equivalence", margin=0.2),
        Claim(text="no worse", arm="edge", baseline="base", kind="non-inferiority", margin=0.2),
        Claim(text="better", arm="same", baseline="base"),
    ]
    for _ in range(RUNS // 2):
        shared = rng.normal(0, 1, (1, 60))
        values = {
            name: shared + shift + rng.normal(0, 0.3, (4, 60)) + rng.normal(0, 0.03, (4, 1))
            for name, shift in (("base", 0.0), ("same", 0.0), ("edge", -0.2), ("blind", -1.0))
        }
        found = judge(claims, cube_of(values), control="blind")
        wrong += any(
            each.verdict in positive
            for each, positive in zip(
                found, [("equivalent",), ("non-inferior",), ("supported", "refuted")], strict=True
            )
        )
    assert wrong / (RUNS // 2) < 0.05 + band(0.05, RUNS // 2)


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
    predictions, seeds, choice
):
    rng = np.random.default_rng(8)
    assert 0.005 < predictions.mean(1).std() < 0.1
    called = 0
    for _ in range(RUNS):
        drawn = rng.permutation(60)[: 2 * seeds]
        values = {"a": predictions[drawn[:seeds]], "b": predictions[drawn[seeds:]]}
        called += paired_difference(cube_of(values), arm="a", baseline="b", **choice).p_value < 0.05
    assert called / RUNS < 0.05 + band(0.05)
