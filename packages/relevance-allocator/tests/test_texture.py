import numpy as np
import pytest
import torch
from relevance_scenes import PHOTOGRAPHS, photograph
from scipy.ndimage import sobel
from scipy.stats import entropy

from relevance_allocator import (
    patch_entropy,
    patch_texture,
    pool_texture,
    select_groups,
    srgb_to_lab,
    texture_array,
    texture_channels,
)

GROUPS = ("rgb", "lab", "sobel", "position", "eccentricity")


@pytest.mark.parametrize("path", PHOTOGRAPHS, ids=lambda path: path.stem)
def test_thirteen_channels_have_rank_thirteen_on_photographs(path):
    texture = texture_array(photograph(path))[0].flatten(1).double()
    correlation = torch.corrcoef(texture)
    off_diagonal = correlation - torch.eye(13)
    assert torch.linalg.matrix_rank(texture) == 13
    # Not by rounding: the weakest direction of the unit-variance channels is far above float32's 1e-7 squared.
    assert torch.linalg.eigvalsh(correlation)[0] > 5e-5
    assert off_diagonal.abs().max() < 0.999


def test_no_channel_is_a_linear_combination_of_the_others_on_photographs():
    texture = torch.cat([texture_array(photograph(path))[0].flatten(1) for path in PHOTOGRAPHS], 1).double().T
    for channel in range(13):
        others = torch.cat([texture[:, :channel], texture[:, channel + 1 :], torch.ones(len(texture), 1)], 1)
        fit = others @ torch.linalg.lstsq(others, texture[:, channel : channel + 1]).solution
        assert (fit[:, 0] - texture[:, channel]).var() > 1e-3 * texture[:, channel].var(), texture_channels()[
            channel
        ]


def test_lab_of_srgb_primaries_equals_published_values():
    # Lindbloom's values for sRGB red, green, blue and mid grey under D65.
    rgb = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [0.5, 0.5, 0.5]]).T[None, :, :, None]
    expected = torch.tensor(
        [
            [53.2408, 80.0925, 67.2032],
            [87.7347, -86.1827, 83.1793],
            [32.2970, 79.1875, -107.8602],
            [53.389, 0, 0],
        ]
    )
    torch.testing.assert_close(srgb_to_lab(rgb)[0, :, :, 0].T, expected, atol=0.02, rtol=0)


def test_sobel_equals_scipy(generator):
    pixels = torch.rand(2, 3, 9, 14, generator=generator)
    luma = (pixels * torch.tensor([0.2126, 0.7152, 0.0722])[:, None, None]).sum(1).numpy()
    y, x, magnitude = texture_array(pixels, groups=["sobel"], normalise=False)[1].numpy()
    np.testing.assert_allclose(y, sobel(luma[1], 0, mode="nearest") / 8, atol=1e-6)
    np.testing.assert_allclose(x, sobel(luma[1], 1, mode="nearest") / 8, atol=1e-6)
    np.testing.assert_allclose(magnitude, np.hypot(y, x), atol=1e-6)


def test_eccentricity_counts_pixels_alike_in_both_directions_from_the_fixation():
    fixation = torch.tensor([[0.25, 0.5]])
    texture = texture_array(
        torch.zeros(1, 3, 20, 40), groups=["eccentricity"], fixation=fixation, normalise=False
    )
    distance = np.hypot(np.arange(20)[:, None] + 0.5 - 5, np.arange(40) + 0.5 - 20) / 40
    np.testing.assert_allclose(texture[0, 0], distance, atol=1e-6)
    np.testing.assert_allclose(texture[0, 1], 0.75 / (0.75 + 30 * distance), atol=1e-6)


