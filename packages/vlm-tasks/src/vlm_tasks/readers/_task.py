"""Published data sets as tasks: official files and a folder of images."""

from collections.abc import Callable, Iterator
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vlm_tasks._file_options import FileOptions
from vlm_tasks._items import Item, items_frame
from vlm_tasks._splits import check_split, image_rank

from ._captions import read_coco_captions, read_llava
from ._records import Located, error_at
from ._vqa import read_docvqa, read_gqa, read_pope, read_textvqa, read_vqav2

if TYPE_CHECKING:
    import polars as pl
    from PIL import Image

READERS: dict[str, Callable[..., Iterator[Located]]] = {
    "coco-captions": read_coco_captions,
    "docvqa": read_docvqa,
    "gqa": read_gqa,
    "llava-mix": read_llava,
    "llava-pretrain": read_llava,
    "pope": read_pope,
    "textvqa": read_textvqa,
    "vqav2": read_vqav2,
}

_METRICS = {
    "coco-captions": ("cider", "rouge_l", "bleu4"),
    "docvqa": ("anls", "exact_match"),
    "llava-mix": ("rouge_l",),
    "llava-pretrain": ("cider", "rouge_l"),
    "pope": ("pope_accuracy", "pope_f1", "pope_yes_rate"),
    "textvqa": ("textvqa_accuracy",),
    "vqav2": ("vqa_accuracy",),
}
_PROMPTS = {"coco-captions": "caption", "llava-mix": "question-only", "llava-pretrain": "question-only"}


class FileTask:
    """A data set in its official files; items are read one by one, images when asked for."""

    resolution = None
    question_types = None

    def __init__(self, options: FileOptions) -> None:
        """A task over these files.

        Args:
            options: which files belong to which split, and where the images are.

        Raises:
            FileNotFoundError: a file or the folder of images is missing.
        """
        self.options = options
        self.name = options.format
        self.metrics = _METRICS.get(self.name, ("exact_match",))
        self.prompt = _PROMPTS.get(self.name, "single-word")
        self._images = Path(options.images)
        if not self._images.is_dir():
            raise FileNotFoundError(
                f"{self._images} is no folder; `images` is the folder of the data set's images"
            )
        for split in ("train", "validation", "test"):
            for path in self._files(split):
                if not path.is_file():
                    raise FileNotFoundError(f"{path} does not exist; it is named as {split} of {self.name}")

    @cached_property
    def answers(self) -> tuple[str, ...] | None:
        """The lines of the vocabulary file, or None without one."""
        if not self.options.vocabulary:
            return None
        return tuple(Path(self.options.vocabulary).read_text("utf-8").splitlines())

    def iter_items(self, split: str) -> Iterator[Item]:
        """The items of a split one by one, in flat memory; each is checked but for ids that occur twice.

        Raises:
            ValueError: the split is unknown or has no file, or a record is wrong; file and line are named.
        """
        return (located.item for located in self._located(split))

    def items(self, split: str) -> "pl.DataFrame":
        """The items of a split in one frame.

        Raises:
            ValueError: as `iter_items`; also where an item id occurs twice.
        """
        seen: dict[str, int] = {}

        def distinct() -> Iterator[Item]:
            for path, line, item in self._located(split):
                if item.item_id in seen:
                    first = seen[item.item_id]
                    raise error_at(
                        path,
                        line,
                        f"item id {item.item_id!r} occurs twice, first on line {first}; remove one",
                    )
                seen[item.item_id] = line
                yield item

        return items_frame(distinct())

    def image_ids(self, split: str) -> list[str]:
        """The images of a split, each once, as they first occur in the file.

        Raises:
            ValueError: as `iter_items`.
        """
        return list(dict.fromkeys(item.image_id for item in self.iter_items(split) if item.image_id))

    def image(self, image_id: str) -> "Image.Image":
        """The image in RGB at its own resolution; its id is its path in the folder of images.

        Raises:
            ValueError: there is no such image, or its file is no image or cut off.
        """
        from PIL import Image

        path = self._images / image_id
        if not image_id or not path.is_file():
            raise ValueError(f"{path} does not exist; {self.name} has no image {image_id!r}")
        try:
            with Image.open(path) as image:
                return image.convert("RGB")
        except OSError as error:
            raise ValueError(f"{path} is broken ({error}); fetch the image again") from error

    def fingerprint(self) -> str:
        """SHA-256 of the settings, the content of every named file, and the name and size of every image."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        shares = (self.options.validation_share, self.options.vocabulary and self.answers)
        digest = sha256(f"{self.name}/1 {shares}".encode())
        for split in ("train", "validation", "test"):
            for path in self._files(split):
                digest.update(f"\x00{split} {path.name}\x00".encode())
                with path.open("rb") as file:
                    while chunk := file.read(1 << 20):
                        digest.update(chunk)
        for path in sorted(path for path in self._images.rglob("*") if path.is_file()):
            digest.update(f"\x00{path.relative_to(self._images).as_posix()} {path.stat().st_size}".encode())
        return digest.hexdigest()

    def _files(self, split: str) -> tuple[Path, ...]:
        return tuple(Path(name) for name in getattr(self.options, split))

    def _located(self, split: str) -> Iterator[Located]:
        check_split(split)
        cut = not self.options.validation and split in ("train", "validation")
        files = self._files("train" if cut else split)
        if not files:
            raise ValueError(f"{self.name} was given no files for {split}; name them as the option `{split}`")
        last: Any = None
        for path, line, item in READERS[self.name](*files):
            if cut and self._held_out(item) != (split == "validation"):
                continue
            if item.image_id and item.image_id != last and not (self._images / item.image_id).is_file():
                raise error_at(path, line, f"{self._images / item.image_id} does not exist; fetch all images")
            if self.answers is not None and not set(item.answers) & set(self.answers):
                what = f"no answer of item {item.item_id!r} is in {self.options.vocabulary}: {list(item.answers)}"
                raise error_at(path, line, f"{what}; extend the vocabulary or leave it out")
            last = item.image_id
            yield Located(path, line, item._replace(split=split))

    def _held_out(self, item: Item) -> bool:
        """Whether an image of the training files is for validation, by its hash alone."""
        rank = image_rank(item.image_id or item.item_id.partition("-")[0], f"{self.name}/validation")
        return int(rank[:8], 16) / 2**32 < self.options.validation_share
