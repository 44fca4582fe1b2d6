"""Subcommands about a study's trials: planned, run, and reported."""

import shlex
import sys

import typer

from ablation_runner.commands._options import (
    RUNS,
    ClusterOption,
    ClusterOptions,
    HostfileOption,
    JsonOption,
    ProcessesOption,
    RunsOption,
    ScaleOption,
    SetOption,
    SmokeOption,
    StudiesArgument,
    StudyArgument,
    WorkersOption,
    print_json,
)


def plan(
    study: StudyArgument,
    overrides: SetOption = None,
    scale: ScaleOption = None,
    processes: ProcessesOption = 1,
    workers: WorkersOption = None,
    runs: RunsOption = RUNS,
    smoke: SmokeOption = False,
    as_json: JsonOption = False,
) -> None:
    """Shows arms, seeds, what differs from the baseline, and the expected cost; runs nothing."""
    from rich.console import Console

    from ablation_runner.outlook.describe_plan import describe_plan
    from ablation_runner.outlook.show_plan import show_plan
    from ablation_runner.running.prepared import prepare

    prepared = prepare(
        study, runs=runs, scale=scale, processes=processes, smoke=smoke, overrides=overrides or ()
    )
    described = describe_plan(prepared, workers=workers)
    if as_json:
        print_json(described)
    else:
        show_plan(described, Console())


def run(
    studies: StudiesArgument,
    overrides: SetOption = None,
    scale: ScaleOption = None,
    processes: ProcessesOption = 1,
    workers: WorkersOption = None,
    hostfile: HostfileOption = None,
    cluster: ClusterOption = None,
    cluster_options: ClusterOptions = None,
    runs: RunsOption = RUNS,
    smoke: SmokeOption = False,
) -> None:
    """Trains and tests every arm under every seed, then reports. What is finished already is not repeated.

    Several studies run one after the other; all are checked before the first one starts.
    """
    from rich.console import Console

    from ablation_runner.pools import choose_pool, ranks_per_trial
    from ablation_runner.running.pipeline import run_study
    from ablation_runner.running.prepared import prepare

    pool = choose_pool(hostfile=hostfile, cluster=cluster, options=cluster_options or ())
    processes = ranks_per_trial(pool, processes)
    every = [
        prepare(study, runs=runs, scale=scale, processes=processes, smoke=smoke, overrides=overrides or ())
        for study in studies
    ]
    finished = True
    for prepared in every:
        try:
            finished = run_study(prepared, Console(), workers=workers, pool=pool) and finished
        except KeyboardInterrupt:  # Typer would end without a word
            again = shlex.join([*shlex.split(prepared.command), *pool.arguments])
            sys.stderr.write(f"ablate: stopped; to continue where it left off: {again}\n")
            raise typer.Exit(130) from None
    if not finished:
        raise typer.Exit(1)


def report(
    study: StudyArgument,
    overrides: SetOption = None,
    scale: ScaleOption = None,
    processes: ProcessesOption = 1,
    runs: RunsOption = RUNS,
    smoke: SmokeOption = False,
) -> None:
    """Writes the report of what has been run so far, and prints its main table."""
    from rich.console import Console

    from ablation_runner.running.pipeline import report_study
    from ablation_runner.running.prepared import prepare

    prepared = prepare(
        study, runs=runs, scale=scale, processes=processes, smoke=smoke, overrides=overrides or ()
    )
    report_study(prepared, Console())


def status(
    study: StudyArgument,
    overrides: SetOption = None,
    scale: ScaleOption = None,
    processes: ProcessesOption = 1,
    runs: RunsOption = RUNS,
    smoke: SmokeOption = False,
    as_json: JsonOption = False,
) -> None:
    """Shows which trials are finished, failed, running or waiting, also where another command runs them."""
    from rich.console import Console

    from ablation_runner.running.prepared import prepare
    from ablation_runner.status import show_status, study_status

    prepared = prepare(
        study, runs=runs, scale=scale, processes=processes, smoke=smoke, overrides=overrides or ()
    )
    found = study_status(prepared)
    if as_json:
        print_json(found)
    else:
        show_status(found, Console())
