"""The layout of a feature store on disk: fixed shards, each with a record that says when it is valid."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import save
from torch import Tensor

from ._files import file_digest, write_whole

INDEX = "index.json"


@dataclass(frozen=True, kw_only=True)
class StoreLayout:
    """What fixes every byte of a store, together with the images: its hash names the folder.

    Attributes:
        key: what made the features (weights, spec, reduction); anything that JSON can hold.
        ids: of the images, in order; they differ.
        batch_size: images per call of the encoder; a batch never crosses a shard.
        shard_size: images per shard.
        dtype: of stored floating tensors: float32, float16 or bfloat16.
        exact: names of floating tensors that keep their own type.
    """

    key: Mapping[str, Any]
    ids: tuple[str, ...]
    batch_size: int
    shard_size: int
    dtype: str
    exact: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse sizes and names that give no layout."""
        if not self.ids:
            raise ValueError("a feature store needs at least one image")
        if len(set(self.ids)) != len(self.ids):
            raise ValueError("image ids must differ")
        if self.batch_size < 1 or self.shard_size < 1:
            raise ValueError(
                f"batch_size and shard_size must be 1 or more, got {self.batch_size}, {self.shard_size}"
            )
        if self.dtype not in ("float32", "float16", "bfloat16"):
            raise ValueError(f"dtype must be float32, float16 or bfloat16, got {self.dtype!r}")

    def digest(self) -> str:
        """SHA-256 of the layout, in hexadecimal.

        Raises:
            TypeError: the key holds something that JSON does not.
        """
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    def shards(self) -> list[tuple[str, ...]]:
        """Image ids of each shard."""
        return [
            self.ids[start : start + self.shard_size] for start in range(0, len(self.ids), self.shard_size)
        ]


@dataclass(frozen=True, kw_only=True)
class ShardRecord:
    """The record that makes a shard valid; written after it.

    Attributes:
        ids: of its rows.
        images: SHA-256 of each row's decoded image.
        shapes: of each named tensor, without its rows; the same for all shards.
        checksum: SHA-256 of the shard's file.
        size: bytes of the shard's file.
    """

    ids: tuple[str, ...]
    images: tuple[str, ...]
    shapes: dict[str, list[int]]
    checksum: str
    size: int


def shard_path(folder: Path, index: int) -> Path:
    """Where a shard's tensors stand."""
    return folder / f"shard-{index:05d}.safetensors"


def record_path(folder: Path, index: int) -> Path:
    """Where a shard's record stands."""
    return folder / f"shard-{index:05d}.json"


def read_record(folder: Path, index: int) -> ShardRecord | None:
    """A shard's record; None while there is none that can be read."""
    try:
        fields = json.loads(record_path(folder, index).read_text(encoding="utf-8"))
        return ShardRecord(**{**fields, "ids": tuple(fields["ids"]), "images": tuple(fields["images"])})
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None


def write_shard(
    folder: Path, index: int, tensors: Mapping[str, Tensor], ids: Sequence[str], images: Sequence[str]
) -> None:
    """A shard and, once it is on disk, its record."""
    data = save(dict(tensors))
    write_whole(shard_path(folder, index), data)
    record = ShardRecord(
        ids=tuple(ids),
        images=tuple(images),
        shapes={name: list(tensor.shape[1:]) for name, tensor in tensors.items()},
        checksum=hashlib.sha256(data).hexdigest(),
        size=len(data),
    )
    write_whole(record_path(folder, index), json.dumps(asdict(record), sort_keys=True).encode())


def sound(folder: Path, index: int, record: ShardRecord | None) -> bool:
    """Whether a shard's file is there and has the bytes that its record names."""
    path = shard_path(folder, index)
    if record is None or not path.is_file() or path.stat().st_size != record.size:
        return False
    return file_digest(path) == record.checksum
