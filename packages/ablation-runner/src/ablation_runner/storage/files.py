"""Files that a kill or a full disk cannot leave half done."""

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

# Ours, and those of vlm-encoders' feature store.
_LEFT_OVER = re.compile(r"\..+\.(\d+|\w+\.part)")


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Lets `write` fill a file beside `path`, then puts it in place in one step.

    Args:
        path: the file as readers see it; its folder is made.
        write: fills the file it is given; where it raises, nothing stays behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write(beside)
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def write_json(path: Path, value: object) -> None:
    """Writes `value` as readable JSON, atomically."""
    write_atomically(path, lambda file: file.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8"))


def write_frame(path: Path, frame: "pl.DataFrame") -> None:
    """Writes `frame` as Parquet, atomically."""
    write_atomically(path, frame.write_parquet)


def left_over(folder: Path) -> Iterator[Path]:
    """Files below `folder` that a killed process was still filling; symbolic links are not followed."""
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(parent) / name
            if _LEFT_OVER.fullmatch(name) and not path.is_symlink():
                yield path
