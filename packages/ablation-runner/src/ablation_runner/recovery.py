"""What a kill, a full disk or a stray hand left in a runs folder, put right before workers start."""

import shutil
from collections.abc import Iterator, Sequence

from ablation_runner.files import left_over
from ablation_runner.locks import try_lock
from ablation_runner.plan import Trial
from ablation_runner.records import is_intact
from ablation_runner.store import RunFolder, StageFolder, TrialFolder


def mend(run: RunFolder, trials: Sequence[Trial]) -> Iterator[str]:
    """Takes back every result whose files are not those its record names; gives a line for each.

    What another process holds is left alone. A checkpoint that a finished stage left behind is removed.

    Args:
        run: the study's folder.
        trials: as planned.
    """
    for trial in trials:
        yield from _mend_trial(run.trial(trial.name))
    for key in dict.fromkeys(key for trial in trials for key in trial.stages):
        yield from _mend_stage(run.stage(key))


def sweep(run: RunFolder) -> None:
    """Removes old logs and what killed processes were still filling; only for who is alone in the runs folder."""
    for folder in (run.path, run.features, run.stages):
        for path in left_over(folder):
            path.unlink(missing_ok=True)
    shutil.rmtree(run.logs, ignore_errors=True)


def forget_failure(folder: TrialFolder) -> None:
    """Removes the record of a failed trial, so that it is tried again, unless another process has the trial."""
    record = folder.record()
    if record and record["status"] == "failed":
        with try_lock(folder.lock_file) as mine:
            record = folder.record()
            if mine and record and record["status"] == "failed":
                folder.record_file.unlink()


def _mend_trial(folder: TrialFolder) -> Iterator[str]:
    if folder.record_file.exists() and not (folder.record() and is_intact(folder.record_file)):
        with try_lock(folder.lock_file) as mine:
            if mine:
                folder.record_file.unlink()
                yield f"{folder.path.name}: its files are not those that were written; it runs again"


def _mend_stage(folder: StageFolder) -> Iterator[str]:
    broken = folder.record_file.exists() and folder.record() is None
    left = folder.checkpoint.exists() and folder.record() is not None
    if broken or left:
        with try_lock(folder.lock_file) as mine:
            if mine and broken:
                folder.record_file.unlink()
                yield f"stage {folder.path.name}: its weights are not those that were written; it is trained again"
            elif mine:
                shutil.rmtree(folder.checkpoint, ignore_errors=True)
