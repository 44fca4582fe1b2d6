"""What every picture of this package has in common: size, answer regions, titles, sheets of panels."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from PIL import Image, ImageDraw, ImageFont

from relevance_allocator._regions import Boxes

# Dark blue to yellow through green (viridis): lightness rises evenly, so it reads without colour vision too.
_COLOURS = np.array([[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]], dtype=float)
_SHORTEST = 320
_TEXT = 15
_LINE = 22
_GAP = 8
_FRAME = 5


def enlarged(image: Image.Image) -> Image.Image:
    """The image in colour, with its shorter side at least 320 pixels, so that patches can be told apart.

    >>> enlarged(Image.new("L", (80, 40))).size
    (640, 320)
    """
    factor = max(1.0, _SHORTEST / min(image.size))
    size = (round(image.width * factor), round(image.height * factor))
    return image.convert("RGB").resize(size, Image.Resampling.BICUBIC)


def heat_colours(values: Float[ndarray, "*shape"]) -> Float[ndarray, "*shape 3"]:
    """The colour of each value, 0..255: dark blue for 0, yellow for 1.

    >>> heat_colours(np.array([0.0, 1.0])).tolist()
    [[68.0, 1.0, 84.0], [253.0, 231.0, 37.0]]
    """
    anchors = np.linspace(0, 1, len(_COLOURS))
    return np.stack([np.interp(values, anchors, _COLOURS[:, channel]) for channel in range(3)], -1)


def draw_regions(image: Image.Image, regions: Boxes) -> None:
    """Draws boxes (left, top, right, bottom in 0..1) around what they hold, white within black: seen on any colour.

    >>> draw_regions(Image.new("RGB", (8, 8)), [(0.0, 0.0, 0.5, 0.5)])
    """
    draw = ImageDraw.Draw(image)
    for left, top, right, bottom in regions:
        low = (max(round(left * image.width) - _FRAME, 0), max(round(top * image.height) - _FRAME, 0))
        high = (
            min(round(right * image.width) + _FRAME, image.width) - 1,
            min(round(bottom * image.height) + _FRAME, image.height) - 1,
        )
        draw.rectangle((*low, *high), outline="black", width=_FRAME)
        if low[0] + 1 < high[0] and low[1] + 1 < high[1]:
            draw.rectangle((low[0] + 1, low[1] + 1, high[0] - 1, high[1] - 1), outline="white", width=2)


def captioned(
    image: Image.Image, *, title: str = "", foot: Sequence[str] = (), scale: bool = False
) -> Image.Image:
    """The image with a title above, and below it the scale of relevance and lines of text; as wide as all need.

    >>> captioned(Image.new("RGB", (320, 320)), title="salience", scale=True).size
    (320, 364)
    """
    font = ImageFont.load_default(_TEXT)
    texts = [title, *foot]
    width = max([image.width, *(int(font.getlength(text)) + 6 for text in texts)])
    height = image.height + _LINE * (bool(title) + scale + len(foot))
    sheet, top = Image.new("RGB", (width, height), "white"), 0
    draw = ImageDraw.Draw(sheet)
    if title:
        draw.text((3, 2), title, fill="black", font=font)
        top = _LINE
    sheet.paste(image, (0, top))
    top += image.height
    if scale:
        _draw_scale(sheet, top, font)
        top += _LINE
    for line, text in enumerate(foot):
        draw.text((3, top + line * _LINE + 2), text, fill="black", font=font)
    return sheet


def _draw_scale(sheet: Image.Image, top: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> None:
    draw, name = ImageDraw.Draw(sheet), "relevance 0"
    draw.text((3, top + 2), name, fill="black", font=font)
    left = int(font.getlength(name)) + 10
    steps = np.broadcast_to(np.linspace(0, 1, 120), (_LINE - 10, 120))
    sheet.paste(Image.fromarray(heat_colours(steps).round().astype(np.uint8)), (left, top + 5))
    draw.text((left + 126, top + 2), "1", fill="black", font=font)


def beside(panels: Mapping[str, Image.Image]) -> Image.Image:
    """Panels side by side, each with its name above.

    >>> beside({"a": Image.new("RGB", (320, 320)), "b": Image.new("RGB", (320, 320))}).size
    (648, 342)
    """
    titled = [captioned(panel, title=name) for name, panel in panels.items()]
    width = sum(panel.width for panel in titled) + _GAP * (len(titled) - 1)
    sheet, left = Image.new("RGB", (width, max(panel.height for panel in titled)), "white"), 0
    for panel in titled:
        sheet.paste(panel, (left, 0))
        left += panel.width + _GAP
    return sheet
