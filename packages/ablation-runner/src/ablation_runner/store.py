"""A run on disk: where everything lies, and writes that a kill cannot leave half done."""

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import polars as pl


@dataclass(frozen=True)
class RunFolder:
    """The files of one study's run below `path`."""

    path: Path

    @property
    def study_file(self) -> Path:
        """The study as run."""
        return self.path / "study.toml"

    @property
    def lock_file(self) -> Path:
        """Claims as they were before the first result, versions, hardware, commit."""
        return self.path / "study.lock.json"

    @property
    def plan_file(self) -> Path:
        """Arms × seeds with their configurations and costs."""
        return self.path / "plan.parquet"

    @property
    def report(self) -> Path:
        """The report's folder."""
        return self.path / "report"

    @property
    def features(self) -> Path:
        """Stored features of all studies beside this one, a folder per hash of all that determines them."""
        return self.path.parent / "features"

    def stage(self, key: str) -> "StageFolder":
        """The folder of a stage of training, which all studies beside this one share."""
        return StageFolder(self.path.parent / "stages" / key)

    def trial(self, name: str) -> "TrialFolder":
        """The folder of one trial."""
        return TrialFolder(self.path / "trials" / name)

    def log(self, worker: int) -> Path:
        """What worker number `worker` and the libraries below it print."""
        return self.path / "logs" / f"worker-{worker}.log"


@dataclass(frozen=True)
class TrialFolder:
    """The files of one trial; it is finished once `trial.json` exists, which is written last."""

    path: Path

    @property
    def record_file(self) -> Path:
        """Arm, seed, status, times, cause of failure."""
        return self.path / "trial.json"

    @property
    def curve_file(self) -> Path:
        """Losses by step."""
        return self.path / "train.parquet"

    @property
    def items_file(self) -> Path:
        """One row per prediction."""
        return self.path / "items.parquet"

    def record(self) -> dict[str, Any] | None:
        """The record of a finished or failed trial, None before."""
        return _read_record(self.record_file)


@dataclass(frozen=True)
class StageFolder:
    """The files of one stage of training; it is finished once `stage.json` exists, which is written last."""

    path: Path

    @property
    def record_file(self) -> Path:
        """Steps, seconds and losses of the stage."""
        return self.path / "stage.json"

    @property
    def weights_file(self) -> Path:
        """Every weight that this stage or one before it has trained."""
        return self.path / "weights.safetensors"

    @property
    def checkpoint(self) -> Path:
        """State to resume from, removed when the stage is finished."""
        return self.path / "checkpoint"

    def record(self) -> dict[str, Any] | None:
        """The record of a finished stage, None before."""
        return _read_record(self.record_file)


def _read_record(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return record


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


def write_frame(path: Path, frame: pl.DataFrame) -> None:
    """Writes `frame` as Parquet, atomically."""
    write_atomically(path, frame.write_parquet)


@contextmanager
def try_lock(path: Path) -> Iterator[bool]:
    """Whether this process holds the lock file `path` for the time of the block; released if it dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


@contextmanager
def hold_lock(path: Path) -> Iterator[None]:
    """Holds the lock file `path` for the time of the block, waiting for whoever has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def content_hash(value: object) -> str:
    """Sixteen hexadecimal digits that name a JSON value, whatever the order of its keys.

    >>> content_hash({"a": 1, "b": 2}) == content_hash({"b": 2, "a": 1})
    True
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def source_digest(*packages: str) -> str:
    """A digest of the Python sources of `packages` ("vlm_fusion", or a subpackage), as they are on disk."""
    digest = hashlib.sha256()
    for package in sorted(packages):
        root = Path(str(resources.files(package)))
        for path in sorted(root.rglob("*.py")):
            digest.update(f"{package}/{path.relative_to(root)}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
