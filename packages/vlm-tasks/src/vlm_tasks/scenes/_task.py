"""The task of generated scenes."""

from functools import cache, cached_property
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING

from vlm_tasks._items import Item, items_frame
from vlm_tasks._options import DIFFICULTIES, SceneOptions
from vlm_tasks._splits import SPLITS, check_split

from ._ask_details import ask_fine_grained, ask_ocr
from ._ask_relations import ask_reasoning, ask_spatial
from ._ask_things import ask_attribute, ask_caption, ask_count, ask_hallucination, ask_object
from ._asked import Asked, Asker
from ._dice import Dice
from ._labels import Label, scene_labels
from ._parts import Scene
from ._scene import compose
from ._vocabulary import COLOURS, DIRECTIONS, NUMBERS, SHAPES, TEXTURES, WORDS

if TYPE_CHECKING:
    import polars as pl
    from PIL import Image

ASKERS: dict[str, Asker] = {
    "object": ask_object,
    "attribute": ask_attribute,
    "count": ask_count,
    "spatial": ask_spatial,
    "ocr": ask_ocr,
    "fine-grained": ask_fine_grained,
    "reasoning": ask_reasoning,
    "hallucination": ask_hallucination,
    "caption": ask_caption,
}

_YES_NO = ("yes", "no")
_NAMES = tuple(f"{colour} {shape}" for colour in COLOURS for shape in SHAPES)
_METRICS = {
    "ocr": ("exact_match", "anls"),
    "hallucination": ("exact_match", "pope_f1", "pope_yes_rate"),
    "caption": ("cider", "rouge_l", "bleu4"),
}


class Scenes:
    """Scenes of coloured shapes, patterns and writing, each asked one question of each of `options.tasks`.

    The items of all tasks are about the same images, so that nothing but the question differs between them; the
    question type is the name of the task. Images are drawn when asked for and nothing is stored.
    """

    prompt = "short-answer"

    def __init__(self, options: SceneOptions | None = None) -> None:
        """A task with these settings; the defaults where None."""
        self.options = options or SceneOptions()

    @property
    def name(self) -> str:
        """`scenes`, or `scenes-TASK` where there is one task only."""
        return f"scenes-{self.options.tasks[0]}" if len(self.options.tasks) == 1 else "scenes"

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that suit the tasks; `exact_match` where several are mixed."""
        return (
            _METRICS.get(self.options.tasks[0], ("exact_match",))
            if len(self.options.tasks) == 1
            else ("exact_match",)
        )

    @property
    def resolution(self) -> int:
        """Pixels of a side."""
        return self.options.size

    @cached_property
    def answers(self) -> tuple[str, ...] | None:
        """Every answer that the tasks can have, or None with captions."""
        if "caption" in self.options.tasks:
            return None
        found = dict.fromkeys(
            answer for task in self.options.tasks for answer in _vocabulary(task, self.options)
        )
        return tuple(found)

    @property
    def question_types(self) -> tuple[str, ...]:
        """The tasks, sorted."""
        return tuple(sorted(self.options.tasks))

    def image_ids(self, split: str) -> list[str]:
        """`train-0`, `train-1`, ... for the split.

        Raises:
            ValueError: the split is none of train, validation, test.
        """
        check_split(split)
        return [f"{split}-{number}" for number in range(getattr(self.options, split))]

    def items(self, split: str) -> "pl.DataFrame":
        """The items of a split: every scene is asked one question of each task.

        Raises:
            ValueError: the split is none of train, validation, test.
        """
        return items_frame(
            Item(f"{image_id}-{task}", image_id, asked.question, asked.answers, task, asked.regions, split)
            for image_id in self.image_ids(split)
            for task, asked in self._asked(image_id).items()
        )

    def image(self, image_id: str) -> "Image.Image":
        """The scene drawn at `options.size`.

        Raises:
            ValueError: there is no such image.
        """
        from ._render import render

        return render(self.scene(image_id), self.options.size)

    def scene(self, image_id: str) -> Scene:
        """What there is to see in an image.

        Raises:
            ValueError: there is no such image.
        """
        split, _, number = image_id.partition("-")
        if split not in SPLITS or not number.isdecimal() or int(number) >= getattr(self.options, split):
            raise ValueError(f"scenes has no image {image_id!r}; ids are SPLIT-NUMBER, such as train-0")
        return compose(self.options, split, int(number))

    def caption(self, image_id: str) -> str:
        """The general look of an image in words: its things, but neither their places nor what is written.

        Raises:
            ValueError: there is no such image.
        """
        return " ".join(sorted(thing.name for thing in self.scene(image_id).things))

    def labels(self, image_id: str) -> tuple[Label, ...]:
        """What lies where: colour, shape and texture of each thing, the ring's gap, and what is written.

        Raises:
            ValueError: there is no such image.
        """
        return scene_labels(self.scene(image_id))

    def fingerprint(self) -> str:
        """SHA-256 of the settings, the code that makes scenes, and some scenes as drawn here."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        digest = sha256(f"scenes {self.options} {source_digest()}".encode())
        # Fonts and the rasteriser belong to the installation: what they draw is part of the data.
        for split in SPLITS:
            digest.update(self.image(f"{split}-0").tobytes())
        return digest.hexdigest()

    def _asked(self, image_id: str) -> dict[str, Asked]:
        """The question of each task about an image."""
        scene = self.scene(image_id)
        seed = self.options.seed
        return {
            task: ASKERS[task](scene, Dice("question", seed, image_id, task)) for task in self.options.tasks
        }


@cache
def source_digest() -> str:
    """SHA-256 of the source files that determine scenes and questions."""
    digest = sha256()
    for path in sorted(files(__package__).iterdir(), key=lambda path: path.name):
        if path.name.endswith(".py"):
            digest.update(path.name.encode() + b"\x00" + path.read_bytes())
    return digest.hexdigest()


def _vocabulary(task: str, options: SceneOptions) -> tuple[str, ...]:
    low, high = NUMBERS
    if task == "count":
        return tuple(str(count) for count in range(DIFFICULTIES[options.difficulty].levels + 1))
    if task == "ocr":
        return (*WORDS, *(str(number) for number in range(low, high + 1)))
    return {
        "attribute": (*COLOURS, *SHAPES, *TEXTURES),
        "spatial": (*_YES_NO, *_NAMES),
        "fine-grained": (*_YES_NO, *DIRECTIONS),
    }.get(task, _YES_NO)
