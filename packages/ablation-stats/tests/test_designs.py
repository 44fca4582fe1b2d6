import itertools

import numpy as np
import polars as pl
import pytest

import ablation_stats as stats

TWO = {name: ("-", "+") for name in "abcdefg"}


def some(count):
    return {name: TWO[name] for name in "abcdefg"[:count]}


def test_a_full_factorial_holds_every_combination_once_in_yates_order():
    design = stats.full_factorial({"encoder": ["clip", "eva"], "tokens": [16, 64, 144]})
    cells = design.runs.select("encoder", "tokens").rows()
    assert sorted(cells) == sorted(itertools.product(["clip", "eva"], [16, 64, 144]))
    assert cells[:2] == [("clip", 16), ("eva", 16)]
    assert stats.check_design(design) == ()


@pytest.mark.parametrize(
    ("factors", "generators", "runs", "resolution"),
    [
        (3, ["c=ab"], 4, 3),
        (4, ["d=abc"], 8, 4),
        (5, ["d=ab", "e=ac"], 8, 3),
        (5, ["e=a*b*c*d"], 16, 5),
        (7, ["d=ab", "e=ac", "f=bc", "g=abc"], 8, 3),
    ],
)
def test_the_resolution_of_a_fraction_is_its_shortest_alias_of_the_mean(
    factors, generators, runs, resolution
):
    design = stats.fractional_factorial(some(factors), generators)
    assert design.runs.height == runs
    assert stats.resolution(design) == resolution
    signs = design.signs()
    constant = [
        size
        for size in range(1, factors + 1)
        for word in itertools.combinations(range(factors), size)
        if abs(np.prod(signs[:, word], axis=1).sum()) == runs
    ]
    assert min(constant) == resolution


def test_the_alias_table_names_exactly_the_columns_that_agree():
    design = stats.fractional_factorial(some(5), ["d=-ab", "e=ac"])
    signs = dict(zip("abcde", design.signs().T, strict=True))

    def column(effect):
        return np.prod([signs[name] for name in effect.lstrip("-").split(":")], axis=0) * (
            -1 if effect[0] == "-" else 1
        )

    table = stats.alias_table(design, max_order=5)
    for row in table.iter_rows(named=True):
        agreeing = {
            ("-" if sign < 0 else "") + ":".join(word)
            for size in range(1, 6)
            for word in itertools.combinations("abcde", size)
            for sign in (1, -1)
            if (np.prod([signs[name] for name in word], axis=0) * sign == column(row["effect"])).all()
        }
        assert {each for each in row["aliases"] if each.lstrip("-") != "1"} == agreeing - {row["effect"]}


@pytest.mark.parametrize("factors", [3, 6, 7, 11, 12, 19, 23])
def test_plackett_burman_columns_are_balanced_and_orthogonal(factors):
    design = stats.plackett_burman({f"f{at}": (0, 1) for at in range(factors)})
    signs = design.signs()
    runs = signs.shape[0]
    assert runs % 4 == 0
    assert factors < runs <= factors + 5
    np.testing.assert_array_equal(signs.T @ signs, runs * np.eye(factors))
    assert (signs.sum(0) == 0).all()


def test_greedy_search_takes_eleven_runs_where_the_factorial_takes_48():
    factors = {
        "encoder": ["clip", "dino", "eva", "siglip"],
        "tokens": [16, 64, 144, 256],
        "fusion": ["linear", "mlp", "qformer"],
    }
    stages = [stats.greedy_sequential(factors), stats.greedy_sequential(factors, chosen={"encoder": "eva"})]
    stages.append(stats.greedy_sequential(factors, chosen={"encoder": "eva", "tokens": 64}))
    assert sum(stage.runs.height for stage in stages) == stats.greedy_runs(factors) == 11
    assert stats.full_factorial(factors).runs.height == 48
    assert stages[1].runs["encoder"].unique().to_list() == ["eva"]
    assert stages[2].runs.select("encoder", "tokens").unique().row(0) == ("eva", 64)
    with pytest.raises(ValueError, match="in the order"):
        stats.greedy_sequential(factors, chosen={"tokens": 64})
    with pytest.raises(ValueError, match="no stage left"):
        stats.greedy_sequential(factors, chosen={"encoder": "eva", "tokens": 64, "fusion": "mlp"})


