"""The subcommand that shows what the literature claims and what was measured for it here."""

from typing import Annotated

import typer

from ablation_runner.commands._options import RUNS, JsonOption, RunsOption, print_json


def claims(
    section: Annotated[
        str | None,
        typer.Option("--section", metavar="NAME", help="Claims of one section alone, such as fusion."),
    ] = None,
    statements: Annotated[
        bool,
        typer.Option("--statements", help="What the literature says in words alone, without its tables."),
    ] = False,
    runs: RunsOption = RUNS,
    as_json: JsonOption = False,
) -> None:
    """Judges the literature's claims by what was measured here, and checks its numbers against each other."""
    from ablation_runner.ledger import judge_ledger, load_ledger

    judged = judge_ledger(load_ledger(), runs, section=section, statements_only=statements)
    if as_json:
        print_json(judged.plain())
        return
    from rich.console import Console

    from ablation_runner.ledger._show import show_claims

    show_claims(judged, Console())
