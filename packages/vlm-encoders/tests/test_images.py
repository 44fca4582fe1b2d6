"""Bad and odd images: converted correctly or refused by name."""

import io

import numpy as np
import pytest
from PIL import Image

from vlm_encoders import encoder_spec, open_image, preprocess, to_rgb

SPEC = encoder_spec("efficientnet-lite0", image_size=32)


def as_bytes(image: Image.Image, form: str = "PNG", **settings) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **settings)
    return buffer.getvalue()


def ramp(mode: str = "RGB") -> Image.Image:
    values = np.arange(40 * 30 * 3, dtype=np.uint32).reshape(30, 40, 3) % 251
    return Image.fromarray(values.astype(np.uint8)).convert(mode)


@pytest.mark.parametrize("keep", [0, 10, 60, 0.5, 0.8])
@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_truncated_files_are_refused_by_name(tmp_path, form, keep):
    data = as_bytes(ramp(), form)
    path = tmp_path / "torn.bin"
    path.write_bytes(data[: int(keep * len(data)) if isinstance(keep, float) else keep])
    with pytest.raises(ValueError, match=r"torn\.bin"):
        open_image(path)


def test_what_is_no_image_is_refused_by_name(tmp_path):
    path = tmp_path / "notes.png"
    path.write_text("not an image")
    with pytest.raises(ValueError, match=r"notes\.png: not a readable image"):
        open_image(path)
    with pytest.raises(ValueError, match="12 bytes"):
        open_image(b"not an image")
    with pytest.raises(FileNotFoundError):
        open_image(tmp_path / "nowhere.png")


def test_cmyk_keeps_its_colours():
    colours = Image.new("CMYK", (8, 8), (0, 255, 255, 0))  # no cyan, full magenta and yellow: red
    red, green, blue = open_image(as_bytes(colours, "JPEG", quality=95)).getpixel((4, 4))
    assert red > 200
    assert max(green, blue) < 60


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_shows_white_not_black(mode):
    clear = Image.new("RGBA", (4, 4), (0, 0, 0, 0)).convert(mode)
    assert open_image(as_bytes(clear)).getpixel((0, 0)) == (255, 255, 255)
    half = Image.new("RGBA", (4, 4), (0, 0, 0, 128)).convert(mode)
    assert open_image(as_bytes(half)).getpixel((0, 0)) == (127, 127, 127)


def test_palette_with_transparency_shows_white():
    image = Image.new("P", (4, 4), 1)
    image.putpalette([10, 20, 30, 200, 100, 50])
    assert open_image(as_bytes(image)).getpixel((0, 0)) == (200, 100, 50)
    assert open_image(as_bytes(image, transparency=1)).getpixel((0, 0)) == (255, 255, 255)


def test_a_transparent_colour_of_grey_and_rgb_files_shows_white():
    assert open_image(as_bytes(Image.new("L", (4, 4), 7), transparency=7)).getpixel((0, 0)) == (255, 255, 255)
    red = Image.new("RGB", (4, 4), (9, 0, 0))
    assert open_image(as_bytes(red, transparency=(9, 0, 0))).getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_not_cut_off(form):
    values = np.array([[0, 257, 32896, 65535]], dtype=np.uint16)
    got = np.asarray(open_image(as_bytes(Image.fromarray(values), form)))
    assert got[0, :, 0].tolist() == [0, 1, 128, 255]


def test_a_transparent_grey_of_sixteen_bits_shows_white():
    values = np.array([[0, 257]], dtype=np.uint16)
    got = np.asarray(open_image(as_bytes(Image.fromarray(values), transparency=0)))
    assert got[0, :, 0].tolist() == [255, 1]


def test_a_palette_that_holds_transparency_itself_shows_white():
    image = Image.new("P", (2, 1))
    image.putpalette([200, 100, 50, 255, 9, 9, 9, 0], "RGBA")
    image.putpixel((1, 0), 1)
    assert [to_rgb(image).getpixel((x, 0)) for x in (0, 1)] == [(200, 100, 50), (255, 255, 255)]


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP"])
def test_files_with_flipped_bytes_are_read_or_refused_but_never_crash(form):
    random = np.random.default_rng(0)
    whole = np.frombuffer(as_bytes(ramp("P" if form == "GIF" else "RGB"), form), dtype=np.uint8)
    refused = 0
    for _ in range(60):
        torn = whole.copy()
        torn[random.integers(0, len(torn), size=6)] = random.integers(0, 256, size=6)
        try:
            mode = open_image(torn.tobytes(), name="torn").mode
        except ValueError as error:
            mode, refused = str(error).partition(": ")[0], refused + 1
        assert mode in ("RGB", "torn")
    assert refused > 0 or form == "BMP"


