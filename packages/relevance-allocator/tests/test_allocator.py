"""The whole allocator, and every ablation of it by configuration alone."""

import subprocess
import sys

import pytest
import torch
from relevance_scenes import grid_tokens

from relevance_allocator import (
    AllocatorOptions,
    Scene,
    allocator_options,
    create_allocator,
    fit_price,
    list_allocators,
    log_values,
    patch_texture,
    query_tokens,
)

GRID = (8, 12)


def batch_of(images, generator):
    features = torch.randn(images, 96, 10, generator=generator)
    tokens = grid_tokens(features, GRID, joint=features[..., :6], attention=features[..., 0].softmax(1))
    texture = patch_texture(torch.rand(images, 3, 64, 96, generator=generator), GRID)
    query = query_tokens(torch.randn(images, 5, 6, generator=generator))
    regions = [[(0.1, 0.1, 0.4, 0.3)]] * images
    return tokens, query, texture, regions


def made(name, generator, **changes):
    """An allocator in evaluation mode, its price fitted on data of its own."""
    options = {"budget": 24, **changes}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        allocator = create_allocator(name, dim=10, query_dim=6, **options).eval()
    if allocator.options.amount == "priced":
        with torch.no_grad():
            tokens, query, texture, regions = batch_of(64, generator)
            values = allocator.values(Scene(tokens, texture, query, regions, generator))
            allocator.set_price(fit_price(values, 24, lowest=12, highest=48))
    return allocator


@pytest.mark.parametrize("placement", ["top-k", "levels"])
@pytest.mark.parametrize("name", list_allocators())
def test_every_ablation_runs_by_name_alone_at_its_budget(name, placement, generator):
    placement = "oracle" if name == "oracle-smallest" else placement
    allocator = made(name, generator, placement=placement)
    tokens, query, texture, regions = batch_of(6, generator)
    allocated = allocator(tokens, query, texture=texture, regions=regions, generator=generator)
    achieved = allocated.allocation.achieved
    assert allocated.tokens.mask.sum(1).tolist() == achieved.tolist()
    assert tuple(allocated.maps) == allocator.options.ways
    if placement == "oracle":
        assert achieved.unique().numel() == 1
    elif allocator.options.amount == "fixed":
        assert ((achieved >= 22) & (achieved <= 24)).all()
    else:
        assert ((achieved >= 10) & (achieved <= 48)).all()
        assert achieved.unique().numel() > 1


@pytest.mark.parametrize("placement", ["top-k", "levels"])
@pytest.mark.parametrize("name", [name for name in list_allocators() if name != "random"])
def test_at_evaluation_an_image_is_allocated_as_if_it_were_alone(name, placement, generator):
    placement = "oracle" if name == "oracle-smallest" else placement
    allocator = made(name, generator, placement=placement)
    with torch.no_grad():
        for parameter in allocator.knowing.opponents.parameters():
            parameter.normal_(generator=generator)
        tokens, query, texture, regions = batch_of(4, generator)
        together = allocator(tokens, query, texture=texture, regions=regions).allocation
        one = grid_tokens(
            tokens.features[2:3], GRID, **{key: extra[2:3] for key, extra in tokens.extras.items()}
        )
        part = texture._replace(means=texture.means[2:3], entropies=texture.entropies[2:3])
        alone = allocator(
            one, query_tokens(query.features[2:3]), texture=part, regions=regions[:1]
        ).allocation
    assert torch.equal(together.levels[2], alone.levels[0])
    assert together.achieved[2] == alone.achieved[0]


@pytest.mark.parametrize("name", ["opponent-processing", "all-ways"])
def test_evaluation_repeats_exactly_and_training_explores(name, generator):
    allocator = made(name, generator)
    tokens, query, texture, _ = batch_of(3, generator)

    def levels(seed, progress):
        noise = torch.Generator().manual_seed(seed)
        return allocator(tokens, query, texture=texture, generator=noise, progress=progress).allocation.levels

    assert torch.equal(levels(1, 0.0), levels(2, 0.0))
    allocator.train()
    assert torch.equal(levels(1, 0.0), levels(1, 0.0))
    assert torch.equal(levels(1, 0.0), levels(2, 0.0)) == (name == "all-ways")  # its exploration is off
    assert torch.equal(levels(1, 1.0), levels(2, 1.0))  # annealed away


