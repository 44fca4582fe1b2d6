"""What is asked of a command that it cannot do, named before anything starts."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from ablation_runner.errors import StudyError
from ablation_runner.plan import CommandTrial, Trial, command_line
from ablation_runner.study import CommandStudy, Study
from ablation_runner.study._command import PROCESSES, placeholders


def refuse_options(study: Study, *, processes: int, smoke: bool) -> None:
    """Refuses options that are about training done here, where a command trains.

    Raises:
        StudyError: one was given.
    """
    if not isinstance(study, CommandStudy):
        return
    if processes > 1 and PROCESSES not in placeholders(study.engine.command):
        raise StudyError(
            f"{processes} ranks per trial (--processes, --hostfile): engine.command starts its own ranks and has no "
            f"{{{PROCESSES}}}; write it where their number stands, as in torchrun --nproc-per-node {{{PROCESSES}}}, and "
            "name hosts there"
        )
    if smoke:
        raise StudyError(
            "--smoke shortens training that is done here; with engine.command shorten it by its own settings, as "
            "--set steps=2 does where steps is one"
        )


def require_programs(trials: Sequence[Trial]) -> None:
    """Makes sure that the program of every trial that is a command can be started from here.

    Raises:
        StudyError: one cannot be found, or may not be executed.
    """
    for trial in trials:
        if isinstance(trial, CommandTrial):
            program = command_line(trial, out=Path())[0]
            if shutil.which(program) is None:
                raise StudyError(
                    f"engine.command: no program {program!r} here; install it, or write the path of an executable file"
                )


def refuse_hosts(trials: Sequence[Trial]) -> None:
    """Refuses that a trial which is a command spans the machines of a hostfile: it starts ranks where it likes.

    Raises:
        StudyError: there is one.
    """
    if any(isinstance(trial, CommandTrial) for trial in trials):
        raise StudyError(
            "--hostfile: the study has an engine.command, which starts its own ranks; name the hosts there"
        )
