"""The missing trials of a study, run by workers until none is left to take."""

import time
from collections.abc import Callable
from typing import Any

from rich.console import Console

from ablation_runner.cleaning.recovery import forget_failure, sweep
from ablation_runner.leases import is_leased, take_part
from ablation_runner.plan import Trial, read_plan, write_plan
from ablation_runner.pools import Pool, WorkerEnd
from ablation_runner.running.in_process import work_here
from ablation_runner.running.prepared import Prepared
from ablation_runner.running.progress import Progress, shown
from ablation_runner.storage.files import write_atomically
from ablation_runner.storage.lock import lock_study
from ablation_runner.storage.store import RunFolder

_LOOK_EVERY = 0.5  # seconds between looks at trials that other commands run

OnEvent = Callable[[dict[str, Any]], None]


def run_missing(
    prepared: Prepared, missing: list[Trial], console: Console, *, workers: int, pool: Pool
) -> None:
    """Runs trials to their records; those that another command has in work are waited for.

    Args:
        prepared: the study.
        missing: its trials without a result.
        console: where progress goes.
        workers: trials at a time; 0 runs them one after the other in this process.
        pool: where they run.
    """
    folder = prepared.folder
    sweep(folder, logs=True)
    with take_part(folder.live):
        write_atomically(folder.study_file, lambda file: file.write_text(prepared.text, encoding="utf-8"))
        for trial in missing:
            forget_failure(folder.trial(trial.name))
        lock_study(folder, prepared.study)
        console.print(_headline(prepared, missing, workers), markup=False, highlight=False)
        steps = {trial.name: trial.steps for trial in missing}
        progress = Progress(trials=len(missing), steps=steps, workers=max(1, workers))
        with shown(progress, console) as on_event:
            ends = _work_off(prepared, missing, workers=workers, pool=pool, on_event=on_event)
    sweep(folder)
    for end in ends:
        if end.exit_code:
            line = f"worker {end.worker} ended with code {end.exit_code}; see {end.log}"
            console.print(line, markup=False, soft_wrap=True)


def _headline(prepared: Prepared, missing: list[Trial], workers: int) -> str:
    tuned = missing[0] in prepared.tuning
    done = len(prepared.tuning if tuned else prepared.trials) - len(missing)
    reused = f", {done} finished before" if done else ""
    what = "tuning trials" if tuned else "trials"
    how = f"{workers} at a time" if workers else "one after the other in this process"
    return f"{prepared.name}: {len(missing)} {what} to run{reused}, {how}"


def _work_off(
    prepared: Prepared, missing: list[Trial], *, workers: int, pool: Pool, on_event: OnEvent
) -> list[WorkerEnd]:
    """Starts workers until every trial has a record, or nothing more comes of it; how the last ones ended."""
    folder, left = prepared.folder, missing
    planned = prepared.tuning if missing[0] in prepared.tuning else [*prepared.tuning, *prepared.trials]
    while True:
        write_plan(folder.plan_file, planned, prepared.arms)  # another command may have planned other trials
        ends = _ends(prepared, missing[0].processes, workers, pool, on_event)
        before, left = left, _unrecorded(prepared, left)
        waited = bool(left) and _wait_for_others(prepared, left, on_event)
        left = _unrecorded(prepared, left)
        died = any(end.exit_code for end in ends) and len(left) < len(before)
        if not left or not (waited or died or _is_replaced(folder, planned)):
            return ends  # else others take over what was left, here or elsewhere


def _is_replaced(folder: RunFolder, planned: list[Trial]) -> bool:
    """Whether another command has written another plan, which workers of this one may have read."""
    return {trial.name for trial in read_plan(folder.plan_file)} != {trial.name for trial in planned}


def _ends(prepared: Prepared, processes: int, workers: int, pool: Pool, on_event: OnEvent) -> list[WorkerEnd]:
    """How the workers of one round through the plan ended."""
    if not workers:
        return work_here(prepared.folder, on_event=on_event)
    threads = prepared.study.engine.threads
    return pool.run(prepared.folder, workers=workers, processes=processes, threads=threads, on_event=on_event)


def _wait_for_others(prepared: Prepared, left: list[Trial], on_event: OnEvent) -> bool:
    """Waits until no other command has one of the trials in work; false where none had."""
    waited = False
    while any(is_leased(prepared.folder.trial(trial.name).lease_file) for trial in left):
        waited = True
        time.sleep(_LOOK_EVERY)
        on_event({"event": "tick"})
        left = _unrecorded(prepared, left)
    return waited


def _unrecorded(prepared: Prepared, trials: list[Trial]) -> list[Trial]:
    return [trial for trial in trials if prepared.folder.trial(trial.name).record() is None]
