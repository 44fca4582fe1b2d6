import itertools
import math

import numpy as np
import polars as pl
import pytest

import ablation_stats as stats

PARTS = ["align", "caption", "match"]


@pytest.fixture(scope="module")
def subsets():
    """All subsets of three components, 12 seeds x 30 items; align and caption replace each other, match needs align."""
    design = stats.all_subsets(PARTS)
    rng = np.random.default_rng(2)
    item = rng.normal(0, 0.3, (1, 30))
    rows = []
    for row in design.runs.iter_rows(named=True):
        worth = (
            0.3 * (row["align"] or row["caption"])
            + 0.2 * (row["match"] and row["align"])
            + 0.05 * row["match"]
        )
        scores = 0.2 + worth + item + rng.normal(0, 0.02, (12, 1)) + rng.normal(0, 0.05, (12, 30))
        rows += [
            {"arm": row["arm"], "seed": s, "item": i, "cluster": i // 2, "value": scores[s, i]}
            for s in range(12)
            for i in range(30)
        ]
    return design, pl.DataFrame(rows)


def means(frame, design):
    found = dict(frame.group_by("arm").agg(pl.col("value").mean()).rows())
    return {
        frozenset(n for n in PARTS if row[n]): found[row["arm"]] for row in design.runs.iter_rows(named=True)
    }


def by_name(effects):
    return {each.name: each.estimate for each in effects}


def test_shapley_values_are_the_average_over_all_orders(subsets):
    design, frame = subsets
    worth = means(frame, design)
    expected = dict.fromkeys(PARTS, 0.0)
    for order in itertools.permutations(PARTS):
        for at, name in enumerate(order):
            expected[name] += (
                worth[frozenset(order[: at + 1])] - worth[frozenset(order[:at])]
            ) / math.factorial(3)
    found = by_name(stats.shapley_attribution(frame, design))
    assert found == pytest.approx(expected)
    assert sum(found.values()) == pytest.approx(worth[frozenset(PARTS)] - worth[frozenset()])


def test_banzhaf_values_are_main_effects(subsets):
    design, frame = subsets
    assert by_name(stats.banzhaf(frame, design)) == pytest.approx(by_name(stats.main_effects(frame, design)))


def test_banzhaf_interactions_are_twice_the_factorial_interactions(subsets):
    """A product contrast halves the difference of two differences."""
    design, frame = subsets
    factorial = by_name(stats.interaction_effects(frame, design, max_order=2))
    index = by_name(stats.attribution(frame, design, kinds=["banzhaf interaction"]))
    assert {name: value / 2 for name, value in index.items()} == pytest.approx(
        {name: factorial[name] for name in index}
    )


def test_the_shapley_interaction_of_two_components_is_the_mixed_difference(subsets):
    design, frame = subsets
    worth = means(frame, design)

    def mixed(rest):
        rest = frozenset(rest)
        return (
            worth[rest | {"align", "caption"}]
            - worth[rest | {"align"}]
            - worth[rest | {"caption"}]
            + worth[rest]
        )

    found = by_name(stats.shapley_interaction(frame, design))
    assert found["align:caption"] == pytest.approx((mixed([]) + mixed(["match"])) / 2)
    assert found["align:caption"] < -0.2
    assert found["align:match"] > 0.1


def test_leave_one_out_alone_misses_what_redundant_components_share(subsets):
    design, frame = subsets
    found = stats.attribution(
        frame, design, settings=stats.Settings(method="bootstrap", rng=1, n_resamples=999)
    )
    caption = {each.kind: each for each in found if each.name == "caption"}
    assert abs(caption["leave one out"].estimate) < 0.02
    assert "Redundant: caption is worth" in caption["leave one out"].warnings[-1]
    assert not any(each.warnings for each in found if each.name == "match")
    assert caption["add one in"].ci_low > 0.2
    assert caption["shapley"].ci_low > 0.05
    assert len({each.rng_seed for each in found}) == 1
    assert all(each.p_adjusted >= each.p_value for each in found)


def test_leave_one_out_and_add_one_in_are_plain_differences(subsets):
    design, frame = subsets
    without = stats.leave_one_out_effects(frame, design)[0]
    plain = stats.paired_difference(frame, arm="align+caption+match", baseline="caption+match")
    assert (without.estimate, without.se, without.df) == pytest.approx((plain.estimate, plain.se, plain.df))
    alone = stats.add_one_in_effects(frame, design)[2]
    assert alone.estimate == pytest.approx(
        stats.paired_difference(frame, arm="match", baseline="none").estimate
    )


def test_build_up_increments_sum_to_the_whole_gain(subsets):
    _, frame = subsets
    design = stats.build_up(["match", "align", "caption"])
    names = dict(zip(["none", "match", "align+match", "align+caption+match"], design.arms, strict=True))
    renamed = frame.filter(pl.col("arm").is_in(list(names))).with_columns(pl.col("arm").replace(names))
    found = stats.build_up_effects(renamed, design)
    assert [each.name for each in found] == ["match", "align", "caption"]
    total = stats.paired_difference(renamed, arm=design.arms[-1], baseline="none").estimate
    assert sum(each.estimate for each in found) == pytest.approx(total)


def test_the_error_of_a_main_effect_of_replicated_runs_is_2_s_over_root_n():
    """Independent scores in every run: Montgomery's 2 s / sqrt(N), pooled over runs."""
    rng = np.random.default_rng(0)
    design = stats.full_factorial({"a": (0, 1), "b": (0, 1)})
    scores = {arm: rng.normal(0, 1, 4000) for arm in design.arms}
    frame = pl.concat(
        [pl.DataFrame({"arm": arm, "item": range(4000), "value": each}) for arm, each in scores.items()]
    )
    found = stats.main_effects(frame, design, settings=stats.Settings(generalize_to="items"))[0]
    pooled = np.mean([each.var(ddof=1) for each in scores.values()]) ** 0.5
    assert found.se == pytest.approx(2 * pooled / 16_000**0.5, rel=0.02)


def test_main_effects_of_several_levels_are_marginal_differences(subsets):
    rng = np.random.default_rng(1)
    design = stats.full_factorial({"encoder": ["clip", "dino", "eva"], "tokens": [16, 64]})
    worth = {arm: rng.normal() for arm in design.arms}
    rows = [
        {"arm": arm, "seed": s, "item": i, "value": each + rng.normal()}
        for arm, each in worth.items()
        for s in (0, 1)
        for i in range(5)
    ]
    frame = pl.DataFrame(rows)
    means = frame.join(design.runs, on="arm").group_by("encoder").agg(pl.col("value").mean())
    margin = dict(means.rows())
    found = by_name(stats.main_effects(frame, design))
    assert found["encoder: eva - clip"] == pytest.approx(margin["eva"] - margin["clip"])
    assert set(found) == {"encoder: dino - clip", "encoder: eva - clip", "tokens: 64 - 16"}


def test_aliases_are_named_where_a_fraction_cannot_tell_effects_apart(subsets):
    _, frame = subsets
    design = stats.fractional_factorial(dict.fromkeys(PARTS, (False, True)), ["match=align*caption"])
    names = {
        row["arm"]: "+".join(n for n in PARTS if row[n]) or "none"
        for row in design.runs.iter_rows(named=True)
    }
    renamed = frame.filter(pl.col("arm").is_in(list(names.values()))).with_columns(
        pl.col("arm").replace({value: key for key, value in names.items()})
    )
    effect = next(each for each in stats.main_effects(renamed, design) if each.name == "match")
    assert effect.aliases == ("align:caption",)
    assert "cannot tell match from align:caption" in effect.warnings[-1]
    assert effect.to_frame()["aliases"].to_list() == [["align:caption"]]


def test_a_screening_design_names_the_interactions_that_its_main_effects_hold(frame_of):
    """Means without noise: only b:c is there, and each other main effect must hold just the share that is named."""
    design = stats.plackett_burman({name: (0, 1) for name in "abcdefghi"})
    frame = frame_of(
        {
            row["arm"]: np.full((3, 4), 0.1 * row["b"] * row["c"]) + np.arange(4) * [[0.1], [0.2], [0.4]]
            for row in design.runs.iter_rows(named=True)
        }
    )
    interaction = 0.1 / 2  # of 0/1 levels: half their product's effect, as mean at high less mean at low
    for effect in stats.main_effects(frame, design):
        shares = effect.warnings[-1].partition(" holds ")[2].rstrip(".").split(", ")
        assert "Partly mixed" in effect.warnings[-1]
        assert all(abs(float(each.split()[0])) == 0.33 for each in shares[:5])
        if effect.name not in "bc":
            assert abs(effect.estimate) == pytest.approx(interaction / 3)
    assert stats.effect_matrix(stats.full_factorial({"a": (0, 1), "b": (0, 1)})).mixed == ((), ())


def test_effects_that_the_runs_cannot_separate_are_not_identifiable():
    ofat = stats.one_factor_at_a_time({"a": (0, 1), "b": (0, 1)})
    with pytest.raises(ValueError, match="not identifiable"):
        stats.effect_matrix(ofat, max_order=2)
    matrix = stats.effect_matrix(ofat)
    np.testing.assert_allclose(matrix.matrix, [[-1, 1, 0], [-1, 0, 1]], atol=1e-12)
    full = stats.full_factorial({"a": (0, 1), "b": (0, 1)})
    one = stats.Design(kind="cut", factors=full.factors, cells=tuple(c for c in full.cells if c[0] == 0))
    with pytest.raises(ValueError, match="not identifiable"):
        stats.effect_matrix(one)


def test_lacking_arms_are_named(subsets):
    _, frame = subsets
    with pytest.raises(ValueError, match=r"arm.*lacks"):
        stats.shapley_attribution(frame, stats.leave_one_out(PARTS))
    with pytest.raises(ValueError, match="must be one of"):
        stats.leave_one_out_effects(frame, stats.leave_one_out(PARTS))
    with pytest.raises(ValueError, match="did you mean 'shapley'"):
        stats.attribution(frame, stats.all_subsets(PARTS), kinds=["shaply"])


def test_bootstrap_and_t_agree_on_effects(subsets):
    design, frame = subsets
    by_t = stats.main_effects(frame, design)
    drawn = stats.main_effects(frame, design, settings=stats.Settings(method="bootstrap", rng=1))
    for a, b in zip(by_t, drawn, strict=True):
        assert a.estimate == pytest.approx(b.estimate)
        assert a.se == pytest.approx(b.se, rel=0.25)