@pytest.mark.parametrize("mode", ["I", "F"])
def test_values_without_an_agreed_range_are_refused(mode):
    with pytest.raises(ValueError, match=f"scan: mode {mode} has no agreed range"):
        to_rgb(Image.new(mode, (4, 4), 3), name="scan")


@pytest.mark.parametrize("mode", ["1", "L", "P", "YCbCr", "HSV", "RGBX"])
def test_other_modes_equal_pillows_own_conversion(mode):
    image = ramp().convert(mode)
    assert to_rgb(image).tobytes() == image.convert("RGB").tobytes()


@pytest.mark.parametrize("resize", ["squash", "letterbox", "crop"])
@pytest.mark.parametrize("size", [(1, 1), (20000, 1), (1, 20000), (20000, 300)])
def test_single_pixels_and_slivers_become_pixels(size, resize):
    spec = encoder_spec("efficientnet-lite0", image_size=32, resize=resize)
    image = Image.new("RGB", size, (255, 0, 0))
    pixels = preprocess([open_image(as_bytes(image))], spec)
    assert pixels.shape == (1, 3, 32, 32)
    assert pixels.isfinite().all()
    assert float(pixels[:, 0].max()) == pytest.approx((1 - 127 / 255) / (128 / 255))


def test_decompression_bombs_are_refused_before_they_are_decoded():
    with pytest.raises(ValueError, match="upload: too many pixels"):
        open_image(as_bytes(Image.new("1", (20000, 20000))), name="upload")
    with pytest.raises(ValueError, match="upload: 10000 x 10000 pixels are above the limit"):
        open_image(as_bytes(Image.new("1", (10000, 10000))), name="upload")
    with pytest.raises(ValueError, match="above the limit of 100"):
        open_image(as_bytes(Image.new("L", (20, 20))), pixel_limit=100)


def test_turned_photographs_stand_upright():
    image = Image.new("RGB", (20, 10), (0, 0, 0))
    image.paste((255, 255, 255), (0, 0, 10, 10))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    upright = open_image(as_bytes(image, "PNG", exif=exif))
    assert upright.size == (10, 20)
    assert upright.getpixel((5, 2)) == (255, 255, 255)


def test_letterbox_pads_with_the_mean_and_keeps_the_shape():
    spec = encoder_spec("efficientnet-lite0", image_size=32, resize="letterbox")
    pixels = preprocess([Image.new("RGB", (40, 20), (255, 255, 255))], spec)[0]
    assert (pixels[:, :8] == 0).all()
    assert (pixels[:, 24:] == 0).all()
    assert (pixels[:, 8:24] > 0.9).all()


def test_crop_takes_the_centre():
    spec = encoder_spec("efficientnet-lite0", image_size=32, resize="crop")
    image = Image.new("RGB", (96, 32))
    image.paste((255, 255, 255), (32, 0, 64, 32))
    assert (preprocess([image], spec) > 0.9).all()


def test_squash_equals_plain_resizing_and_normalising():
    image = ramp()
    expected = np.asarray(image.resize((32, 32), Image.Resampling.BICUBIC), dtype=np.float64) / 255
    expected = (expected - 127 / 255) / (128 / 255)
    assert np.abs(preprocess([image], SPEC)[0].permute(1, 2, 0).numpy() - expected).max() < 1e-5


def test_errors_name_the_image():
    with pytest.raises(ValueError, match="image 1"):
        preprocess([ramp(), Image.new("F", (2, 2))], SPEC)
    with pytest.raises(ValueError, match=r"b\.png"):
        preprocess([ramp(), Image.new("F", (2, 2))], SPEC, names=["a.png", "b.png"])
    with pytest.raises(ValueError, match="at least one"):
        preprocess([], SPEC)


def test_pixels_do_not_depend_on_the_batch():
    images = [ramp(), Image.new("RGB", (7, 90), (3, 200, 9)), ramp("L")]
    together = preprocess(images, SPEC)
    assert all(
        (preprocess([image], SPEC)[0] == row).all() for image, row in zip(images, together, strict=True)
    )
