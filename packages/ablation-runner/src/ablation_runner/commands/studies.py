"""Subcommands about study files: which there are, how one begins, what one may hold."""

from typing import Annotated

import typer

from ablation_runner.commands._options import JsonOption, print_json


def studies(as_json: JsonOption = False) -> None:
    """Lists the built-in studies."""
    from ablation_runner.study import built_in_studies, load_study

    found = {name: load_study(path) for name, path in built_in_studies().items()}
    if as_json:
        print_json([{"name": name, **study.model_dump()} for name, study in found.items()])
        return
    for name, study in found.items():
        typer.echo(f"{name:24}{study.question}")


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the study; NAME.toml is written here.")],
    source: Annotated[
        str, typer.Option("--from", metavar="STUDY", help="The built-in study to start from.")
    ] = "fusion-method",
) -> None:
    """Starts a study of your own from a built-in one."""
    from ablation_runner.new_study import new_study

    path = new_study(name, source=source)
    typer.echo(f"{path} is a copy of the built-in study {source}; edit it, then: ablate plan {path}")


def schema(as_json: JsonOption = False) -> None:
    """Describes every key of a study file; as JSON Schema, for editors, with --json."""
    from ablation_runner.study._document import study_document, study_schema

    if as_json:
        print_json(study_schema())
    else:
        typer.echo(study_document(), nl=False)
