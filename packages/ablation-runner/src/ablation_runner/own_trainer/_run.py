"""One trial that a command trains and tests: run, collected, compared with its fellows, and recorded."""

import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl

from ablation_runner.failure import TrialFailedError
from ablation_runner.leases import Lease
from ablation_runner.own_trainer._beside import read_costs, read_curve
from ablation_runner.own_trainer._collect import collect
from ablation_runner.own_trainer._waiting import wait_for_lease
from ablation_runner.plan import CommandTrial, command_line
from ablation_runner.storage.files import write_frame
from ablation_runner.storage.records import write_record
from ablation_runner.storage.store import RunFolder, StageFolder
from ablation_runner.work_off import Check

Tell = Callable[..., None]


def run_trial(
    trial: CommandTrial, run: RunFolder, others: Sequence[CommandTrial], tell: Tell, check: Check
) -> None:
    """Runs a trial's command to its end and records what it left.

    Args:
        trial: what to run.
        run: where it is kept; the trial's record is written last.
        others: the study's trials, which must have been tested on the same items.
        tell: called with an event's name and fields.
        check: refuses where this worker has lost the trial; called before anything is written.

    Raises:
        LostLeaseError: as `check`.
        TrialFailedError: the command failed, or left no results that can be used.
    """
    folder, stage = run.trial(trial.name), run.stage(trial.stages[0])
    tell("trial", trial=trial.name, step=0, steps=1)
    with wait_for_lease(stage.lease_file) as lease:  # a study beside this one may be running the same command
        rows = _collected(trial, stage)
        if rows is None:
            _run_stage(trial, stage, lease)
            rows = collect(trial, stage.out)
    ran = stage.record()
    seconds = float(ran["seconds"]) if ran else 0.0
    curve, costs = read_curve(trial, stage.out), read_costs(stage.out)
    score = float(rows.select(pl.col("value").sum() / pl.col("weight").sum()).item())
    check()
    write_frame(folder.items_file, rows.with_columns(pl.col("valid").fill_null(True)))
    if curve is not None:
        write_frame(folder.curve_file, curve)
    record = {
        "trial": trial.name,
        "arm": trial.arm,
        "seed": trial.seed,
        "status": "finished",
        "cause": None,
        "score": score,
        "says_valid": rows["valid"].null_count() == 0,
        "train_seconds": seconds or None,
        **costs,
    }
    files = [folder.items_file] if curve is None else [folder.items_file, folder.curve_file]
    with wait_for_lease(run.path / ".items"):  # else two that finish at once would not see each other
        try:
            _refuse_other_items(rows, run, others)
        except TrialFailedError:
            stage.record_file.unlink(missing_ok=True)  # so that the next attempt runs the command again
            raise
        check()
        write_record(folder.record_file, record, files=files)
    tell("finished", trial=trial.name, score=score, seconds=seconds)


def _collected(trial: CommandTrial, stage: StageFolder) -> pl.DataFrame | None:
    """What an earlier run of the command left, where it ended well and left what can be used; else None."""
    if stage.record() is None:
        return None
    try:
        return collect(trial, stage.out)
    except TrialFailedError:
        return None


def _run_stage(trial: CommandTrial, stage: StageFolder, lease: Lease) -> None:
    """Runs the command and records that it ended well, and how long it took where no earlier run had begun it."""
    is_whole = not stage.out.exists()
    seconds = run_command(command_line(trial, out=stage.out.resolve()), stage)
    lease.check()
    known = round(seconds, 3) if is_whole else 0.0
    write_record(stage.record_file, {"trial": trial.name, "steps": 1, "seconds": known}, files=[])


def run_command(command: Sequence[str], stage: StageFolder) -> float:
    """The seconds that a command took; it and what it prints are added to the stage's log.

    Args:
        command: program and arguments.
        stage: whose folder it leaves its results in.

    Raises:
        TrialFailedError: it ended with an error, or was killed.
    """
    stage.out.mkdir(parents=True, exist_ok=True)
    guard = [sys.executable, "-m", "ablation_runner.own_trainer._guard", str(stage.path / ".command")]
    began, last = time.perf_counter(), ""
    with stage.log.open("ab", buffering=0) as log:
        log.write(f"$ {shlex.join(command)}\n".encode())
        with subprocess.Popen(
            [*guard, *command], stdin=subprocess.PIPE, stdout=log, stderr=subprocess.PIPE
        ) as child:
            for line in child.stderr or ():
                log.write(line)
                last = line.decode(errors="replace").strip() or last
            code = child.wait()
    if code:
        raise TrialFailedError(_cause(code, last, stage.log))
    return time.perf_counter() - began


def _cause(code: int, last: str, log: Path) -> str:
    try:
        how = f"was killed by {signal.Signals(code - 128).name}"
    except ValueError:
        how = f"ended with exit code {code}"
    return f"the command {how}{': ' if last else ''}{last}; what it printed: {log}"


def _refuse_other_items(rows: pl.DataFrame, run: RunFolder, others: Sequence[CommandTrial]) -> None:
    """Refuses a trial that was tested on other items than those of the study that have finished."""
    for other in others:
        folder = run.trial(other.name)
        record = folder.record()
        if record is None or record["status"] != "finished":
            continue
        theirs = pl.read_parquet(folder.items_file, columns=["item", "cluster"])
        own = set(rows.select("item", "cluster").iter_rows())
        known = set(theirs.iter_rows())
        for found, what in ((own - known, "does not have"), (known - own, "has, and this one has not")):
            if found:
                item = min(str(item) for item, _ in found)
                raise TrialFailedError(
                    f"it was tested on other items than {other.name}: {len(found)} that {other.name} {what}, such as "
                    f"{item!r}; every arm and seed must be tested on the same items and clusters"
                )
        return
