"""The pictures of questions, small enough to travel inside a page and enlarged without blur."""

import base64
import io

from PIL import Image

from ablation_runner.results import StudyResults

_SHOWN = 208  # pixels of the longer side on the page, about
_ALLOCATED = 240  # pixels of a picture of an allocation
_STORED = 416  # a larger picture is reduced to this


def picture(results: StudyResults, image_id: str) -> Image.Image | None:
    """The picture of an image id; None where it cannot be had, which the page then says."""
    try:
        image = results.image(image_id).convert("RGB")
    except (KeyError, OSError, ValueError):
        return None
    image.thumbnail((_STORED, _STORED))
    return image


def allocated(results: StudyResults, item: str) -> dict[str, Image.Image]:
    """Arm to a picture of where it put the tokens of a question, small enough to travel inside a page."""
    found = {arm: image.convert("RGB") for arm, image in results.allocations.get(item, {}).items()}
    for image in found.values():
        image.thumbnail((_ALLOCATED, _ALLOCATED))
    return found


def enlarged(image: Image.Image) -> Image.Image:
    """The picture with every pixel repeated as often as fits, so that its edges stay edges."""
    times = enlargement(image)
    return image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)


def enlargement(image: Image.Image) -> int:
    """How many times its size a picture is shown, a whole number."""
    return max(1, _SHOWN // max(image.size))


def png(image: Image.Image) -> bytes:
    """The picture as a PNG file."""
    file = io.BytesIO()
    image.save(file, format="PNG", optimize=True)
    return file.getvalue()


def data_uri(content: bytes) -> str:
    """A PNG file as an address that needs no network."""
    return f"data:image/png;base64,{base64.b64encode(content).decode('ascii')}"
