"""The command `ablate`. Nothing here imports torch; a subcommand that needs it imports it late."""

import sys

import typer

from ablation_runner.commands.claims import claims
from ablation_runner.commands.explain import explain
from ablation_runner.commands.folders import clean, compare, doctor
from ablation_runner.commands.studies import new, schema, studies
from ablation_runner.commands.trials import plan, report, run, status
from ablation_runner.errors import StudyError

app = typer.Typer(
    name="ablate",
    help="Ablation studies of vision-language models: from a short TOML file to a verdict.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for command in (studies, new, schema, plan, run, status, report, claims, compare, explain, clean, doctor):
    app.command()(command)


def main() -> None:
    """Runs the command; what a user got wrong is one line on standard error and exit code 2, files in trouble 1."""
    try:
        app()
    except StudyError as error:
        sys.stderr.write(f"ablate: {error}\n")
        sys.exit(2)
    except OSError as error:  # such as a full disk
        where = f"{error.filename}: " if error.filename else ""
        sys.stderr.write(f"ablate: {where}{error.strerror or error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
