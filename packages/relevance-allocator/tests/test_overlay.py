import io

import numpy as np
import pytest
import torch
from PIL import Image

from relevance_allocator import allocate_levels, allocate_top_k, overlay, overlays, show_allocation


def as_png(image):
    """What a reader of the saved PNG sees."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return np.asarray(Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")).astype(float)


def test_the_hottest_patch_is_yellow_and_stands_at_its_place():
    relevance = torch.zeros(12)
    relevance[6] = 1.0  # row 1, column 2 of 3 x 4
    pixels = as_png(overlay(Image.new("RGB", (480, 360), "grey"), relevance, (3, 4), opacity=1.0))
    assert pixels.shape == (360, 480, 3)
    assert pixels[180, 180].tolist() == [68, 1, 84]
    assert (pixels[120:240, 240:360] == [253, 231, 37]).all()


def test_opacity_nought_leaves_the_grey_image_and_regions_are_drawn_white_within_black():
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (320, 400, 3), dtype=np.uint8))
    pixels = as_png(overlay(image, torch.rand(20), (4, 5), opacity=0.0))
    assert np.abs(pixels - np.asarray(image.convert("L"))[..., None]).max() == 0
    boxed = as_png(overlay(image, torch.rand(20), (4, 5), opacity=0.0, regions=[(0.25, 0.25, 0.5, 0.5)]))
    assert boxed[75, 150].tolist() == boxed[79, 150].tolist() == [0, 0, 0]
    assert boxed[76, 150].tolist() == boxed[77, 150].tolist() == [255, 255, 255]
    assert np.abs(boxed[80:160, 100:200] - pixels[80:160, 100:200]).max() == 0  # what it holds stays visible


def test_panels_stand_side_by_side_in_their_own_shape_with_the_scale_of_colours_below():
    ones = {"one": torch.ones(16), "two": torch.zeros(16)}
    pixels = as_png(overlays(Image.new("L", (128, 64), "black"), ones, (4, 4)))
    assert pixels.shape == (22 + 320 + 22, 3 * 640 + 2 * 8, 3)
    assert pixels[200, 648 + 320].tolist() == [164, 150, 24]  # 0.65 of yellow over black
    colours = [tuple(pixel) for pixel in pixels[22 + 320 + 10].tolist()]
    assert colours.index((68, 1, 84)) < colours.index((253, 231, 37))


def test_kept_patches_are_bright_pooled_ones_flat_and_dropped_ones_dark():
    noise = np.random.default_rng(0).integers(100, 255, (320, 320, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    relevance = torch.zeros(1, 64)
    relevance[0, 0] = 1.0
    kept = as_png(show_allocation(image, allocate_top_k(relevance, 1), (8, 8)))
    assert np.abs(kept[4:36, 4:36] - noise[4:36, 4:36]).max() <= 1
    assert kept[50:310, 50:310].mean() < 0.2 * noise.mean()
    foveated = as_png(show_allocation(image, allocate_levels(relevance, 10, (8, 8)), (8, 8)))
    assert np.abs(foveated[4:36, 4:36] - noise[4:36, 4:36]).max() <= 1
    assert foveated[170:310, 170:310].std() < 5  # a coarse block is one colour
    assert foveated[170:310, 170:310].mean() == pytest.approx(noise[160:, 160:].mean() * 0.4, rel=0.05)


def test_another_item_of_the_batch_can_be_drawn(generator):
    allocation = allocate_levels(torch.rand(3, 64, generator=generator), torch.tensor([10, 20, 30]), (8, 8))
    images = [
        np.asarray(show_allocation(Image.new("RGB", (64, 64)), allocation, (8, 8), item=i)) for i in range(3)
    ]
    assert not np.array_equal(images[0], images[2])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda image: overlay(image, torch.rand(5), (2, 2)), "does not hold 5"),
        (lambda image: overlay(image, torch.tensor([2.0]), (1, 1)), "0..1"),
        (lambda image: overlay(image, torch.tensor([torch.nan]), (1, 1)), "calibrate"),
        (lambda image: overlay(image, torch.rand(4), (2, 2), opacity=1.5), "opacity"),
        (lambda image: show_allocation(image, allocate_top_k(torch.rand(1, 4), 1), (2, 2), item=1), "0..0"),
        (
            lambda image: show_allocation(image, allocate_top_k(torch.rand(1, 4), 1), (2, 3)),
            "does not hold 4",
        ),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(Image.new("RGB", (32, 32)))
