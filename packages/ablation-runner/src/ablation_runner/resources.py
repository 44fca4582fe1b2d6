"""Cores and GPUs of this machine, divided among trials that run at the same time."""

import os
import re
from pathlib import Path

from ablation_runner.errors import StudyError

_DEVICES = Path("/dev")


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def gpus() -> list[str]:
    """Names of the GPUs that this process may use, as CUDA_VISIBLE_DEVICES lists them; nothing is initialised."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    found = [path for path in _DEVICES.glob("nvidia*") if re.fullmatch(r"nvidia\d+", path.name)]
    if visible is not None and found:
        return [name for name in visible.split(",") if name]
    return [str(index) for index in range(len(found))]


def default_workers(processes: int, threads: int, trials: int) -> int:
    """Trials at a time: as many as have GPUs, or without GPUs cores, of their own; at least one.

    Args:
        processes: ranks per trial.
        threads: CPU threads per rank.
        trials: still to be run.
    """
    room = len(gpus()) // processes if gpus() else cores() // (processes * threads)
    return max(1, min(room, trials))


def check_ranks(workers: int, processes: int) -> None:
    """Refuses more ranks than there are GPUs, or without GPUs more per trial than cores.

    Trials that share cores are only slower; trials that share a GPU run out of its memory.

    Args:
        workers: trials at a time.
        processes: ranks per trial.

    Raises:
        StudyError: there are not enough.
    """
    names, advice = gpus(), "or several machines with --hostfile FILE"
    if processes > (there := len(names) or cores()):
        what = "GPUs" if names else "cores"
        raise StudyError(
            f"--processes {processes}: this machine has {there} {what}; use --processes {there} or fewer, {advice}"
        )
    if names and workers * processes > there:
        raise StudyError(
            f"--workers {workers} × --processes {processes} need {workers * processes} GPUs, and this machine has {there}; "
            f"use --workers {there // processes} or fewer, {advice}"
        )


def share(worker: int, processes: int) -> list[str]:
    """The GPUs of one of several workers, one per rank; without GPUs the numbers of its ranks.

    Args:
        worker: its number, from 0.
        processes: ranks per trial.

    >>> share(1, 2) if not gpus() else ["0", "1"]
    ['0', '1']
    """
    names = gpus()
    return names[worker * processes :][:processes] if names else [str(rank) for rank in range(processes)]
