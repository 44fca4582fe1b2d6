"""Reading stored features: memory-mapped, by image id."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from ._files import file_digest
from ._shards import INDEX, StoreLayout, read_record, shard_path


class FeatureStore:
    """Features of a set of images, read from disk as they are asked for.

    Attributes:
        folder: where they are.
        key: what made them, as given to `extract_features`.
        ids: of the images, in stored order.
    """

    def __init__(self, folder: Path | str) -> None:
        """Opens a finished store.

        Raises:
            ValueError: the folder holds none, or a shard has another size than its index says.
        """
        self.folder = Path(folder)
        try:
            index = json.loads((self.folder / INDEX).read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise ValueError(f"{folder} holds no finished feature store ({INDEX} is missing)") from error
        self.key: dict[str, Any] = index["key"]
        self._shards: list[dict[str, Any]] = index["shards"]
        self.ids: tuple[str, ...] = tuple(name for shard in self._shards for name in shard["ids"])
        self._rows = {
            name: (number, row)
            for number, shard in enumerate(self._shards)
            for row, name in enumerate(shard["ids"])
        }
        self._open: dict[int, dict[str, Tensor]] = {}
        for number, shard in enumerate(self._shards):
            path = shard_path(self.folder, number)
            if not path.is_file() or path.stat().st_size != shard["size"]:
                raise ValueError(f"{path} is missing or broken; extract_features rebuilds it")

    def __len__(self) -> int:
        """Number of images."""
        return len(self.ids)

    def __contains__(self, image_id: object) -> bool:
        """Whether an image is stored."""
        return image_id in self._rows

    def __getitem__(self, ids: Iterable[str]) -> dict[str, Tensor]:
        """Tensors of some images, in the order asked for, as copies; an image may be asked for twice.

        Raises:
            ValueError: no id, or one that is not stored.
            TypeError: a single string in place of a list of ids.
        """
        if isinstance(ids, str):
            raise TypeError(f"ask for a list of image ids, got the string {ids!r}")
        places = []
        for image_id in ids:
            if image_id not in self._rows:
                raise ValueError(f"image {image_id!r} is not in the feature store {self.folder}")
            places.append(self._rows[image_id])
        if not places:
            raise ValueError("ask for at least one image id")
        shards = {number: self._shard(number) for number, _ in places}
        names = shards[places[0][0]]
        return {name: torch.stack([shards[number][name][row] for number, row in places]) for name in names}

    def _shard(self, number: int) -> dict[str, Tensor]:
        if number not in self._open:
            with safe_open(shard_path(self.folder, number), framework="pt") as file:
                # Views of the mapped file: nothing is read before a row is copied out.
                self._open[number] = {name: file.get_tensor(name) for name in sorted(file.keys())}
        return self._open[number]

    def broken(self) -> list[Path]:
        """Shards whose bytes differ from their checksum; `extract_features` rebuilds them. Reads everything."""
        paths = [shard_path(self.folder, number) for number in range(len(self._shards))]
        return [
            path
            for path, shard in zip(paths, self._shards, strict=True)
            if file_digest(path) != shard["checksum"]
        ]

    def digest(self) -> str:
        """Checksum over all shards: what a result computed from the features depends on."""
        return hashlib.sha256(" ".join(shard["checksum"] for shard in self._shards).encode()).hexdigest()


def index_json(folder: Path, layout: StoreLayout) -> str:
    """The index of a finished store; the same whoever writes it.

    Raises:
        ValueError: a shard has no record, or holds tensors of other shapes than the first.
    """
    shards: list[dict[str, Any]] = []
    shapes: dict[str, list[int]] | None = None
    for index, ids in enumerate(layout.shards()):
        record = read_record(folder, index)
        if record is None:
            raise ValueError(f"shard {index} of {folder} has no record")
        shapes = record.shapes if shapes is None else shapes
        if record.shapes != shapes:
            raise ValueError(
                f"encode must give the same shapes for every image, got {shapes} and {record.shapes}"
            )
        shards.append({"checksum": record.checksum, "ids": list(ids), "size": record.size})
    return json.dumps({"dtype": layout.dtype, "key": layout.key, "shards": shards}, sort_keys=True)
