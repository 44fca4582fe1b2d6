"""Subcommands about run folders and the machine: compared, cleaned, examined."""

from pathlib import Path
from typing import Annotated

import typer

from ablation_runner.commands._options import RUNS, JsonOption, RunsOption, print_json


def clean(
    study: Annotated[
        str | None,
        typer.Argument(metavar="[STUDY]", help="Look at this study's folder alone.", show_default=False),
    ] = None,
    runs: RunsOption = RUNS,
    yes: Annotated[bool, typer.Option("--yes", help="Deletes what was found.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Shows what no study's plan refers to any more, with sizes; deletes it with --yes."""
    from rich.console import Console

    from ablation_runner.cleaning.clean import delete_garbage, show_garbage
    from ablation_runner.cleaning.garbage import find_garbage

    name = Path(study).name.removesuffix(".toml") if study else None
    garbage = delete_garbage(runs, study=name) if yes else find_garbage(runs, study=name)
    if as_json:
        print_json([{"path": str(each.path), "kind": each.kind, "bytes": each.size} for each in garbage])
    else:
        show_garbage(garbage, runs, Console(), deleted=yes)


def compare(
    first: Annotated[
        Path, typer.Argument(metavar="RUN_A", help="A run's folder, such as runs/fusion-method.")
    ],
    second: Annotated[Path, typer.Argument(metavar="RUN_B", help="Another run's folder of the same study.")],
    as_json: JsonOption = False,
) -> None:
    """Compares two runs of a study: every arm paired by seed and item, and what was done differently."""
    from rich.console import Console

    from ablation_runner.comparing.compare import compare_runs
    from ablation_runner.comparing.show_comparison import show_comparison

    comparison = compare_runs(first, second)
    if as_json:
        print_json(comparison.plain())
    else:
        show_comparison(comparison, Console())


def doctor(runs: RunsOption = RUNS, as_json: JsonOption = False) -> None:
    """Examines what a study needs here; exit code 1 where something is broken."""
    from dataclasses import asdict

    from ablation_runner.doctor import examine

    findings = []
    for finding in examine(runs):
        findings.append(finding)
        if not as_json:
            advice = f" → {finding.advice}" if finding.advice else ""
            typer.echo(f"{finding.state:7}{finding.what}: {finding.found}{advice}")
    if as_json:
        print_json([asdict(finding) for finding in findings])
    if any(finding.state == "broken" for finding in findings):
        raise typer.Exit(1)
