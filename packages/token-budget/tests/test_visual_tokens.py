import subprocess
import sys

import pytest
import torch
from token_budget_refusals import refused

import token_budget
from token_budget import (
    Cells,
    GridWeights,
    VisualTokens,
    grid_positions,
    merge,
    reduce_tokens,
    reducer_needs,
    select,
    visual_tokens,
)

FEATURES = torch.zeros(2, 6, 4)


def test_without_a_mask_every_token_is_real():
    tokens = visual_tokens(FEATURES)
    assert tokens.mask.all()
    assert isinstance(tokens, VisualTokens)
    assert tokens[2:6] == (None,) * 4
    assert tokens.extras == {}


def test_positions_are_the_centres_of_the_cells_in_raster_order():
    expected = [[0.25, 1 / 6], [0.25, 0.5], [0.25, 5 / 6], [0.75, 1 / 6], [0.75, 0.5], [0.75, 5 / 6]]
    torch.testing.assert_close(grid_positions(2, 3), torch.tensor(expected))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"features": torch.zeros(2, 6)}, "features must be"),
        ({"features": torch.zeros(2, 6, 4, dtype=torch.long)}, "features must hold floating"),
        ({"mask": torch.ones(2, 5, dtype=torch.bool)}, r"mask must have shape \(2, 6\)"),
        ({"mask": torch.ones(2, 6)}, "mask must be bool"),
        ({"positions": torch.zeros(2, 6, 3)}, "positions must have shape"),
        ({"sizes": torch.zeros(2, 6)}, "sizes must be above 0"),
        ({"sizes": torch.ones(2, 6, dtype=torch.long)}, "sizes must hold floating"),
        ({"grids": torch.tensor([[2, 3], [2, 2]])}, r"grids hold \[6, 4\] tokens, the mask \[6, 6\]"),
        ({"grids": torch.tensor([[2.0, 3], [2, 3]])}, "grids must hold integers"),
        ({"grids": torch.tensor([[-2, -3], [2, 3]])}, "at least one row"),
        ({"cls": torch.zeros(2, 5)}, "cls must have shape"),
        ({"cls": torch.zeros(2, 4, device="meta")}, "cls must be on cpu"),
        ({"extras": {"keys": torch.zeros(2, 5, 3)}}, "'keys'.* must start with"),
    ],
)
def test_what_does_not_fit_is_refused(fields, message):
    with refused(message):
        visual_tokens(**({"features": FEATURES} | fields))


def test_a_grid_without_rows_is_refused():
    with pytest.raises(ValueError, match="at least one row"):
        grid_positions(0, 3)


def tokens_of(*values):
    return visual_tokens(torch.tensor([values])[..., None], cls=torch.tensor([[9.0]]))


def test_selection_refuses_an_index_that_would_reach_another_image():
    for wrong in ([[3]], [[-1]]):
        with pytest.raises(ValueError, match=r"indices must be in 0\.\.2"):
            select(tokens_of(1.0, 2.0, 3.0), torch.tensor(wrong))


def test_selection_refuses_an_unreal_token():
    tokens = tokens_of(1.0, 2.0)._replace(mask=torch.tensor([[True, False]]))
    with pytest.raises(ValueError, match="mask is false"):
        select(tokens, torch.tensor([[1]]))


def test_merging_refuses_an_output_without_input_and_extras_that_have_no_mean():
    with pytest.raises(ValueError, match="no input token"):
        merge(tokens_of(1.0, 2.0), Cells(torch.tensor([[0, 0]]), 2))
    tokens = tokens_of(1.0, 2.0)._replace(extras={"word": torch.tensor([[1, 2]])})
    with pytest.raises(ValueError, match=r"'word'.*cannot be averaged"):
        merge(tokens, Cells(torch.tensor([[0, 0]]), 1))


def test_the_three_ways_to_weigh_agree():
    g = torch.Generator().manual_seed(0)
    sizes = torch.rand(2, 6, generator=g) + 0.5
    tokens = visual_tokens(torch.randn(2, 6, 4, generator=g), sizes=sizes, positions=torch.rand(2, 6, 2))
    cells = Cells(torch.tensor([[0, 0, 1, 0, 0, 1]] * 2), 2)
    grid = GridWeights(torch.ones(1, 2), torch.tensor([[1.0, 1, 0], [0, 0, 1]]))
    dense = torch.nn.functional.one_hot(cells.cell).mT.float()
    outs = [merge(tokens, weights) for weights in (cells, grid, dense)]
    for out in outs[1:]:
        torch.testing.assert_close(out.features, outs[0].features)
        torch.testing.assert_close(out.positions, outs[0].positions)
        torch.testing.assert_close(out.sizes, outs[0].sizes)


