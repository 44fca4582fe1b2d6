"""The whole allocator."""

import pytest
import torch
from relevance_scenes import batch_of, grid_tokens, made

from relevance_allocator import (
    Scene,
    create_allocator,
    fit_price,
    list_allocators,
    log_values,
    patch_texture,
    query_tokens,
)


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


CONTENT = [
    name for name in list_allocators() if name not in ("centre", "random", "oracle", "oracle-smallest")
]


def constant_batch(generator):
    """A constant image beside a photograph; the encoder's features tell their places apart in both."""
    pixels = torch.cat([torch.full((1, 3, 64, 64), 0.4), torch.rand(1, 3, 64, 64, generator=generator)])
    features = torch.randn(2, 64, 10, generator=generator)
    tokens = grid_tokens(features, (8, 8), joint=features[..., :6], attention=features[..., 0].softmax(1))
    return tokens, query_tokens(torch.randn(2, 5, 6, generator=generator)), patch_texture(pixels, (8, 8))


@pytest.mark.parametrize("placement", ["top-k", "levels"])
@pytest.mark.parametrize("name", CONTENT)
def test_a_constant_image_is_allocated_uniformly_whatever_its_features_say_of_places(
    name, placement, generator
):
    allocator = made(name, generator, placement=placement)
    with torch.no_grad():
        for parameter in allocator.knowing.opponents.parameters():
            parameter.normal_(generator=generator)
    tokens, query, texture = constant_batch(generator)
    allocated = allocator(tokens, query, texture=texture, budget=16)
    assert (allocated.relevance[0] == 0.5).all()
    levels = allocated.allocation.levels[0].reshape(2, 4, 2, 4).transpose(1, 2).reshape(4, 16)
    # 16 tokens for four blocks of 4x4: each is pooled by 2, or keeps four patches.
    assert (levels == 2).all() if placement == "levels" else (levels.sum(1) == 4).all()
    assert name == "uniform" or allocated.relevance[1].max() == 1


def test_a_constant_image_buys_an_end_of_the_range_and_spreads_it(generator):
    allocator = made("opponent-processing", generator)
    tokens, query, texture = constant_batch(generator)
    with torch.no_grad():
        given = allocator(tokens, query, texture=texture).allocation
    assert given.achieved[0] in (12, 48)  # all are worth the price or none is: an end of the range
    kept = (given.levels[0] > 0).reshape(2, 4, 2, 4).sum((1, 3))
    assert kept.unique().numel() == 1


def test_equal_features_are_equally_relevant_where_there_is_no_texture_to_tell(generator):
    _, query, _ = constant_batch(generator)
    tokens = grid_tokens(torch.ones(2, 64, 10), (8, 8))
    blind_to_texture = {"participatory": {"texture": False}}
    allocated = made("participatory", generator, way_options=blind_to_texture)(tokens, query)
    assert (allocated.relevance == 0.5).all()


def test_two_colours_of_one_luma_are_no_constant_image_even_to_edges_alone(generator):
    tokens, query, _ = constant_batch(generator)
    pixels = torch.tensor([0.8, 0.1, 0.3])[:, None, None].repeat(2, 1, 64, 64)
    pixels[1, :, 16:24, 8:16] = torch.tensor([0.3, 0.1 + 0.5 * 0.2126 / 0.7152, 0.3])[:, None, None]
    texture = patch_texture(pixels, (8, 8))
    relevance = made("participatory", generator, texture=("sobel",))(tokens, query, texture=texture).relevance
    assert relevance.amax(1).tolist() == [0.5, 1.0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"budget": 0}, r"1\.\.96, got 0"),
        ({"budget": 97}, r"1\.\.96, got 97"),
        ({"query": query_tokens(torch.ones(1, 4, 6))}, "2 images and 1 questions"),
        ({"query": query_tokens(torch.ones(2, 4, 5))}, "questions of width 6"),
        ({"regions": [[(0.1, 0.1, 0.4, 0.3)]] * 3}, "2 images and 3 lists of regions"),
    ],
)
def test_a_call_that_does_not_fit_is_refused(change, message, generator):
    allocator = made("opponent-processing", generator)
    tokens, query, texture, _ = batch_of(2, generator)
    with pytest.raises(ValueError, match=message):
        allocator(tokens, **{"query": query, "texture": texture, **change})


def test_maps_and_tensions_are_there_to_be_read(generator):
    allocator = made("opponent-processing", generator)
    tokens, query, texture, _ = batch_of(2, generator)
    allocated = allocator(tokens, query, texture=texture)
    assert set(allocated.maps) == {"propositional", "perspectival", "participatory"}
    for relevance in (*allocated.maps.values(), allocated.relevance):
        assert relevance.amin(1).tolist() == [0, 0]
        assert relevance.amax(1).tolist() == [1, 1]
    assert [tension.shape for tension in allocated.tensions] == [(2,)] * 3


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


def test_levels_refuse_a_grid_with_masked_tokens_and_name_the_image(generator):
    tokens, query, texture, _ = batch_of(2, generator)
    tokens = tokens._replace(mask=torch.arange(96)[None] < torch.tensor([96, 50])[:, None])
    with pytest.raises(ValueError, match=r"images \[1\] have masked tokens"):
        made("all-ways", generator, placement="levels")(tokens, query, texture=texture)


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
