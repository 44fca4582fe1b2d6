"""A prepared study run and reported."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from ablation_runner.cleaning.recovery import mend, sweep
from ablation_runner.machine import check_machine
from ablation_runner.own_trainer._check import refuse_hosts, require_programs
from ablation_runner.plan import Trial
from ablation_runner.pools import Hosts, Pool, ThisMachine, choose_pool, ranks_per_trial
from ablation_runner.running.in_process import refuse_other_processes
from ablation_runner.running.missing import run_missing
from ablation_runner.running.prepared import DEFAULT_RUNS, Prepared, prepare
from ablation_runner.storage.store import RunFolder
from ablation_runner.study import TrainedStudy

_HERE = ThisMachine()


def run(
    study: str,
    *,
    runs: Path = DEFAULT_RUNS,
    scale: str | None = None,
    workers: int | None = None,
    processes: int = 1,
    hostfile: Path | None = None,
    cluster: str | None = None,
    cluster_options: Sequence[str] = (),
    overrides: Sequence[str] = (),
) -> Path:
    """Runs a study as `ablate run` does; gives its folder.

    Args:
        study: name of a built-in study, or path of a TOML file.
        runs: where runs are kept.
        scale: one of the study's, such as "gpu"; the file as it stands if None.
        workers: trials at a time; as many as the GPUs or cores allow if None, one by one in this process if 0.
        processes: ranks per trial.
        hostfile: each trial spans the machines that it names.
        cluster: "slurm": workers are its jobs.
        cluster_options: of the jobs, as `partition=gpu`.
        overrides: values that replace the file's, as `training.steps=200`.

    Raises:
        StudyError: the study cannot be used as it is, or no trial of it has finished.
    """
    pool = choose_pool(hostfile=hostfile, cluster=cluster, options=cluster_options)
    ranks = ranks_per_trial(pool, processes)
    prepared = prepare(study, runs=runs, scale=scale, processes=ranks, overrides=overrides)
    run_study(prepared, Console(), workers=workers, pool=pool)
    return prepared.folder.path


def run_study(
    prepared: Prepared, console: Console, *, workers: int | None = None, pool: Pool = _HERE
) -> bool:
    """Runs what is missing and reports; true where every trial has finished.

    Args:
        prepared: the study.
        console: where progress and the table go.
        workers: trials at a time; as many as the pool has room for if None, one by one in this process if 0.
        pool: where they run.

    Raises:
        StudyError: the pool has no room for so many, or does not answer.
    """
    for line in mend(prepared.folder, [*prepared.tuning, *prepared.trials]):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    missing = due_trials(prepared)
    if missing:
        require_programs(missing)
        if isinstance(pool, Hosts):
            refuse_hosts(missing)
        if workers == 0:
            refuse_other_processes(missing)
    else:
        sweep(prepared.folder)
        done = f"Nothing to do: all {len(prepared.trials)} trials of {prepared.name} are finished."
        console.print(done, markup=False)
        if (prepared.folder.report / "index.html").is_file():
            console.print(f"Report: {prepared.folder.report / 'index.html'}", markup=False, soft_wrap=True)
            return True
    tried: set[str] = set()
    while missing:
        if isinstance(prepared.study, TrainedStudy) and isinstance(pool, ThisMachine):
            check_machine(prepared.study.engine)
        ranks = {"processes": missing[0].processes}
        at_once = workers
        if at_once is None:
            at_once = pool.at_once(len(missing), threads=prepared.study.engine.threads, **ranks)
        pool.check(prepared.folder, workers=at_once, **ranks)
        run_missing(prepared, missing, console, workers=at_once, pool=pool)
        prepared, tried = prepared.plan_again(), tried | {trial.name for trial in missing}
        # What was tried before has failed, or its worker died and nobody could take over.
        missing = [trial for trial in due_trials(prepared) if trial.name not in tried]
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
    console.print(f"Report: {page}", markup=False, soft_wrap=True)
    return page


def is_finished(folder: RunFolder, trial: Trial) -> bool:
    """Whether the trial has a result."""
    record = folder.trial(trial.name).record()
    return record is not None and record["status"] == "finished"
