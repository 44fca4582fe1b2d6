"""The subcommand that draws why tokens were allocated as they were."""

from pathlib import Path
from typing import Annotated

import typer


def explain(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, such as runs/my-study.")],
    item: Annotated[str, typer.Option("--item", metavar="ID", help="A test item, as in items.parquet.")],
    arm: Annotated[
        str | None, typer.Option("--arm", help="The arm; the first with an allocator if left out.")
    ] = None,
) -> None:
    """Draws where a trained allocator put the tokens of one item, and why, as PNG below RUN/explained."""
    from ablation_runner.errors import StudyError, nearest
    from ablation_runner.plan import TrainedTrial, read_plan
    from ablation_runner.running.pipeline import is_finished
    from ablation_runner.storage.store import RunFolder

    folder = RunFolder(run)
    if not folder.plan_file.is_file():
        raise StudyError(f"{run}: not a run's folder (it has no plan.parquet)")
    plan = read_plan(folder.plan_file)
    trials = [trial for trial in plan if trial.conditions and isinstance(trial, TrainedTrial)]
    able = [trial for trial in trials if trial.configuration.model.allocator and is_finished(folder, trial)]
    chosen = [trial for trial in able if arm in (None, trial.arm)]
    if not chosen:
        names = {trial.arm for trial in able}
        hint = nearest(arm or "", names) if names else "no finished arm has an allocator"
        raise StudyError(f"{run}: nothing to explain for arm {arm!r}; {hint}")
    from ablation_runner.trial._explain import explainer, save_pictures

    trial = chosen[0]
    place = run / "explained" / f"{trial.name}-{''.join(c if c.isalnum() else '-' for c in item)}"
    typer.echo(f"{trial.arm}, seed {trial.seed}: {save_pictures(explainer(trial, folder)(item), place)}")