def test_normalisation_is_per_image_and_leaves_constant_channels_at_zero(generator):
    pixels = (
        torch.rand(3, 3, 11, 13, generator=generator) * torch.tensor([1.0, 0.1, 0.0])[:, None, None, None]
    )
    together = texture_array(pixels)
    for image in range(3):
        torch.testing.assert_close(together[image], texture_array(pixels[image : image + 1])[0])
    torch.testing.assert_close(together[:2].mean((2, 3)), torch.zeros(2, 13), atol=1e-4, rtol=0)
    torch.testing.assert_close(together[:2].std((2, 3), correction=0), torch.ones(2, 13))
    assert (together[2, :9] == 0).all()


@pytest.mark.parametrize(("count", "groups"), [(3, 1), (6, 2), (9, 3), (13, 5)])
def test_groups_can_be_left_out_without_changing_the_others(count, groups, generator):
    pixels = torch.rand(2, 3, 16, 12, generator=generator)
    part, whole = patch_texture(pixels, (4, 3), groups=GROUPS[:groups]), patch_texture(pixels, (4, 3))
    assert part.means.shape == (2, 12, count)
    chosen = select_groups(whole, GROUPS[:groups])
    torch.testing.assert_close(part.means, chosen.means)
    torch.testing.assert_close(part.entropies, chosen.entropies)


@pytest.mark.parametrize("size", [(12, 18), (13, 17), (5, 7)])
def test_pooling_weighs_every_pixel_alike_on_any_grid(size, generator):
    texture = torch.rand(2, 4, *size, generator=generator)
    pooled = pool_texture(texture, (4, 6))
    torch.testing.assert_close(pooled.mean(1), texture.mean((2, 3)))  # true only if all weights are equal
    if size == (12, 18):
        blocks = texture.reshape(2, 4, 4, 3, 6, 3).mean((3, 5)).flatten(2).transpose(1, 2)
        torch.testing.assert_close(pooled, blocks)


def test_entropy_equals_scipys_on_each_ragged_patch(generator):
    texture = texture_array(torch.rand(2, 3, 11, 14, generator=generator), groups=["lab"])
    found = patch_entropy(texture, (3, 4), bins=8)
    for patch in range(12):
        rows = [y for y in range(11) if int((y + 0.5) * 3 / 11) == patch // 4]
        columns = [x for x in range(14) if int((x + 0.5) * 4 / 14) == patch % 4]
        values = texture[1, 2][rows][:, columns].flatten().numpy()
        counts, _ = np.histogram(values.clip(-2.999, 2.999), bins=8, range=(-3, 3))
        assert found[1, patch, 2].item() == pytest.approx(entropy(counts, base=8), abs=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: texture_array(torch.full((1, 3, 4, 4), 1.5)), "0..1"),
        (lambda: texture_array(torch.full((1, 3, 4, 4), torch.nan)), "got nan"),
        (lambda: texture_array(torch.zeros(1, 3, 4, 4), groups=[]), "at least one"),
        (lambda: texture_array(torch.zeros(1, 3, 4, 4), groups=["rgb", "rgb"]), "once"),
        (lambda: texture_array(torch.zeros(1, 3, 4, 4), groups=["sobell"]), "nearest: 'sobel'"),
        (lambda: texture_array(torch.zeros(1, 3, 4, 4), fixation=torch.tensor([[0.5, 1.5]])), "fixation"),
        (lambda: texture_array(torch.zeros(1, 3, 4, 4), field_of_view=0.0), "field_of_view"),
        (lambda: patch_texture(torch.zeros(1, 3, 4, 8), (5, 5)), "4x8 pixels"),
        (lambda: pool_texture(torch.zeros(1, 3, 4, 8), (5, 5)), "1..4 cells"),
        (lambda: patch_entropy(torch.zeros(1, 3, 4, 6), (5, 5)), "4x6 pixels"),
        (lambda: patch_texture(torch.zeros(1, 3, 4, 8), (2, 0)), "2x0 patches"),
        (lambda: patch_texture(torch.zeros(1, 3, 4, 8), (2, 2), bins=1), "2 bins"),
        (
            lambda: select_groups(patch_texture(torch.zeros(1, 3, 4, 4), (2, 2), groups=["rgb"]), ["lab"]),
            "lacks lab",
        ),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
