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

    from ablation_runner.clean import delete_garbage, show_garbage
    from ablation_runner.garbage import find_garbage

    name = Path(study).name.removesuffix(".toml") if study else None
    garbage = delete_garbage(runs, study=name) if yes else find_garbage(runs, study=name)
    if as_json:
        print_json([{"path": str(each.path), "kind": each.kind, "bytes": each.size} for each in garbage])
    else:
        show_garbage(garbage, runs, Console(), deleted=yes)