@pytest.mark.parametrize("placement", ["top-k", "levels"])
def test_training_reaches_every_learned_part_and_evaluation_gives_the_same_values(placement, generator):
    allocator = made("opponent-processing", generator, placement=placement, weighting="learned")
    tokens, query, texture, _ = batch_of(4, generator)
    with torch.no_grad():
        for parameter in allocator.knowing.opponents.parameters():
            parameter.normal_(std=0.3, generator=generator)
    evaluated = allocator(tokens, query, texture=texture)
    allocator.train()
    trained = allocator(tokens, query, texture=texture, generator=generator, progress=1.0)
    assert torch.equal(trained.tokens.features, evaluated.tokens.features)
    explored = allocator(tokens, query, texture=texture, generator=generator, progress=0.2)
    weights = torch.randn(10, generator=generator)
    (explored.tokens.features @ weights).square().sum().backward()
    silent = [
        name
        for name, parameter in allocator.named_parameters()
        if parameter.requires_grad and (parameter.grad is None or not parameter.grad.abs().sum() > 0)
    ]
    assert silent == []


@pytest.mark.parametrize("tension", ["compress_particularize", "exploit_explore", "focus_diversify"])
def test_each_tension_has_an_effect_and_none_when_it_is_off(tension, generator):
    tokens, query, texture, _ = batch_of(8, generator)

    def levels(value):
        others = {name: "off" for name in ("compress_particularize", "exploit_explore", "focus_diversify")}
        noise = torch.Generator().manual_seed(5)
        allocator = made("opponent-processing", generator, **{**others, tension: value}, amount="priced")
        allocator.set_price(price)
        allocator.train()
        return allocator(tokens, query, texture=texture, generator=noise, progress=0.0).allocation

    off = made("priced", generator)
    price = off.price
    plain = off(tokens, query, texture=texture).allocation
    neutral = 0.5 if tension == "compress_particularize" else 0.0
    assert torch.equal(levels("off").levels, plain.levels)
    assert torch.equal(levels(neutral).levels, plain.levels)
    assert not torch.equal(levels(1.0).levels, plain.levels)
    if tension == "compress_particularize":
        assert (levels(1.0).achieved >= plain.achieved).all()
        assert (levels(0.0).achieved <= plain.achieved).all()


def test_the_mean_budget_is_met_where_the_price_was_fitted(generator):
    allocator = made("opponent-processing", generator)
    tokens, query, texture, _ = batch_of(200, generator)
    with torch.no_grad():
        values = allocator.values(Scene(tokens, texture, query))
        allocator.set_price(fit_price(values, 24, lowest=12, highest=48))
        achieved = allocator(tokens, query, texture=texture).allocation.achieved
    assert achieved.double().mean().item() == pytest.approx(24, rel=0.02)


def test_the_price_travels_with_the_weights(generator):
    allocator = made("opponent-processing", generator)
    other = create_allocator("opponent-processing", dim=10, query_dim=6, budget=24).eval()
    with pytest.raises(ValueError, match="fit_allocator"):
        _ = other.price
    other.load_state_dict(allocator.state_dict())
    assert other.price == allocator.price
    with pytest.raises(ValueError, match="another range"):
        other.set_price(fit_price(torch.rand(9, 96), 20.0, lowest=12, highest=48))


def test_a_budget_given_with_the_call_overrides_the_amount(generator):
    allocator = made("opponent-processing", generator)
    tokens, query, texture, _ = batch_of(2, generator)
    given = allocator(tokens, query, texture=texture, budget=torch.tensor([7, 60])).allocation
    assert given.achieved.tolist() == [7, 60]


def test_a_constant_image_is_allocated_uniformly(generator):
    texture = patch_texture(torch.full((1, 3, 64, 64), 0.4), (8, 8))
    tokens = grid_tokens(torch.zeros(1, 64, 10), (8, 8))
    query = query_tokens(torch.randn(1, 5, 6, generator=generator))
    for name in ("propositional", "perspectival", "uniform"):
        for placement, budget in (("top-k", 16), ("levels", 16)):
            allocator = made(name, generator, placement=placement, budget=budget)
            levels = allocator(tokens, query, texture=texture).allocation.levels.reshape(2, 4, 2, 4)
            kept = (levels.transpose(1, 2).reshape(4, 16) == levels.max()).sum(1)
            assert kept.unique().numel() == 1  # every 4x4 block gets the same


def test_maps_and_tensions_are_there_to_be_read(generator):
    allocator = made("opponent-processing", generator)
    tokens, query, texture, _ = batch_of(2, generator)
    allocated = allocator(tokens, query, texture=texture)
    assert set(allocated.maps) == {"propositional", "perspectival", "participatory"}
    for relevance in (*allocated.maps.values(), allocated.relevance):
        assert relevance.amin(1).tolist() == [0, 0]
        assert relevance.amax(1).tolist() == [1, 1]
    assert [tension.shape for tension in allocated.tensions] == [(2,)] * 3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: AllocatorOptions(ways=()), "one or more ways"),
        (lambda: AllocatorOptions(ways=("propositionall",)), "nearest: 'propositional'"),
        (lambda: AllocatorOptions(amount="fixed"), "without effect"),
        (lambda: AllocatorOptions(placement="topk"), "nearest: 'top-k'"),
        (lambda: AllocatorOptions(texture=("rgb", "hsv")), "unknown texture group 'hsv'"),
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


