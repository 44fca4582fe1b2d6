"""The commands of `ablation-stats`, as typer reads them."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ablation_stats._audit import audit as audit_frame
from ablation_stats._claims_against import claims_against
from ablation_stats._cube import PairedCube, paired_cube
from ablation_stats._judge import judge
from ablation_stats._read_results import read_results
from ablation_stats._read_table import read_table
from ablation_stats._show import as_json, show_audit, show_comparison

app = typer.Typer(
    help="Did that part of the model matter? Verdicts from files of results.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Files = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE...",
        help="Parquet, CSV or TSV with arm, item and value; or one file per arm (sample logs of lm-eval or lmms-eval, "
        "VLMEvalKit's tsv, csv or xlsx), written FILE, ARM=FILE or ARM@SEED=FILE.",
    ),
]
Baseline = Annotated[str, typer.Option("--baseline", metavar="ARM", help="Arm the others are compared with.")]
Metric = Annotated[str | None, typer.Option("--metric", help="Needed where there are several.")]
Task = Annotated[str | None, typer.Option("--task", help="Likewise.")]
Condition = Annotated[str | None, typer.Option("--condition", help="Likewise.")]
Cluster = Annotated[
    str | None,
    typer.Option("--cluster", metavar="FIELD", help="What items share (the image), in files of one arm."),
]
Control = Annotated[
    str | None,
    typer.Option("--control", metavar="ARM", help="Positive control: an arm that must be worse (blind)."),
]
Target = Annotated[
    str | None,
    typer.Option("--generalize-to", help="both, items or seeds; default: both, or items with one seed."),
]
Lower = Annotated[bool, typer.Option("--lower-is-better", help="For losses and error rates.")]
Shared = Annotated[
    bool, typer.Option("--shared-only", help="Go on with the items and seeds that all arms share.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Margin = Annotated[
    float | None,
    typer.Option("--margin", help="Largest loss accepted: asks for non-inferiority (0.01 is one point)."),
]
Equivalence = Annotated[
    bool, typer.Option("--equivalence", help="With --margin: neither worse nor better by as much.")
]
Alpha = Annotated[float, typer.Option("--alpha", help="Error rate over all arms.")]


@app.callback()
def _root() -> None:
    """Did that part of the model matter? Verdicts from files of results."""


@app.command()
def compare(
    files: Files,
    baseline: Baseline,
    metric: Metric = None,
    task: Task = None,
    condition: Condition = None,
    cluster: Cluster = None,
    margin: Margin = None,
    equivalence: Equivalence = False,
    control: Control = None,
    generalize_to: Target = None,
    alpha: Alpha = 0.05,
    lower_is_better: Lower = False,
    shared_only: Shared = False,
    json: Json = False,
) -> None:
    """Every arm against the baseline: difference, interval, adjusted p, verdict."""
    cube = _cube(files, cluster, metric, task, condition, shared_only)
    target = generalize_to or ("both" if len(cube.seeds) > 1 else "items")
    claims = claims_against(
        cube,
        baseline=baseline,
        control=control,
        margin=margin,
        equivalence=equivalence,
        higher_is_better=not lower_is_better,
    )
    verdicts = judge(claims, cube, control=control, generalize_to=target, alpha=alpha)
    if json:
        typer.echo(as_json(verdicts))
    else:
        show_comparison(cube, verdicts, Console(), baseline=baseline, generalize_to=target)


@app.command()
def audit(
    files: Files,
    baseline: Baseline,
    metric: Metric = None,
    task: Task = None,
    condition: Condition = None,
    cluster: Cluster = None,
    control: Control = None,
    costs: Annotated[
        Path | None,
        typer.Option(
            "--costs", metavar="FILE", help="Table with a row per arm and its costs, for confounds."
        ),
    ] = None,
    factor: Annotated[
        list[str] | None, typer.Option("--factor", help="Column of the costs meant to differ; repeat it.")
    ] = None,
    json: Json = False,
) -> None:
    """Everything that should keep a reader from believing the study."""
    findings = audit_frame(
        read_results(files, cluster=cluster),
        baseline=baseline,
        control=control,
        costs=None if costs is None else read_table(costs),
        factors=factor or (),
        metric=metric,
        task=task,
        condition=condition,
    )
    if json:
        typer.echo(as_json(findings))
    else:
        show_audit(findings, Console())


def _cube(
    files: list[str],
    cluster: str | None,
    metric: str | None,
    task: str | None,
    condition: str | None,
    shared_only: bool,
) -> PairedCube:
    return paired_cube(
        read_results(files, cluster=cluster),
        metric=metric,
        task=task,
        condition=condition,
        on_missing="report" if shared_only else "raise",
    )
