"""A question about an image in pictures: what is drawn is what the allocator did."""

import numpy as np
import pytest
import torch
from PIL import Image
from relevance_scenes import PHOTOGRAPHS, grid_tokens, photograph

from relevance_allocator import (
    create_allocator,
    explain,
    overlay,
    patch_texture,
    query_tokens,
    show_allocation,
)

GRID = (8, 12)


@pytest.fixture
def asked(generator):
    """A photograph with its tokens and a question, and an allocator of levels."""
    pixels = photograph(PHOTOGRAPHS[0])
    tokens = grid_tokens(torch.randn(1, 96, 10, generator=generator), GRID)
    query = query_tokens(torch.randn(1, 5, 6, generator=generator))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        allocator = create_allocator("all-ways", dim=10, query_dim=6, budget=24, placement="levels").eval()
    return allocator, pixels, tokens, query


def test_every_picture_is_named_and_keeps_the_images_shape(asked):
    allocator, pixels, tokens, query = asked
    pictures = explain(allocator, pixels[0], tokens, query)
    assert list(pictures) == ["image", *allocator.options.ways, "relevance", "allocation", "summary"]
    height, width = pixels.shape[2:]
    assert pictures["image"].width / pictures["image"].height == pytest.approx(width / height, rel=0.01)
    assert pictures["summary"].width > 6 * pictures["image"].width


def test_the_pictures_show_what_the_allocator_did(asked):
    allocator, pixels, tokens, query = asked
    image = Image.open(PHOTOGRAPHS[0]).convert("RGB")
    allocated = allocator(tokens, query, texture=patch_texture(pixels, GRID))
    pictures = explain(allocator, image, tokens, query, regions=[[(0.2, 0.2, 0.5, 0.6)]])
    regions = [(0.2, 0.2, 0.5, 0.6)]
    kept = show_allocation(image, allocated.allocation, GRID, regions=regions)
    assert np.array_equal(pictures["allocation"], kept)
    for name, one in {**allocated.maps, "relevance": allocated.relevance}.items():
        drawn = overlay(image, one[0].detach(), GRID, regions=regions)
        titled = pictures[name].crop((0, 22, drawn.width, 22 + drawn.height))
        assert np.array_equal(titled, drawn), name


def test_a_picture_and_its_tensor_are_explained_alike_and_a_stored_texture_is_used(asked, generator):
    allocator, pixels, tokens, query = asked
    image = Image.open(PHOTOGRAPHS[0]).convert("RGB")
    from_picture = explain(allocator, image, tokens, query)["summary"]
    assert np.array_equal(from_picture, explain(allocator, pixels[0], tokens, query)["summary"])
    other = patch_texture(torch.rand(1, 3, 64, 96, generator=generator), GRID)
    stored = explain(allocator, image, tokens, query, texture=other)["propositional"]
    assert not np.array_equal(stored, explain(allocator, image, tokens, query)["propositional"])


def test_training_mode_and_several_images_are_refused(asked, generator):
    allocator, pixels, tokens, query = asked
    with pytest.raises(ValueError, match="tokens of 2"):
        explain(allocator, pixels[0], grid_tokens(torch.zeros(2, 96, 10), GRID), query)
    with pytest.raises(ValueError, match=r"allocator\.eval"):
        explain(allocator.train(), pixels[0], tokens, query)