@pytest.mark.parametrize(
    ("name", "changes", "needs"),
    [
        ("all-ways", {}, ("grid", "query", "texture")),
        ("participatory", {"way_options": {"participatory": {"texture": False}}}, ("query",)),
        ("joint-similarity", {"placement": "levels"}, ("grid", "joint", "query")),
        ("uniform", {}, ()),
        ("opponent-processing", {}, ("grid", "positions", "query", "texture")),
        ("oracle-smallest", {}, ("grid", "regions")),
    ],
)
def test_options_say_what_a_call_has_to_bring_and_that_is_enough(name, changes, needs, generator):
    assert allocator_options(name, changes).needs == needs
    allocator = made(name, generator, **changes)
    tokens, query, texture, regions = batch_of(2, generator)
    allocator(
        tokens._replace(
            grids=tokens.grids if "grid" in needs else None,
            positions=tokens.positions if "positions" in needs else None,
            extras={key: extra for key, extra in tokens.extras.items() if key in needs},
        ),
        query if "query" in needs else None,
        texture=texture if "texture" in needs else None,
        regions=regions if "regions" in needs else None,
    )


def test_given_weights_are_what_the_maps_are_averaged_with(generator):
    allocator = made("all-ways", generator, weighting=(0.0, 0.25, 0.75))
    tokens, query, texture, _ = batch_of(3, generator)
    allocated = allocator(tokens, query, texture=texture)
    _, second, third = allocated.maps.values()
    expected = 0.25 * second + 0.75 * third
    torch.testing.assert_close(allocated.weights, torch.tensor([0.0, 0.25, 0.75]))
    for image in range(3):
        one = (expected[image] - expected[image].min()) / (expected[image].max() - expected[image].min())
        torch.testing.assert_close(allocated.relevance[image], one)


def test_what_is_logged_are_the_allocations_own_numbers(generator):
    allocator = made("opponent-processing", generator, placement="levels", weighting=(0.5, 0.3, 0.2))
    tokens, query, texture, _ = batch_of(5, generator)
    allocated = allocator(tokens, query, texture=texture)
    logged, achieved = log_values(allocated), allocated.allocation.achieved.tolist()
    assert logged["tokens/mean"] == pytest.approx(sum(achieved) / 5)
    assert (logged["tokens/lowest"], logged["tokens/highest"]) == (min(achieved), max(achieved))
    assert min(achieved) < max(achieved)
    assert logged["focus_diversify/mean"] == 0.5
    assert logged["weight/perspectival"] == pytest.approx(0.3)
    shares = [logged[f"patches/{level}"] for level in ("full", "of-2x2", "of-4x4", "dropped")]
    assert sum(shares) == pytest.approx(1)
    assert shares[0] == pytest.approx((allocated.allocation.levels == 1).sum().item() / (5 * 96))


def test_grids_that_differ_within_a_batch_are_refused_where_layout_counts(generator):
    from token_budget import visual_tokens

    tokens = visual_tokens(torch.zeros(2, 12, 10), grids=torch.tensor([[3, 4], [4, 3]]))
    with pytest.raises(ValueError, match="share one grid"):
        made("uniform", generator, placement="levels", budget=6)(tokens)


def test_options_are_checked_without_importing_torch():
    code = (
        "import sys; from relevance_allocator import allocator_options, list_ways, list_allocators; "
        "allocator_options('opponent-processing'); list_ways(); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_bfloat16_weights_choose_nearly_as_float32_does_and_keep_the_price(generator):
    allocator = made("opponent-processing", generator)
    tokens, query, texture, _ = batch_of(6, generator)
    with torch.no_grad():
        exact, price = allocator(tokens, query, texture=texture).allocation, allocator.price
        allocator.bfloat16()
        rounded = allocator(tokens, query, texture=texture).allocation
    assert allocator.price == price
    assert (exact.levels == rounded.levels).float().mean() > 0.9


def test_unreal_tokens_are_never_allocated(generator):
    tokens, query, texture, _ = batch_of(3, generator)
    mask = torch.arange(96)[None] < torch.tensor([96, 50, 30])[:, None]
    tokens = tokens._replace(mask=mask, grids=None)
    for weight in ("off", 1.0):
        allocator = made("participatory", generator, focus_diversify=weight)
        allocation = allocator(tokens, query, texture=texture, budget=torch.tensor([90, 20, 30])).allocation
        assert allocation.achieved.tolist() == [90, 20, 30]
        assert not ((allocation.levels > 0) & ~mask).any()
