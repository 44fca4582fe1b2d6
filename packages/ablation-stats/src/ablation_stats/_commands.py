"""The commands of `ablation-stats`, as typer reads them."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ablation_stats._audit import audit as audit_frame
from ablation_stats._claims_against import claims_against
from ablation_stats._cube import PairedCube, paired_cube
from ablation_stats._judge import judge
from ablation_stats._options import (
    Alpha,
    Baseline,
    Cluster,
    Condition,
    Control,
    Equivalence,
    Files,
    Json,
    Lower,
    Margin,
    Metric,
    Shared,
    Target,
    Task,
)
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
    target = generalize_to or _default_target(cube)
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


@app.command()
def power(
    files: Files,
    baseline: Baseline,
    seeds: Annotated[int | None, typer.Option("--seeds", help="Planned; default: the pilot's.")] = None,
    items: Annotated[int | None, typer.Option("--items", help="Planned; default: the pilot's.")] = None,
    effect: Annotated[
        float | None,
        typer.Option("--effect", help="True gain to plan for; default: the pilot's, or none with --margin."),
    ] = None,
    metric: Metric = None,
    task: Task = None,
    condition: Condition = None,
    cluster: Cluster = None,
    margin: Margin = None,
    equivalence: Equivalence = False,
    control: Control = None,
    generalize_to: Target = None,
    wanted: Annotated[float, typer.Option("--power", help="Wanted probability of the verdict.")] = 0.8,
    alpha: Alpha = 0.05,
    lower_is_better: Lower = False,
    shared_only: Shared = False,
    json: Json = False,
) -> None:
    """What a planned study can decide, from a pilot: power, smallest gain, seeds or items needed."""
    from ablation_stats._plan import plan
    from ablation_stats._show_plan import show_plan

    cube = _cube(files, cluster, metric, task, condition, shared_only)
    claims = claims_against(
        cube,
        baseline=baseline,
        control=control,
        margin=margin,
        equivalence=equivalence,
        higher_is_better=not lower_is_better,
    )
    plans = plan(
        claims,
        cube,
        seeds=len(cube.seeds) if seeds is None else seeds,
        items=items,
        effect=effect,
        power=wanted,
        alpha=alpha,
        generalize_to=generalize_to or _default_target(cube),
    )
    if json:
        typer.echo(as_json(plans))
    else:
        show_plan(plans, Console())


def _default_target(cube: PairedCube) -> str:
    """Recipes where the data can speak of them."""
    return "both" if len(cube.seeds) > 1 else "items"


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
