"""Images to an encoder's pixels: resized by its rule, normalised by its mean and deviation."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from ._images import to_rgb
from ._spec import EncoderSpec

RESAMPLING = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}


class Placement(NamedTuple):
    """Where an image comes to lie on the canvas that an encoder sees.

    Attributes:
        source: left, top, right, bottom of the used part, in pixels of the image.
        size: width and height that it is resized to, in pixels of the canvas.
        offset: left and top of it on the canvas.
    """

    source: tuple[float, float, float, float]
    size: tuple[int, int]
    offset: tuple[int, int]


def placement(width: int, height: int, canvas: tuple[int, int], resize: str) -> Placement:
    """How an image of a width and height is put on a canvas of (height, width); all in pixels."""
    rows, columns = canvas
    whole = (0.0, 0.0, float(width), float(height))
    if resize == "squash":
        return Placement(whole, (columns, rows), (0, 0))
    if resize == "crop":
        # The crop is cut in the source's pixels: resizing a 20,000 x 1 image first would take gigabytes.
        scale = min(width / columns, height / rows)
        left, top = (width - columns * scale) / 2, (height - rows * scale) / 2
        return Placement((left, top, left + columns * scale, top + rows * scale), (columns, rows), (0, 0))
    scale = min(columns / width, rows / height)
    # A sliver thinner than half a pixel still is one pixel: an image has no empty side.
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return Placement(whole, size, ((columns - size[0]) // 2, (rows - size[1]) // 2))


def image_box(
    width: int, height: int, canvas: tuple[int, int], resize: str
) -> tuple[float, float, float, float]:
    """The canvas in coordinates of the image: top, left, bottom, right.

    0..1 is the image: a letterboxed canvas reaches beyond it, a crop stays within.

    >>> image_box(200, 100, (64, 64), "letterbox")
    (-0.5, 0.0, 1.5, 1.0)
    """
    place = placement(width, height, canvas, resize)
    left, top, right, bottom = place.source
    # Pixels of the image per pixel of the canvas.
    across, down = (right - left) / place.size[0], (bottom - top) / place.size[1]
    start = top - place.offset[1] * down, left - place.offset[0] * across
    end = start[0] + canvas[0] * down, start[1] + canvas[1] * across
    return start[0] / height, start[1] / width, end[0] / height, end[1] / width


def preprocess(
    images: Sequence[Image.Image], spec: EncoderSpec, *, names: Sequence[str] | None = None
) -> Float[Tensor, "batch 3 height width"]:
    """Normalised float32 pixels of a batch, on the CPU.

    Args:
        images: of any size and mode; one or more.
        spec: whose size, resize rule, mean and deviation are used. Letterbox pads with the mean, so with zeros.
        names: what errors call the images; "image 0" and so on by default.

    Raises:
        ValueError: no image, or one that cannot be converted.

    >>> from vlm_encoders import encoder_spec
    >>> preprocess([Image.new("L", (64, 48))], encoder_spec("efficientnet-lite0", image_size=128)).shape
    torch.Size([1, 3, 128, 128])
    """
    if not images:
        raise ValueError("preprocess needs at least one image")
    names = [f"image {index}" for index in range(len(images))] if names is None else names
    pairs = zip(images, names, strict=True)
    return torch.stack([canvas_pixels(image, spec, spec.image_size, name=name) for image, name in pairs])


def canvas_pixels(
    image: Image.Image, spec: EncoderSpec, canvas: tuple[int, int], *, name: str
) -> Float[Tensor, "3 height width"]:
    """Normalised pixels of one image on a canvas of (height, width), by the spec's resize rule."""
    rgb = to_rgb(image, name=name)
    place = placement(rgb.width, rgb.height, canvas, spec.resize)
    resized = rgb.resize(place.size, RESAMPLING[spec.architecture.interpolation], box=place.source)
    mean = torch.tensor(spec.architecture.mean).reshape(3, 1, 1)
    std = torch.tensor(spec.architecture.std).reshape(3, 1, 1)
    # Colours are brought to the front while they are bytes: the arithmetic then runs over whole rows.
    pixels = torch.from_numpy(np.array(resized)).permute(2, 0, 1).contiguous().float()
    pixels = pixels.div_(255).sub_(mean).div_(std)
    if place.size == (canvas[1], canvas[0]):
        return pixels
    left, top = place.offset
    padded = torch.zeros(3, *canvas)  # zero is the mean
    padded[:, top : top + place.size[1], left : left + place.size[0]] = pixels
    return padded
