"""An allocator's options check themselves: a study is refused before anything is trained."""

import subprocess
import sys

import pytest

from relevance_allocator import AllocatorOptions, allocator_options, create_allocator, list_allocators


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: AllocatorOptions(ways=()), "one or more ways"),
        (lambda: AllocatorOptions(ways=("propositionall",)), "nearest: 'propositional'"),
        (lambda: AllocatorOptions(amount="fixed"), "without effect"),
        (lambda: AllocatorOptions(placement="topk"), "nearest: 'top-k'"),
        (lambda: AllocatorOptions(texture=("rgb", "hsv")), "unknown texture group 'hsv'"),
        (lambda: AllocatorOptions(texture=("position",)), "propositional looks at the texture groups rgb"),
        (lambda: AllocatorOptions(focus_diversify=2.0), "0..1"),
        (lambda: AllocatorOptions(focus_diversify="on"), "learned, off"),
        (lambda: AllocatorOptions(budget=10, lowest=11), "lowest <= budget"),
        (lambda: AllocatorOptions(way_options={"random": {}}), "way in way_options"),
        (lambda: AllocatorOptions(way_options={"participatory": {"rank": 30}}), "heads must divide"),
        (lambda: AllocatorOptions(strength=0.5), "strength"),
        (lambda: AllocatorOptions(softness=0.0), "softness"),
        (lambda: AllocatorOptions(budget=10, lowest=0), "whole number of 1"),
        (lambda: AllocatorOptions(temperature=float("nan")), "temperature"),
        (lambda: AllocatorOptions(weighting=(0.5, 0.5)), "each of 3 ways"),
        (lambda: AllocatorOptions(weighting=(0.5, 0.5, 0.5)), "together 1"),
        (lambda: AllocatorOptions(weighting="equall"), "nearest: 'equal'"),
        (lambda: allocator_options("oracel"), "nearest: 'oracle'"),
        (lambda: allocator_options("oracle", {"budgets": 3}), "nearest: 'budget'"),
        (lambda: allocator_options("fixed-minimum", {"lowest": 3}), "lowest and highest"),
        (lambda: create_allocator("all-ways", dim=8), "query_dim"),
    ],
)
def test_bad_options_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_values_of_a_wrong_type_in_a_studys_file_are_refused_by_name():
    """In a process of its own: where the tests check types, the types are refused first."""
    code = """
import tomllib
from relevance_allocator import allocator_options
for line, message in (
    ("budget = '144'", "budget must be a whole number of 1 or more, got '144'"),
    ("budget = 144.0", "budget must be a whole number"),
    ("budget = true", "budget must be a whole number"),
    ("cover = 'yes'", "cover must be true or false"),
    ("ways = 'propositional'", "ways must be a list of names"),
    ("softness = '0.1'", "softness must be a number"),
    ("focus_diversify = true", "focus_diversify must be a number in 0..1"),
    ("way_options.participatory.rank = 8.0", "rank must be a whole number"),
    ("way_options.participatory.texture = 0", "texture must be true or false"),
    ("way_options.perspectival.scales = [1, 0.5]", "scale must be a whole number"),
):
    try:
        allocator_options("all-ways", tomllib.loads(line))
    except ValueError as error:
        assert message in str(error), (line, error)
    else:
        raise AssertionError(line)
lists = "ways = ['perspectival']\\nweighting = [1]\\nway_options.perspectival.scales = [1, 2]"
assert allocator_options("all-ways", tomllib.loads(lists)).weighting == (1,)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_options_are_checked_without_importing_torch():
    code = (
        "import sys; from relevance_allocator import allocator_options, list_ways, list_allocators; "
        "allocator_options('opponent-processing'); list_ways(); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", list_allocators())
def test_an_allocator_trains_where_it_has_parameters_or_a_price(name):
    allocator = create_allocator(name, dim=8, query_dim=8, budget=4)
    has_parameters = any(True for _ in allocator.parameters())
    assert allocator.options.trains == (has_parameters or allocator.options.amount == "priced")
