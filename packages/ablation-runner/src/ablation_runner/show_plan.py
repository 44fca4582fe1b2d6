"""The plan of a study: what runs, what differs, what it will cost."""

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ablation_runner.pipeline import default_workers, is_finished
from ablation_runner.prepared import Prepared

Described = dict[str, Any]


def describe_plan(prepared: Prepared, *, workers: int | None = None) -> Described:
    """Arms, seeds, differences and the expected cost as plain values; builds every model once, trains none.

    Args:
        prepared: the study.
        workers: trials at a time; as many as the cores allow if None.
    """
    from ablation_runner.trial._calibrate import expect

    study = prepared.study
    left = [trial for trial in prepared.trials if not is_finished(prepared.folder, trial)]
    arms = {}
    for arm in prepared.arms:
        cost = expect(arm.configuration, threads=study.engine.threads)
        arms[arm.name] = {
            "name": arm.name,
            "role": "baseline" if arm.is_baseline else "blind control" if arm.is_blind else "",
            "differences": [str(difference) for difference in arm.differences],
            "parameters": cost.parameters,
            "macs": cost.macs,
            "visual_tokens": cost.visual_tokens,
            "seconds": cost.seconds,
        }
    return {
        "name": prepared.name,
        "question": study.question,
        "metric": study.metric,
        "claims": len(study.claims),
        "seeds": study.seeds,
        "steps": study.baseline.training.steps,
        "command": prepared.command,
        "arms": list(arms.values()),
        "trials": [
            {"trial": trial.name, "arm": trial.arm, "seed": trial.seed, "finished": trial not in left}
            for trial in prepared.trials
        ],
        "at_once": workers or default_workers(prepared.trials[0].processes, study.engine.threads, len(left)),
        "seconds": sum(arms[trial.arm]["seconds"] for trial in left),
    }


def show_plan(plan: Described, console: Console) -> None:
    """Prints a plan as `describe_plan` gives it."""
    arms, trials = plan["arms"], plan["trials"]
    console.print(Text(plan["name"], style="bold") + Text(f": {plan['question']}"))
    console.print(
        f"{len(arms)} arms × {len(plan['seeds'])} seeds {plan['seeds']} = {len(trials)} trials of "
        f"{plan['steps']} steps; metric {plan['metric']}; {plan['claims']} claims",
        highlight=False,
    )
    console.print(_cost_table(arms))
    console.print("What differs from the baseline besides what follows from it:")
    for arm in arms[1:]:
        control = " (control)" if arm["role"] == "blind control" else ""
        for difference in arm["differences"]:
            console.print(Text(f"  {arm['name']}: {difference}{control}"), soft_wrap=True)
    left = sum(not trial["finished"] for trial in trials)
    console.print(
        f"{len(trials) - left} trials are finished; {left} to run, about "
        f"{plan['seconds'] / plan['at_once'] / 60:.1f} minutes with {plan['at_once']} at a time "
        "(steps timed on this machine now; starting up and extracting features come on top)",
        highlight=False,
    )


def _cost_table(arms: list[Described]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("arm", no_wrap=True)
    for heading in ("parameters", "MACs", "tokens", "time of a trial"):
        table.add_column(heading, justify="right", no_wrap=True)
    baseline = arms[0]
    for arm in arms:
        table.add_row(
            Text(arm["name"]),
            f"{arm['parameters']:,}{_change(arm['parameters'], baseline['parameters'])}",
            f"{arm['macs'] / 1e6:.2f} M{_change(arm['macs'], baseline['macs'])}",
            str(arm["visual_tokens"]),
            f"{arm['seconds']:.0f} s",
        )
    return table


def _change(value: int, baseline: int) -> str:
    return "" if value == baseline else f" ({100 * (value / baseline - 1):+.0f} %)"
