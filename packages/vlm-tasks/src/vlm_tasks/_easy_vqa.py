"""easy-VQA: coloured shapes with 48,248 questions, from the files of its package (Zhou, 2019)."""

import json
import re
from functools import cache, cached_property
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ._items import Item, items_frame
from ._options import EasyVqaOptions
from ._splits import check_split, hold_out

if TYPE_CHECKING:
    import polars as pl
    from PIL import Image

_COLOURS = "black|blue|brown|gray|green|red|teal|yellow"
_SHAPES = "circle|rectangle|triangle"
_QUESTIONS = {
    "shape": rf"what is the (?:{_COLOURS}) shape\?|what shape (?:does the image contain|is in the image|is present)\?",
    "color": rf"what (?:color is|is the color of) the (?:shape|{_SHAPES})\?",
    "presence-shape": rf"(?:does the image contain|is there|is) a (?:{_SHAPES})(?: present| in the image)?\?",
    "presence-color": rf"(?:does the image contain|is there|is) a (?:{_COLOURS}) shape(?: present| in the image)?\?",
    "absence-shape": rf"(?:does the image not contain a|is there not a|is no) (?:{_SHAPES})(?: present| in the image)?\?",
    "absence-color": (
        rf"(?:does the image not contain a|is there not a|is no) (?:{_COLOURS}) shape(?: present| in the image)?\?"
    ),
}


@cache
def question_type(question: str) -> str:
    """The kind of an easy-VQA question.

    Returns:
        `shape` or `color` (what is it), `presence-shape`, `presence-color` (is there), `absence-shape` or
        `absence-color` (is there not; yes and no change places).

    Raises:
        ValueError: easy-VQA asks no such question.

    >>> question_type("is no teal shape present?")
    'absence-color'
    """
    for kind, pattern in _QUESTIONS.items():
        if re.fullmatch(pattern, question):
            return kind
    raise ValueError(f"not a question of easy-VQA: {question!r}")


class EasyVqa:
    """easy-VQA with the official test split; validation is cut from the official train split by image.

    5,000 images of 64 x 64 pixels and 13 answers. 67.0 % of the test questions can be answered without the
    image, so an accuracy near that says that nothing was seen. Regions are not known (empty).
    """

    name = "easy-vqa"
    metrics = ("exact_match",)
    prompt = "short-answer"
    resolution = 64
    question_types = tuple(sorted(_QUESTIONS))

    def __init__(self, options: EasyVqaOptions | None = None, *, folder: str | Path | None = None) -> None:
        """Find the data.

        Args:
            options: settings; the defaults where None.
            folder: the package's `data` folder; where None, that of the installed package `easy-vqa`.

        Raises:
            ImportError: `easy-vqa` is not installed and no folder is given.
            FileNotFoundError: the folder lacks a file of the data set.
        """
        self.options = options or EasyVqaOptions()
        self.folder = Path(folder) if folder is not None else installed_data()
        for name in (
            "answers.txt",
            "train/questions.json",
            "test/questions.json",
            "train/images",
            "test/images",
        ):
            if not (self.folder / name).exists():
                raise FileNotFoundError(
                    f"easy-VQA is incomplete: {self.folder / name} is missing; reinstall easy-vqa"
                )

    @cached_property
    def answers(self) -> tuple[str, ...]:
        """The 13 answers, in the order of the data set's answers.txt."""
        return tuple((self.folder / "answers.txt").read_text("utf-8").split())

    def image_ids(self, split: str) -> list[str]:
        """The images of a split (`train-0`, ...), in the data set's order.

        Raises:
            ValueError: the split is none of train, validation, test.
        """
        check_split(split)
        return list(self._images[split])

    def items(self, split: str) -> "pl.DataFrame":
        """The items of a split; ids are `train-NUMBER` or `test-NUMBER` by the line of the official file.

        Raises:
            ValueError: the split is unknown, or the file holds a question or answer that easy-VQA does not have.
        """
        images = set(self.image_ids(split))
        official = "test" if split == "test" else "train"
        path = self.folder / official / "questions.json"
        items = []
        for number, (question, answer, image) in enumerate(json.loads(path.read_text("utf-8"))):
            if answer not in self.answers:
                raise ValueError(
                    f"{path}, item {number}: {answer!r} is not in answers.txt; reinstall easy-vqa"
                )
            image_id = f"{official}-{image}"
            if image_id not in self._paths:
                missing = self.folder / official / "images" / f"{image}.png"
                raise ValueError(f"{path}, item {number}: {missing} is missing; reinstall easy-vqa")
            if image_id in images:
                item_id = f"{official}-{number}"
                items.append(Item(item_id, image_id, question, [answer], question_type(question), [], split))
        return items_frame(items)

    def image(self, image_id: str) -> "Image.Image":
        """The image in RGB, 64 x 64 pixels.

        Raises:
            ValueError: there is no such image.
        """
        from PIL import Image

        if image_id not in self._paths:
            raise ValueError(
                f"easy-vqa has no image {image_id!r}; ids are train-0..train-3999 and test-0..test-999"
            )
        with Image.open(self._paths[image_id]) as image:
            return image.convert("RGB")

    def fingerprint(self) -> str:
        """SHA-256 of the questions, the answers, every image file and the split; read once per object."""
        return self._fingerprint

    @cached_property
    def _paths(self) -> dict[str, Path]:
        paths = {}
        for official in ("train", "test"):
            files = (self.folder / official / "images").glob("*.png")
            for path in sorted(files, key=lambda path: int(path.stem)):
                paths[f"{official}-{path.stem}"] = path
        return paths

    @cached_property
    def _images(self) -> dict[str, list[str]]:
        train = [image_id for image_id in self._paths if image_id.startswith("train-")]
        held = hold_out(train, self.options.validation_images, salt="easy-vqa/validation")
        return {
            "train": [image_id for image_id in train if image_id not in held],
            "validation": [image_id for image_id in train if image_id in held],
            "test": [image_id for image_id in self._paths if image_id.startswith("test-")],
        }

    @cached_property
    def _fingerprint(self) -> str:
        digest = sha256(f"easy-vqa/1 {self.options}".encode())
        texts = [
            self.folder / name for name in ("answers.txt", "train/questions.json", "test/questions.json")
        ]
        length = len(self.folder.as_posix()) + 1
        for path in [*texts, *self._paths.values()]:
            content = path.read_bytes()
            digest.update(f"\x00{path.as_posix()[length:]} {len(content)}\x00".encode())
            digest.update(content)
        return digest.hexdigest()


def installed_data() -> Path:
    """The data folder of the installed package `easy-vqa`; its code is not run.

    Raises:
        ImportError: the package is not installed.
    """
    spec = find_spec("easy_vqa")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError('easy-VQA is not installed: pip install "vlm-tasks[easy-vqa]"')
    return Path(next(iter(spec.submodule_search_locations))) / "data"
