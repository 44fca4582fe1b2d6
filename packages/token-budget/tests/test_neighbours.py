"""Squares of neighbouring tokens: against torch's pixel unshuffle, the one rule of averaging, and by hand."""

import pytest
import torch
import torch.nn.functional as F

from token_budget import Cells, grid_positions, merge, stack_neighbours, visual_tokens


def two_grids():
    """Images of 2 x 6 and 4 x 2 patches numbered in raster order; the second has its padding in front."""
    features, mask = torch.full((2, 12, 1), torch.nan), torch.zeros(2, 12, dtype=torch.bool)
    features[0, :, 0], mask[0] = torch.arange(12.0), True
    features[1, 4:, 0], mask[1, 4:] = torch.arange(8.0), True
    return visual_tokens(features, mask=mask, grids=torch.tensor([[2, 6], [4, 2]]))


def test_squares_hold_their_patches_in_raster_order_wherever_the_padding_stands():
    out = stack_neighbours(two_grids(), 2)
    assert out.features[0].tolist() == [[0, 1, 6, 7], [2, 3, 8, 9], [4, 5, 10, 11]]
    assert out.features[1].tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [0, 0, 0, 0]]
    assert out.mask.tolist() == [[True] * 3, [True, True, False]]
    assert out.grids.tolist() == [[1, 3], [2, 1]]
    assert out.sizes.tolist() == [[4, 4, 4], [4, 4, 0]]


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_features_are_those_of_torchs_pixel_unshuffle(factor):
    image = torch.randn(2, 5, 6, 12, generator=torch.Generator().manual_seed(0))
    tokens = visual_tokens(image.flatten(2).mT, grids=torch.tensor([[6, 12]] * 2))
    # torch orders (channel, row, column) within a square, here it is (row, column, channel).
    expected = F.pixel_unshuffle(image, factor).unflatten(1, (5, factor**2)).transpose(1, 2).flatten(1, 2)
    assert torch.equal(stack_neighbours(tokens, factor).features, expected.flatten(2).mT)


def test_positions_sizes_and_extras_are_merged_as_everywhere_else():
    drawer = torch.Generator().manual_seed(0)
    tokens = visual_tokens(
        torch.zeros(1, 24, 2),
        positions=grid_positions(4, 6)[None],
        sizes=torch.rand(1, 24, generator=drawer) + 0.5,
        grids=torch.tensor([[4, 6]]),
        extras={"keys": torch.randn(1, 24, 3, 2, generator=drawer)},
    )
    row, column = torch.arange(24) // 6, torch.arange(24) % 6
    expected = merge(tokens, Cells((row // 2 * 3 + column // 2)[None], 6))
    out = stack_neighbours(tokens, 2)
    torch.testing.assert_close(out.positions, expected.positions)
    torch.testing.assert_close(out.sizes, expected.sizes)
    torch.testing.assert_close(out.extras["keys"], expected.extras["keys"])


def test_padding_does_not_reach_any_gradient():
    tokens = two_grids()
    features = tokens.features.clone().requires_grad_()
    out = stack_neighbours(tokens._replace(features=features), 2)
    out.features[out.mask].sum().backward()
    assert torch.equal(features.grad[..., 0], tokens.mask.float())


def test_shapes_are_known_without_values():
    tokens = two_grids()
    nowhere = tokens._replace(features=tokens.features.to("meta"), mask=tokens.mask.to("meta"))
    assert stack_neighbours(nowhere, 2).features.shape == (2, 3, 4)


@pytest.mark.parametrize(
    ("change", "factor", "message"),
    [
        ({"grids": None}, 2, "needs tokens on a grid"),
        ({}, 4, r"factor 4 must divide every grid, got \[\[2, 6\], \[4, 2\]\]"),
        ({}, 0, "factor must be 1 or more, got 0"),
        (
            {"extras": {"index": torch.zeros(2, 12, dtype=torch.long)}},
            2,
            r"extras\['index'\] cannot be averaged",
        ),
    ],
)
def test_what_cannot_be_stacked_is_refused(change, factor, message):
    with pytest.raises(ValueError, match=message):
        stack_neighbours(two_grids()._replace(**change), factor)
