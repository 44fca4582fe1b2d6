"""What lies in a runs folder that no study's plan refers to any more."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ablation_runner.cleaning.needed_features import NeededFeatures
from ablation_runner.errors import StudyError, nearest
from ablation_runner.plan import TrainedTrial, Trial, read_plan
from ablation_runner.storage.files import left_over
from ablation_runner.storage.store import FEATURES, LIVE, STAGES, TRIALS, RunFolder, StageFolder


@dataclass(frozen=True, kw_only=True)
class Garbage:
    """A file or a folder that is not needed.

    Attributes:
        path: where it lies.
        kind: trial, stage, checkpoint, features or left-over file.
        size: bytes of all files in it.
    """

    path: Path
    kind: str
    size: int


def find_garbage(runs: Path, *, study: str | None = None) -> list[Garbage]:
    """Everything below a runs folder that no study's last plan refers to; symbolic links are not followed.

    Where some study has no plan that can be read, nothing that studies share is garbage, and nothing of that study.

    Args:
        runs: the runs folder.
        study: look at the folder of this study alone; what studies share is then left out.

    Raises:
        StudyError: there is no such study.
    """
    plans = {folder.name: read_known_plan(RunFolder(folder)) for folder in study_folders(runs)}
    if study is not None and study not in plans:
        raise StudyError(f"{runs} holds no run of {study!r}; {nearest(study, plans)}")
    wanted = [study] if study is not None else list(plans)
    found = [(path, "trial") for name in wanted for path in _trials(runs / name, plans[name])]
    if study is None:
        found += _shared(runs, list(plans.values()))
    within = [runs / name for name in wanted] if study is not None else [runs]
    whole = {path for path, _ in found}
    found += [
        (path, "left-over file")
        for folder in within
        if _is_own_folder(folder) or folder == runs
        for path in left_over(folder)
        if not whole & set(path.parents)
    ]
    return [Garbage(path=path, kind=kind, size=size_of(path)) for path, kind in found]


def study_folders(runs: Path) -> list[Path]:
    """The folders of studies in a runs folder."""
    if not runs.is_dir():
        return []
    return sorted(
        path for path in runs.iterdir() if path.is_dir() and path.name not in (FEATURES, STAGES, LIVE)
    )


def read_known_plan(run: RunFolder) -> list[Trial] | None:
    """The trials of a study's last plan; None where it has none that can be read."""
    try:
        return read_plan(run.plan_file)
    except Exception:  # noqa: BLE001 (whatever is wrong with the file: polars, pydantic and json raise their own)
        return None


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files below a folder."""
    if not _is_own_folder(path):
        return path.lstat().st_size
    return sum((Path(parent) / name).lstat().st_size for parent, _, names in os.walk(path) for name in names)


def _trials(folder: Path, plan: list[Trial] | None) -> list[Path]:
    if plan is None or not _is_own_folder(folder):
        return []
    names = {trial.name for trial in plan}
    return [path for path in _folders(folder / TRIALS) if path.name not in names]


def _shared(runs: Path, plans: Sequence[list[Trial] | None]) -> Iterator[tuple[Path, str]]:
    """Stages and features that no plan refers to, and checkpoints that finished stages left behind."""
    trials = [trial for plan in plans for trial in plan or ()]
    known = None not in plans
    stages = {key for trial in trials for key in trial.stages}
    weights = [trial.weights for trial in trials if isinstance(trial, TrainedTrial) and trial.weights]
    tested = {
        Path(each.path).parent.name for each in weights
    }  # stages that studies without training refer to
    for path in _folders(runs / STAGES):
        folder = StageFolder(path)
        if known and path.name not in stages | tested:
            yield path, "stage"
        elif folder.record() is not None and _is_own_folder(folder.checkpoint):
            yield folder.checkpoint, "checkpoint"
    features = _folders(runs / FEATURES)
    if known and features:
        unfinished = any(RunFolder(runs / "any").stage(key).record() is None for key in stages)
        needed = NeededFeatures(trials, unfinished=unfinished)
        yield from ((path, "features") for path in features if not needed.hold(path))


def _folders(parent: Path) -> list[Path]:
    """The folders in a folder, links left out; none where the folder itself is a link or missing."""
    if not _is_own_folder(parent):
        return []
    return sorted(path for path in parent.iterdir() if _is_own_folder(path))


def _is_own_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()
