"""Trials run in this process, one after the other: many short ones import torch once, and a debugger can follow."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from ablation_runner.errors import StudyError
from ablation_runner.plan import TrainedTrial, Trial, starts_own_ranks
from ablation_runner.pools import WorkerEnd
from ablation_runner.storage.store import RunFolder


def refuse_other_processes(trials: Sequence[Trial]) -> None:
    """Nothing, where trials need no worker besides this process; a command of one's own starts what it needs.

    Raises:
        StudyError: they have several ranks.
    """
    for trial in trials:
        if isinstance(trial, TrainedTrial) and trial.processes > 1:
            raise StudyError(
                f"--workers 0 runs trials in this process, and {trial.name} is {trial.processes} ranks; use 1 or more"
            )


def work_here(run: RunFolder, *, on_event: Callable[[dict[str, Any]], None]) -> list[WorkerEnd]:
    """Works through the plan as a worker does.

    Args:
        run: the folder whose plan is worked on.
        on_event: called with every event.
    """
    if starts_own_ranks(run.plan_file):
        from ablation_runner.own_trainer._work import work
    else:
        from deepspeed.utils import logger

        from ablation_runner.trial._work import work

        logger.setLevel(
            logging.WARNING
        )  # of a worker it goes to a log; here it would stand between the progress
    work(run.path, tell=lambda event, **fields: on_event({"event": event, **fields}))
    return [WorkerEnd("0", 0, run.log("0"))]
