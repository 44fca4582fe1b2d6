"""Which arms had not converged, and what is done about them."""

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ablation_stats import Claim, audit, judge, not_converged, paired_cube


def curves_of(**losses: list[float]) -> pl.DataFrame:
    """Five evaluations at steps 20, 40, ..., 100 of one seed per arm, rows shuffled."""
    return pl.DataFrame(
        [
            {"arm": arm, "seed": 0, "step": 20 * (at + 1), "split": "validation", "loss": loss}
            for arm, run in losses.items()
            for at, loss in enumerate(run)
        ]
    ).sample(fraction=1.0, shuffle=True, seed=1)


@pytest.mark.parametrize(
    ("last_two", "falling"),
    [
        ((0.50, 0.40), True),
        ((0.50, 0.48), False),  # 4 %
        ((0.50, 0.47), True),  # 6 %
        ((0.10, 0.092), False),  # 8 %, but 0.008 nats
        ((0.50, 0.60), False),  # rising is no fall
    ],
)
def test_a_fall_counts_beyond_both_shares_of_the_last_fifth(last_two, falling):
    found = not_converged(curves_of(rest=[2.0, 1.0, 0.7, 0.7, 0.7], tried=[2.0, 1.0, 0.7, *last_two]))
    assert found == (("tried",) if falling else ())


def test_a_fall_before_the_last_fifth_does_not_count():
    assert not_converged(curves_of(a=[2.0, 1.5, 1.0, 0.5, 0.5])) == ()
    assert not_converged(curves_of(a=[2.0, 1.5, 1.0, 0.5, 0.5]), look_back=0.3) == ("a",)


def of_seeds(*runs: list[float]) -> pl.DataFrame:
    """One arm's losses, a list for each seed."""
    return pl.concat(
        curves_of(a=run).with_columns(seed=pl.lit(seed, dtype=pl.Int64)) for seed, run in enumerate(runs)
    )


def test_the_mean_over_seeds_decides():
    flat, late, slight = [1.0, 0.5, 0.5, 0.5, 0.5], [1.0, 0.5, 0.5, 0.5, 0.2], [1.0, 0.5, 0.5, 0.5, 0.46]
    assert not_converged(of_seeds(flat, late)) == ("a",)
    assert not_converged(of_seeds(slight)) == ("a",)
    assert not_converged(of_seeds(*[flat] * 9, slight)) == ()


@given(
    falls=st.lists(st.floats(-0.2, 0.2), min_size=1, max_size=6),
    times=st.integers(2, 4),
    order=st.randoms(use_true_random=False),
)
def test_more_seeds_of_the_same_kind_change_nothing(falls, times, order):
    assume(abs(sum(falls) / len(falls) - 0.025) > 1e-9)  # the boundary itself is left to rounding
    runs = [[1.0, 0.5, 0.5, 0.5, 0.5 - fall] for fall in falls]
    more = runs * times
    order.shuffle(more)
    assert not_converged(of_seeds(*more)) == not_converged(of_seeds(*runs))


def test_an_arm_with_a_seed_that_was_not_evaluated_has_not_shown_that_it_came_to_rest():
    seen = of_seeds([1.0, 0.5, 0.5, 0.5, 0.5])
    once = seen.filter(pl.col("step") == 100).with_columns(seed=pl.lit(1, dtype=pl.Int64))
    assert not_converged(pl.concat([seen, once])) == ("a",)


def test_other_splits_are_not_read():
    training = curves_of(a=[2.0, 1.0, 0.8, 0.6, 0.1]).with_columns(split=pl.lit("train"))
    curves = pl.concat([training, curves_of(a=[2.0, 1.0, 0.5, 0.5, 0.5])])
    assert not_converged(curves) == ()
    assert not_converged(curves, split="train") == ("a",)


@pytest.mark.parametrize("steps", [[0], [100], [90, 100]])
def test_a_run_with_nothing_before_its_last_fifth_has_not_shown_that_it_came_to_rest(steps):
    curves = pl.DataFrame({"arm": ["a"] * len(steps), "step": steps, "loss": [0.5] * len(steps)})
    assert not_converged(curves) == ("a",)


@pytest.mark.parametrize(
    ("change", "choice", "said"),
    [
        (lambda c: c.drop("loss"), {}, "need a column 'loss'"),
        (lambda c: c, {"split": "test"}, "no row of split 'test'"),
        (lambda c: c.with_columns(loss=float("nan")), {}, "finite and at least 0"),
        (lambda c: c.with_columns(loss=pl.lit(None, dtype=pl.Float64)), {}, "finite and at least 0"),
        (lambda c: c.with_columns(loss=-1.0), {}, "finite and at least 0"),
        (lambda c: c.with_columns(arm=pl.lit(None, dtype=pl.String)), {}, "must be there"),
        (lambda c: pl.concat([c, c]), {}, "one loss at each step"),
        (lambda c: c, {"look_back": 1.0}, "look_back must lie strictly between 0 and 1"),
        (lambda c: c, {"relative": float("nan")}, "at least 0"),
        (lambda c: c, {"absolute": -0.1}, "at least 0"),
    ],
)
def test_bad_curves_and_settings_are_refused(change, choice, said):
    with pytest.raises(ValueError, match=said):
        not_converged(change(curves_of(a=[2.0, 1.0, 0.5, 0.5, 0.5])), **choice)


@pytest.mark.parametrize("name", ["not_converged", "confounded"])
@pytest.mark.parametrize("make", [lambda frame: frame, paired_cube])
def test_a_gate_on_an_arm_that_is_not_there_is_refused_by_name(study, name, make):
    claim = Claim(text="better", arm="mlp", baseline="linear")
    with pytest.raises(
        ValueError, match=f"an arm of {name} must be one of blind, linear, .*, got 'mpl'; did you mean 'mlp'"
    ):
        judge([claim], make(study), **{name: ["mpl"]})


def test_an_arm_of_the_frame_that_no_claim_names_may_be_gated(study):
    claim = Claim(text="better", arm="mlp", baseline="linear")
    assert judge([claim], study, not_converged=["twin"]) == judge([claim], study)


def test_an_audit_refuses_an_unknown_arm_that_had_not_converged(study):
    with pytest.raises(ValueError, match=r"an arm of not_converged must be one of .*, got 'mpl'"):
        audit(study, baseline="linear", not_converged=["mpl"])


def test_an_audit_names_what_curves_show(study):
    late = not_converged(curves_of(twin=[2.0, 1.0, 0.7, 0.5, 0.4], mlp=[2.0, 1.0, 0.7, 0.5, 0.5]))
    found = [
        each for each in audit(study, baseline="linear", not_converged=late) if each.check == "convergence"
    ]
    assert [each.subject for each in found] == ["twin"]
