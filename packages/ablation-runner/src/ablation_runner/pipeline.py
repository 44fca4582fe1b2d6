"""A prepared study run and reported."""

import os
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from ablation_runner.lock import lock_study
from ablation_runner.orchestrate import run_workers
from ablation_runner.plan import Trial, write_plan
from ablation_runner.prepared import DEFAULT_RUNS, Prepared, prepare
from ablation_runner.progress import Progress, shown
from ablation_runner.store import RunFolder, write_atomically


def run(
    study: str,
    *,
    runs: Path = DEFAULT_RUNS,
    workers: int | None = None,
    processes: int = 1,
    overrides: Sequence[str] = (),
) -> Path:
    """Runs a study as `ablate run` does; gives its folder.

    Args:
        study: name of a built-in study, or path of a TOML file.
        runs: where runs are kept.
        workers: trials at a time; as many as the cores allow if None.
        processes: ranks per trial.
        overrides: values that replace the file's, as `training.steps=200`.

    Raises:
        StudyError: the study cannot be used as it is, or no trial of it has finished.
    """
    prepared = prepare(study, runs=runs, processes=processes, overrides=overrides)
    run_study(prepared, Console(), workers=workers)
    return prepared.folder.path


def run_study(prepared: Prepared, console: Console, *, workers: int | None = None) -> bool:
    """Runs what is missing and reports; true where every trial has finished.

    Args:
        prepared: the study.
        console: where progress and the table go.
        workers: trials at a time; as many as the cores allow if None.
    """
    missing = due_trials(prepared)
    if not missing:
        console.print(f"Nothing to do: all {len(prepared.trials)} trials of {prepared.name} are finished.")
        if (prepared.folder.report / "index.html").is_file():
            console.print(f"Report: {prepared.folder.report / 'index.html'}", soft_wrap=True)
            return True
    while missing:
        _train_missing(prepared, missing, console, workers)
        prepared, before = prepared.plan_again(), missing
        missing = due_trials(prepared)
        if {trial.name for trial in missing} <= {trial.name for trial in before}:
            break  # what is left has failed, or its worker died and nobody could take over
    report_study(prepared, console)
    return prepared.is_last and all(is_finished(prepared.folder, trial) for trial in prepared.trials)


def due_trials(prepared: Prepared) -> list[Trial]:
    """The trials that can be run now: those of the tuning first, then those of the arms."""
    pending = [trial for trial in prepared.tuning if prepared.folder.trial(trial.name).record() is None]
    return pending or [trial for trial in prepared.trials if not is_finished(prepared.folder, trial)]


def report_study(prepared: Prepared, console: Console) -> Path:
    """Analyses what is there, writes the report and prints its main table.

    Raises:
        StudyError: no trial of the study has finished.
    """
    from ablation_runner.analysis import analyze
    from ablation_runner.report import print_summary, write_report

    results = analyze(prepared)
    page = write_report(results, prepared.folder.report)
    print_summary(results, console)
    console.print(f"Report: {page}", soft_wrap=True)
    return page


def default_workers(processes: int, threads: int, trials: int) -> int:
    """Trials at a time: as many as have cores of their own, at least one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores // (processes * threads), trials))


def _train_missing(prepared: Prepared, missing: list[Trial], console: Console, workers: int | None) -> None:
    engine = prepared.study.engine
    processes = prepared.trials[0].processes
    workers = workers or default_workers(processes, engine.threads, len(missing))
    folder = prepared.folder
    write_atomically(folder.study_file, lambda file: file.write_text(prepared.text, encoding="utf-8"))
    for trial in missing:
        folder.trial(trial.name).record_file.unlink(missing_ok=True)  # of a failure: it is tried again
    tuning_first = missing[0] in prepared.tuning
    planned = prepared.tuning if tuning_first else [*prepared.tuning, *prepared.trials]
    write_plan(folder.plan_file, planned, prepared.arms)
    lock_study(folder, prepared.study)
    done = len(prepared.tuning if tuning_first else prepared.trials) - len(missing)
    reused = f", {done} finished before" if done else ""
    what = "tuning trials" if tuning_first else "trials"
    console.print(
        f"{prepared.name}: {len(missing)} {what} to run{reused}, {workers} at a time", highlight=False
    )
    steps = {trial.name: trial.steps for trial in missing}
    progress = Progress(trials=len(missing), steps=steps, workers=workers)
    left = len(missing)
    with shown(progress, console) as on_event:
        while left:
            ends = run_workers(
                folder, workers=workers, processes=processes, threads=engine.threads, on_event=on_event
            )
            before, left = left, sum(folder.trial(trial.name).record() is None for trial in missing)
            if left == before or not any(end.exit_code for end in ends):
                break  # nothing more comes of it; else a worker died, and others take over what it left
    for end in ends:
        if end.exit_code:
            console.print(
                f"worker {end.worker} ended with code {end.exit_code}; see {end.log}", soft_wrap=True
            )


def is_finished(folder: RunFolder, trial: Trial) -> bool:
    """Whether the trial has a result."""
    record = folder.trial(trial.name).record()
    return record is not None and record["status"] == "finished"