def test_the_class_token_passes_through_every_reduction():
    for method in ("uniform", "tome"):
        assert reduce_tokens(tokens_of(1.0, 2.0, 3.0), 2, method=method).cls.tolist() == [[9.0]]


def halve(tokens, budget, *, relevance, query, generator, keep=None):
    return select(tokens, torch.arange(keep or int(budget.max())).expand(len(tokens.mask), -1))


def test_a_function_of_ones_own_is_named_by_its_module(monkeypatch):
    module = type(sys)("my_reducers")
    module.halve = halve
    monkeypatch.setitem(sys.modules, "my_reducers", module)
    out = reduce_tokens(tokens_of(1.0, 2.0, 3.0), 2, method="my_reducers:halve")
    assert out.features.flatten().tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match=r"kept \[1\] tokens, the budget is \[2\]"):
        reduce_tokens(tokens_of(1.0, 2.0, 3.0), 2, method="my_reducers:halve", keep=1)
    for wrong, message in (
        ("my_reducers:half", "has no 'half'"),
        ("no_such:halve", "no module"),
        (":x", "is named"),
    ):
        with pytest.raises(ValueError, match=message):
            reduce_tokens(tokens_of(1.0, 2.0, 3.0), 2, method=wrong)


def test_a_function_of_ones_own_says_what_it_needs_and_its_options_are_checked_before_it_runs(monkeypatch):
    module = type(sys)("my_reducers")
    module.halve, module.draw = halve, lambda tokens, budgets, **given: tokens
    module.draw.needs = ("generator",)
    monkeypatch.setitem(sys.modules, "my_reducers", module)
    assert reducer_needs("my_reducers:halve", {"keep": 1}) == ()
    assert reducer_needs("my_reducers:draw") == ("generator",)
    with pytest.raises(ValueError, match="my_reducers:halve' is called with"):
        reducer_needs("my_reducers:halve", {"kep": 1})


@pytest.mark.parametrize(
    ("budget", "error", "message"),
    [
        (2.0, TypeError, "int or an integer tensor"),
        (True, TypeError, "int or an integer tensor"),
        (torch.tensor([2.0]), ValueError, "hold integers"),
        (torch.tensor([1, 2]), ValueError, r"shape \(1,\)"),
        (4, ValueError, r"1\.\.3, the real tokens of image 0; got 4"),
    ],
)
def test_a_budget_that_is_none_is_refused(budget, error, message):
    with refused(message, error):
        reduce_tokens(tokens_of(1.0, 2.0, 3.0), budget, method="uniform")


@pytest.mark.parametrize(
    ("method", "needs", "would_do"),
    [
        ("average-pool", "a grid", "divprune, prefix, tome, uniform$"),
        ("cls-attention", "attention of the class token", "divprune, prefix, tome, uniform$"),
        ("cdpruner", "query= with tokens.extras", "divprune, prefix, tome, uniform$"),
        ("random", r"torch\.Generator", "divprune, prefix, tome, uniform$"),
    ],
)
def test_what_a_method_lacks_is_named_with_those_that_would_do(method, needs, would_do):
    with pytest.raises(ValueError, match=f"method '{method}' needs .*{needs}.*{would_do}"):
        reduce_tokens(tokens_of(1.0, 2.0, 3.0), 2, method=method)


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("tomee", {}, "did you mean 'tome'"),
        ("average-pool", {"covrage": "area"}, "did you mean 'coverage'"),
        ("average-pool", {"coverage": "all"}, "'area' or 'torch-adaptive'"),
        ("max-pool", {"shape": (0, 2)}, "at least 1"),
        ("prumerge-plus", {"neighbours": -1}, "at least 0"),
        ("visionzip", {"contextual": 1.5}, r"0\.\.1"),
        ("relevance-diverse", {"trade_off": 2.0}, r"0\.\.1"),
    ],
)
def test_bad_options_are_refused_before_any_tensor(method, options, message):
    with refused(message):
        token_budget.reducer_options(method, options)


def test_names_options_schedules_and_costs_are_checked_without_torch():
    code = (
        "import sys, token_budget as t\n"
        "t.reducer_options(t.list_reducers()[0]); t.decoder_options(t.list_decoder_methods()[0])\n"
        "t.trained_options(t.list_trained_reducers()[0]); t.create_schedule('choice')\n"
        "t.cost(t.ModelShape(layers=2, hidden=4, intermediate=4, heads=2), 'vtw', visual=4, options={'layer': 1})\n"
        "t.saturation([(1, 0.5, 0.4, 0.6)], margin=0.1)\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_public_name_exists():
    assert token_budget.__all__ == sorted(token_budget.__all__)
    for name in token_budget.__all__:
        assert getattr(token_budget, name) is not None
