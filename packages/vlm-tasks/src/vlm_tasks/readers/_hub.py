"""A data set by its name on the Hugging Face hub, or any folder that `datasets` can load."""

from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from importlib import import_module
from typing import TYPE_CHECKING, Any

from vlm_tasks._file_options import HubOptions
from vlm_tasks._items import Item, items_frame
from vlm_tasks._splits import check_split

if TYPE_CHECKING:
    import polars as pl
    from PIL import Image


class HubTask:
    """A data set whose columns hold questions, answers and images; the columns are named in the options.

    `datasets` maps the files into memory, so that a large set costs little; nothing is loaded before it is used.
    """

    answers = None
    question_types = None
    resolution = None
    prompt = "single-word"

    def __init__(self, options: HubOptions) -> None:
        """A task over these splits.

        Raises:
            ImportError: the package `datasets` is not installed; the message names the extra.
        """
        try:
            import_module("datasets")
        except ImportError as error:
            raise ImportError('data sets of the hub need: pip install "vlm-tasks[hub]"') from error
        self.options = options
        self.name = options.path
        self.metrics = (options.metric,)
        self._loaded = cache(self._load)
        self._rows = cache(self._index)

    def iter_items(self, split: str) -> Iterator[Item]:
        """The items of a split one by one.

        Raises:
            ValueError: the split is unknown or was not named, a column is missing, or a row has no answers.
        """
        options, data = self.options, self._loaded(split)
        wanted = [options.question, options.answers, options.item_id, options.image_id, options.question_type]
        for number, row in enumerate(data.select_columns([column for column in wanted if column])):
            answers = _texts(row[options.answers])
            if not answers:
                raise ValueError(f"{self.name}, {split}, row {number}: no answers in {options.answers!r}")
            yield Item(
                f"{split}-{row[options.item_id] if options.item_id else number}",
                self._image_id(split, number, row),
                str(row[options.question]),
                answers,
                str(row[options.question_type]) if options.question_type else "question",
                [],
                split,
            )

    def items(self, split: str) -> "pl.DataFrame":
        """The items of a split in one frame.

        Raises:
            ValueError: as `iter_items`; also where an item id occurs twice.
        """
        return items_frame(self.iter_items(split))

    def image_ids(self, split: str) -> list[str]:
        """The images of a split, each once.

        Raises:
            ValueError: as `iter_items`.
        """
        return list(self._rows(split))

    def image(self, image_id: str) -> "Image.Image":
        """The image in RGB at its own resolution.

        Raises:
            ValueError: there is no such image.
        """
        split = image_id.partition("/")[0]
        if split not in ("train", "validation", "test") or image_id not in self._rows(split):
            raise ValueError(f"{self.name} has no image {image_id!r}; ids are SPLIT/ID, such as test/0")
        image: Image.Image = self._loaded(split)[self._rows(split)[image_id]][self.options.image]
        return image.convert("RGB")

    def fingerprint(self) -> str:
        """SHA-256 of the settings and of what `datasets` says identifies the content of each split."""
        digest = sha256(f"hub/1 {self.options}".encode())
        for split in ("train", "validation", "test"):
            if getattr(self.options, split):
                data = self._loaded(split)
                checksums = sorted((data.info.download_checksums or {}).items())
                digest.update(f"{split} {len(data)} {data.features} {checksums}".encode())
                for item in self.iter_items(split):
                    digest.update(repr(item).encode())
        return digest.hexdigest()

    def _load(self, split: str) -> Any:
        load = import_module("datasets").load_dataset
        check_split(split)
        named, options = getattr(self.options, split), self.options
        if not named:
            raise ValueError(f"{self.name} was given no split for {split}; name it as the option `{split}`")
        data = load(options.path, options.config or None, split=named, revision=options.revision or None)
        for column in (
            options.question,
            options.answers,
            options.image,
            options.item_id,
            options.image_id,
            options.question_type,
        ):
            if column and column not in data.column_names:
                there = ", ".join(data.column_names)
                raise ValueError(f"{self.name} has no column {column!r} in {named}; there are {there}")
        return data

    def _image_id(self, split: str, number: int, row: dict[str, Any]) -> str:
        return f"{split}/{row[self.options.image_id] if self.options.image_id else number}"

    def _index(self, split: str) -> dict[str, int]:
        """The first row of each image."""
        data, column = self._loaded(split), self.options.image_id
        if not column:
            return {f"{split}/{number}": number for number in range(len(data))}
        rows: dict[str, int] = {}
        for number, row in enumerate(data.select_columns([column])):
            rows.setdefault(self._image_id(split, number, row), number)
        return rows


def _texts(value: Any) -> list[str]:
    """Answers as the hub has them: a text, a list of texts, or a list of objects with the field `answer`."""
    if isinstance(value, str):
        return [value] if value else []
    return [str(entry["answer"] if isinstance(entry, dict) else entry) for entry in value or []]
