"""What every task offers, and its creation by name."""

from dataclasses import fields
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast, runtime_checkable

from ._names import unknown_name
from ._options import PRESETS, TASKS

if TYPE_CHECKING:
    import polars as pl
    from PIL import Image


@runtime_checkable
class Task(Protocol):
    """Questions about images with train, validation and test splits that share no image."""

    @property
    def name(self) -> str:
        """What the task is called."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics that suit the task; the first is the main one."""

    @property
    def prompt(self) -> str:
        """Name of the prompt template that suits the task."""

    @property
    def resolution(self) -> int | None:
        """Pixels of the shorter side of every image; None where images differ."""

    @property
    def answers(self) -> tuple[str, ...] | None:
        """Every answer there is, or None where answers are open."""

    @property
    def question_types(self) -> tuple[str, ...] | None:
        """Every type of question, sorted, or None where only the items tell."""

    def items(self, split: str) -> "pl.DataFrame":
        """The items of a split: `item_id, image_id, question, answers, question_type, regions, split, choices`."""

    def image_ids(self, split: str) -> list[str]:
        """The images of a split, each once, in a fixed order."""

    def image(self, image_id: str) -> "Image.Image":
        """The image in RGB at its own resolution."""

    def fingerprint(self) -> str:
        """A digest of all that determines items and images."""


IMPLEMENTATIONS = {
    "coco-captions": "vlm_tasks.readers._task:FileTask",
    "docvqa": "vlm_tasks.readers._task:FileTask",
    "easy-vqa": "vlm_tasks._easy_vqa:EasyVqa",
    "gqa": "vlm_tasks.readers._task:FileTask",
    "hub": "vlm_tasks.readers._hub:HubTask",
    "llava-mix": "vlm_tasks.readers._task:FileTask",
    "llava-pretrain": "vlm_tasks.readers._task:FileTask",
    "pope": "vlm_tasks.readers._task:FileTask",
    "scenes": "vlm_tasks.scenes._task:Scenes",
    "textvqa": "vlm_tasks.readers._task:FileTask",
    "vqav2": "vlm_tasks.readers._task:FileTask",
}
"""Where each task of `TASKS` is implemented; imported when the task is created."""


def list_tasks() -> list[str]:
    """The names that `create_task` accepts, sorted.

    >>> "easy-vqa" in list_tasks()
    True
    """
    return sorted([*TASKS, *PRESETS])


def create_task(name: str, **options: Any) -> Task:
    """A task by its exact name.

    Args:
        name: one of `list_tasks()`, or `package.module:Name` of a class or function of one's own.
        options: settings of the task, the fields of its options dataclass (`task_options(name)`).

    Raises:
        ValueError: the name or an option is unknown, or an option has a value that its task refuses.
        ImportError: the task's data come in a package that is not installed; the message names the extra.

    >>> create_task("easy-vqa").answers[:3]
    ('circle', 'green', 'red')
    """
    if ":" in name:
        return cast(Task, _import(name)(**options))
    settings = task_options(name, **options)
    base, _ = PRESETS.get(name, (name, {}))
    return cast(Task, _import(IMPLEMENTATIONS[base])(settings))


def task_options(name: str, **options: Any) -> Any:
    """The validated options of a task, without loading anything: a study is checked before it runs.

    Args:
        name: one of `list_tasks()`.
        options: the fields to set; the others keep their defaults. A list, as TOML and JSON have it, counts as
            a tuple.

    Raises:
        ValueError: the name or an option is unknown, or an option has a value that its task refuses.

    >>> task_options("easy-vqa")
    EasyVqaOptions(validation_images=400)
    """
    if name not in PRESETS and name not in TASKS:
        raise ValueError(unknown_name(name, list_tasks(), "task"))
    base, preset = PRESETS.get(name, (name, {}))
    kind = TASKS[base]
    known = [field.name for field in fields(kind) if field.name not in preset]
    for option in options:
        if option not in known:
            raise ValueError(unknown_name(option, known, f"option of task {name!r}"))
    given = {option: tuple(value) if type(value) is list else value for option, value in options.items()}
    try:
        return kind(**preset, **given)
    except TypeError as error:
        raise ValueError(f"options of task {name!r}: {error}") from error


def _import(name: str) -> Any:
    module, _, attribute = name.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except (ModuleNotFoundError, AttributeError) as error:
        raise ValueError(
            f"a task of one's own is named package.module:Name; cannot import {name!r}"
        ) from error
