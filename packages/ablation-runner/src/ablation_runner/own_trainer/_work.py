"""A worker's round through a plan of commands."""

from pathlib import Path

from ablation_runner.events import emit
from ablation_runner.own_trainer._run import Tell, run_trial
from ablation_runner.plan import CommandTrial, read_plan
from ablation_runner.storage.store import RunFolder
from ablation_runner.work_off import Check, work_off


def work(path: Path, *, tell: Tell | None = None) -> None:
    """Runs every trial of the plan that is neither finished nor held by another worker, here or on another machine.

    Args:
        path: the run's folder.
        tell: called with the name and fields of every event; None writes them to standard output.
    """
    run, telling = RunFolder(path), tell or emit
    trials = [trial for trial in read_plan(run.plan_file) if isinstance(trial, CommandTrial)]

    def run_one(trial: CommandTrial, check: Check) -> None:
        run_trial(trial, run, [other for other in trials if other is not trial], telling, check)

    work_off(trials, run, run_one, telling)
