"""What a kill, a full disk or a stray hand left in a runs folder, put right before workers start."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from ablation_runner.leases import alone_in, is_leased, try_lease
from ablation_runner.plan import Trial
from ablation_runner.storage.files import left_over
from ablation_runner.storage.records import is_intact, read_record
from ablation_runner.storage.store import LEASE, TRIALS, RunFolder, StageFolder, TrialFolder


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


def sweep(run: RunFolder, *, logs: bool = False) -> None:
    """Removes what killed processes left, files they were filling and leases, unless somebody else is there.

    Args:
        run: the study's folder; those that all studies share are swept too.
        logs: whether the logs of the last run go too.
    """
    with alone_in(run.live) as alone:
        if not alone:
            return
        for folder in (run.path, run.features, run.stages):
            for path in left_over(folder):
                path.unlink(missing_ok=True)
        for lease in (*run.path.glob(f"{TRIALS}/*/{LEASE}"), *run.stages.glob(f"*/{LEASE}")):
            if not is_leased(lease):
                lease.unlink(missing_ok=True)
        if logs:
            shutil.rmtree(run.logs, ignore_errors=True)


def forget_failure(folder: TrialFolder) -> None:
    """Removes the record of a failed trial, so that it is tried again, unless another process has the trial."""
    record = folder.record()
    if record and record["status"] == "failed":
        with try_lease(folder.lease_file) as mine:
            record = folder.record()
            if mine and record and record["status"] == "failed":
                folder.record_file.unlink()


def _mend_trial(folder: TrialFolder) -> Iterator[str]:
    if folder.record_file.exists() and not (folder.record() and is_intact(folder.record_file)):
        with try_lease(folder.lease_file) as mine:
            if mine:
                folder.record_file.unlink()
                yield f"{folder.path.name}: its files are not those that were written; it runs again"


def _mend_stage(folder: StageFolder) -> Iterator[str]:
    broken = folder.record_file.exists() and folder.record() is None
    finished = folder.record() is not None
    useless = folder.checkpoint.exists() and (finished or not _can_go_on(folder.checkpoint))
    if broken or useless:
        with try_lease(folder.lease_file) as mine:
            if mine and broken:
                folder.record_file.unlink()
                yield f"stage {folder.path.name}: its weights are not those that were written; it is trained again if needed"
            if mine and useless:
                shutil.rmtree(folder.checkpoint, ignore_errors=True)
                if not finished:
                    yield (
                        f"stage {folder.path.name}: its checkpoint is not what was written; "
                        "it is trained from its first step"
                    )


def _can_go_on(checkpoint: Path) -> bool:
    """Whether training can go on from a checkpoint: it is as written, and all of it lies in the folder that it names.

    One that was being written when its process died points nowhere yet, which is no damage.
    """
    latest = checkpoint / "latest.json"
    if not latest.exists():
        return True
    match read_record(latest):
        case {
            "file": str(name),
            "step": int(),
            "seconds": int() | float(),
            "curve": list(),
            "files": dict(files),
        }:
            return set(files) == {name} == {Path(name).name} and is_intact(latest)
    return False
