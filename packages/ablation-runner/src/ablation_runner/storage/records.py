"""Records that say a result is finished, and which files it consists of."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ablation_runner.errors import StudyError
from ablation_runner.storage.files import write_json


class Record(dict[str, Any]):
    """The fields of a record, which knows its file: one that is missing is refused where it is read.

    Args:
        fields: as in the file.
        path: of the file.
    """

    def __init__(self, fields: Mapping[str, Any], path: Path) -> None:
        """Takes the fields over."""
        super().__init__(fields)
        self.path = path

    def __missing__(self, field: str) -> Any:
        """Refuses, naming the file and the field."""
        raise StudyError(f"{self.path}: has no field {field!r}; delete the file, and it is made again")


def write_record(path: Path, record: Mapping[str, Any], *, files: Sequence[Path]) -> None:
    """Writes a record after the files it stands for, with their sizes and checksums.

    Args:
        path: of the record.
        record: plain values.
        files: what it stands for, complete, in the same folder or below.
    """
    stand = {
        file.relative_to(path.parent).as_posix(): {"bytes": file.stat().st_size, "sha256": file_digest(file)}
        for file in files
    }
    write_json(path, {**record, "files": stand})


def read_record(path: Path) -> Record | None:
    """A record; None where there is none, it cannot be read, or a file it stands for is missing or has another size."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        files = fields.get("files", {})
        same = all((path.parent / _inside(name)).stat().st_size == files[name]["bytes"] for name in files)
    except (OSError, ValueError, AttributeError, TypeError, KeyError, RecursionError):
        return None
    return Record(fields, path) if same else None


def is_intact(path: Path) -> bool:
    """Whether a record can be read and its files have the bytes that were recorded; reads all of them."""
    record = read_record(path)
    if record is None:
        return False
    files = record.get("files", {})
    return all(file_digest(path.parent / name) == files[name].get("sha256") for name in files)


def _inside(name: str) -> Path:
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise ValueError(f"{name!r} leads out of the folder")
    return Path(name)


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
