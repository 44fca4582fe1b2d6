"""Any picture file to RGB: converted correctly or refused by name, never silently black."""

import warnings
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

PIXEL_LIMIT = 89_478_485  # Pillow's own threshold of a decompression bomb: a quarter of a gigabyte in RGB


def open_image(source: Path | str | bytes, *, name: str = "", pixel_limit: int = PIXEL_LIMIT) -> Image.Image:
    """An RGB image, upright by its EXIF orientation, of a file or its bytes; of several frames the first.

    Args:
        source: a path, or the bytes of a file.
        name: what an error calls it; the path by default.
        pixel_limit: most pixels that are decoded.

    Raises:
        ValueError: not an image, truncated, above `pixel_limit`, or of a mode without an agreed range; names the file.
    """
    name = name or (f"{len(source)} bytes" if isinstance(source, bytes) else str(source))
    return to_rgb(_decoded(source, name, pixel_limit), name=name, pixel_limit=pixel_limit)


def _decoded(source: Path | str | bytes, name: str, pixel_limit: int) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of bombs, whose limit is ours, and of odd metadata
        try:
            opened = Image.open(BytesIO(source) if isinstance(source, bytes) else source)
        except FileNotFoundError:
            raise
        except Image.DecompressionBombError as error:
            raise ValueError(f"{name}: too many pixels ({error})") from error
        except Exception as error:
            raise ValueError(f"{name}: not a readable image ({error})") from error
        with opened as image:
            _check_size(image, name, pixel_limit)
            try:
                image.load()
                return ImageOps.exif_transpose(image)
            except Exception as error:  # torn files make the decoders raise nearly anything
                raise ValueError(f"{name}: not a readable image ({error})") from error


def to_rgb(image: Image.Image, *, name: str = "image", pixel_limit: int = PIXEL_LIMIT) -> Image.Image:
    """The image in 8-bit RGB; transparent pixels show white.

    Args:
        image: of any Pillow mode; 16 bit is scaled by its full range, not cut off at 255.
        name: what an error calls it.
        pixel_limit: most pixels that are taken.

    Raises:
        ValueError: 32-bit integers or floats, whose range nobody knows; or too many pixels.
    """
    _check_size(image, name, pixel_limit)
    if image.mode == "RGB":
        return _plain(image)
    if image.mode not in CONVERSIONS:
        raise ValueError(
            f"{name}: mode {image.mode} has no agreed range of values; convert it to 8 bit first"
        )
    return CONVERSIONS[image.mode](image)


def _check_size(image: Image.Image, name: str, pixel_limit: int) -> None:
    if image.width * image.height > pixel_limit:
        raise ValueError(
            f"{name}: {image.width} x {image.height} pixels are above the limit of {pixel_limit}"
        )
    if image.width * image.height == 0:
        raise ValueError(f"{name}: the image is empty ({image.width} x {image.height})")


def _plain(image: Image.Image) -> Image.Image:
    # A palette may hold transparency, and a grey or RGB image may name one transparent colour outside its mode.
    if image.has_transparency_data:
        return _over_white(image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _over_white(image: Image.Image) -> Image.Image:
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, (255, 255, 255, 255)), layer).convert("RGB")


def _premultiplied(image: Image.Image) -> Image.Image:
    return _over_white(image.convert("RGBA" if image.mode == "RGBa" else "LA"))


def _sixteen_bit(image: Image.Image) -> Image.Image:
    # Pillow's own conversion cuts off at 255 and gives a white image.
    values = np.asarray(image).astype(np.uint32)
    if "transparency" in image.info:
        values = np.where(values == image.info["transparency"], 65535, values)
    return Image.fromarray(((values + 128) // 257).astype(np.uint8)).convert("RGB")


CONVERSIONS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "1": _plain,
    "CMYK": _plain,
    "HSV": _plain,
    "I;16": _sixteen_bit,
    "I;16B": _sixteen_bit,
    "I;16L": _sixteen_bit,
    "I;16N": _sixteen_bit,
    "L": _plain,
    "LA": _over_white,
    "La": _premultiplied,
    "P": _plain,
    "PA": _over_white,
    "RGBA": _over_white,
    "RGBX": _plain,
    "RGBa": _premultiplied,
    "YCbCr": _plain,
}
