"""Every ablation by configuration alone."""

import pytest
import torch
from relevance_scenes import GRID, batch_of, grid_tokens, made

from relevance_allocator import allocator_options, list_allocators, query_tokens


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
