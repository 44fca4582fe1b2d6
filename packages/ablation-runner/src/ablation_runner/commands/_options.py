"""Arguments and options that several subcommands share."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

StudyArgument = Annotated[
    str, typer.Argument(metavar="STUDY", help="A built-in study's name, or a TOML file.")
]
StudiesArgument = Annotated[
    list[str], typer.Argument(metavar="STUDY...", help="Built-in studies' names, or TOML files.")
]
RunsOption = Annotated[Path, typer.Option("--runs", metavar="DIR", help="Where runs are kept.")]
SmokeOption = Annotated[
    bool, typer.Option("--smoke", help="Two steps on 64 items, to see that all arms work.")
]
ProcessesOption = Annotated[
    int,
    typer.Option(
        "--processes", min=1, metavar="N", help="Ranks per trial, started by the DeepSpeed launcher."
    ),
]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        "--workers",
        min=0,
        metavar="N",
        help="Trials at a time; as many as the GPUs or cores allow. 0 runs them in this process, as for a debugger.",
    ),
]
HostfileOption = Annotated[
    Path | None,
    typer.Option(
        "--hostfile",
        metavar="FILE",
        help="Each trial spans these machines, a line 'NAME slots=RANKS' for each, through the DeepSpeed launcher.",
    ),
]
ClusterOption = Annotated[
    str | None,
    typer.Option("--cluster", metavar="NAME", help="Workers are jobs of this cluster: slurm."),
]
ClusterOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--cluster-option",
        metavar="KEY=VALUE",
        help="Of its jobs: partition, time, gpus, cpus, memory, or another one of sbatch; may be repeated.",
    ),
]
ScaleOption = Annotated[
    str | None,
    typer.Option(
        "--scale",
        metavar="NAME",
        help="A scale of the study, such as gpu; the file as it stands if left out.",
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="Replaces a value of the study file, such as training.steps=200; may be repeated.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Prints JSON, for scripts.")]

RUNS = Path("runs")


def print_json(value: Any) -> None:
    """Prints a value as JSON that a person can read too."""
    typer.echo(json.dumps(value, indent=1, ensure_ascii=False))