def test_component_designs_hold_the_arms_their_names_say():
    parts = ["align", "caption", "match"]
    assert stats.leave_one_out(parts).runs.row(1) == ("without align", False, True, True)
    assert stats.add_one_in(parts).runs.row(3) == ("only match", False, False, True)
    assert stats.build_up(parts).arms == ("none", "+ align", "+ caption", "+ match")
    assert stats.all_subsets(parts).runs.height == 8


def test_one_factor_at_a_time_changes_one_factor_of_the_baseline():
    design = stats.one_factor_at_a_time({"encoder": ["clip", "eva", "dino"], "tokens": [16, 64]})
    base = design.runs.row(0)[1:]
    assert [sum(x != y for x, y in zip(row[1:], base, strict=True)) for row in design.runs.rows()] == [
        0,
        1,
        1,
        1,
    ]


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda: stats.full_factorial({}), "at least one factor"),
        (lambda: stats.full_factorial({"a": [1]}), "at least 2 levels"),
        (lambda: stats.full_factorial({"a": [1, 1]}), "must differ"),
        (lambda: stats.full_factorial({"a": [1, "x"]}), "of one type"),
        (lambda: stats.full_factorial({"arm": [1, 2]}), "must not be named 'arm'"),
        (lambda: stats.fractional_factorial(some(3), ["c=ax"]), "must be one of a, b, c, got 'x'"),
        (lambda: stats.fractional_factorial(some(3), ["c"]), 'must read like "D=A'),
        (lambda: stats.fractional_factorial(some(3), []), "use full_factorial"),
        (lambda: stats.fractional_factorial(some(4), ["c=ab", "d=ac"]), "basic factors only"),
        (lambda: stats.plackett_burman({"a": [1, 2, 3]}), "must have 2 levels"),
        (lambda: stats.plackett_burman({f"f{at}": [0, 1] for at in range(60)}), "at most 47"),
        (lambda: stats.leave_one_out(["a"]), "at least 2"),
        (lambda: stats.build_up(["a", "a"]), "components must differ"),
        (lambda: stats.dose_response("queries", [8, 4, 16]), "rise or fall"),
        (lambda: stats.dose_response("queries", [8, 16]), "at least 3"),
        (lambda: stats.resolution(stats.full_factorial(some(2))), "no generators"),
    ],
)
def test_designs_that_make_no_sense_are_refused(make, rule):
    with pytest.raises(ValueError, match=rule):
        make()


def test_check_design_finds_what_cannot_be_told():
    full = stats.full_factorial(some(3))

    def with_runs(keep):
        cells = tuple(full.runs.filter(keep).drop("arm").rows())
        return stats.Design(kind=full.kind, factors=full.factors, cells=cells)

    found = {each.check: each for each in stats.check_design(with_runs(pl.col("a") == pl.col("b")))}
    assert found["aliasing"].severity == "error"
    assert "change together in every run" in found["aliasing"].text
    assert "4 of 8 cells" in found["missing cells"].text
    one = stats.check_design(with_runs(pl.col("a") == "-"))
    assert any("not identifiable" in each.text and each.subject == "a" for each in one)
    fraction = stats.check_design(stats.fractional_factorial(some(3), ["c=ab"]))
    assert {each.text for each in fraction} >= {"The main effect of c is aliased with the interaction a:b."}
    screening = stats.check_design(stats.plackett_burman(TWO | {"h": (0, 1)}))
    assert any("partly mixed (correlation 0.33)" in each.text for each in screening)


def test_a_design_names_its_arms_as_factor_columns_do():
    factors = {"encoder": ["clip", "eva"], "frozen": [False, True], "rate": [0.1, 1.0]}
    design = stats.full_factorial(factors)
    frame = design.runs.drop("arm").join(pl.DataFrame({"item": [1, 2]}), how="cross").with_columns(value=1.0)
    cube = stats.paired_cube(frame, arm=["encoder", "frozen", "rate"])
    assert sorted(design.arms) == list(cube.arms)
