"""A run on disk: where everything lies, and what names it."""

import hashlib
import json
import platform
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from ablation_runner.errors import StudyError
from ablation_runner.storage.records import Record, read_record

TRIALS, STAGES, FEATURES, LIVE, LEASE = "trials", "stages", "features", ".live", ".lease"


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
        return self.path.parent / FEATURES

    @property
    def stages(self) -> Path:
        """Stages of training of all studies beside this one."""
        return self.path.parent / STAGES

    def stage(self, key: str) -> "StageFolder":
        """The folder of a stage of training, which all studies beside this one share.

        Raises:
            StudyError: the key would lead to another folder.
        """
        return StageFolder(self.stages / plain_name(key))

    @property
    def live(self) -> Path:
        """Where everybody has a lease who runs a study beside this one."""
        return self.path.parent / LIVE

    def trial(self, name: str) -> "TrialFolder":
        """The folder of one trial.

        Raises:
            StudyError: the name would lead to another folder.
        """
        return TrialFolder(self.path / TRIALS / plain_name(name))

    @property
    def logs(self) -> Path:
        """What the workers of the last run printed."""
        return self.path / "logs"

    def log(self, worker: str) -> Path:
        """What a worker that this machine has started and the libraries below it print."""
        return self.logs / f"{platform.node()}-worker-{worker}.log"


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

    @property
    def besides_file(self) -> Path:
        """One row per image and metric that is shown beside the one that is judged; only of arms that give such."""
        return self.path / "besides.parquet"

    @property
    def monitors(self) -> Path:
        """What DeepSpeed's monitors write, a folder per stage of training."""
        return self.path / "monitors"

    @property
    def lease_file(self) -> Path:
        """Held by the worker that has the trial."""
        return self.path / LEASE

    def record(self) -> Record | None:
        """The record of a finished or failed trial; None before, or where its files are not those it names."""
        record = read_record(self.record_file)
        return record if record and record.get("status") in ("finished", "failed") else None


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

    @property
    def out(self) -> Path:
        """What a command leaves that trains and tests in our place."""
        return self.path / "out"

    @property
    def log(self) -> Path:
        """What that command printed, run after run."""
        return self.path / "command.log"

    @property
    def lease_file(self) -> Path:
        """Held by the worker that trains the stage."""
        return self.path / LEASE

    def record(self) -> Record | None:
        """The record of a finished stage; None before, or where its files are not those it names."""
        return read_record(self.record_file)


def plain_name(name: str) -> str:
    """The name of a folder, where it is one and leads nowhere else.

    Raises:
        StudyError: it is empty, has a separator, or names this folder or the one above.
    """
    if name in ("", ".", "..") or {"/", "\\", "\0"} & set(name):
        raise StudyError(f"{name!r} cannot be the name of a folder in a run")
    return name


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
