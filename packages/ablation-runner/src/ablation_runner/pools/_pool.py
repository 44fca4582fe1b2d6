"""What a run asks of the place where its workers are."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ablation_runner.storage.store import RunFolder

Event = dict[str, Any]


@dataclass(frozen=True)
class WorkerEnd:
    """How a worker ended.

    Attributes:
        worker: its name.
        exit_code: 0, or what is wrong; negative where it was killed.
        log: what it printed.
    """

    worker: str
    exit_code: int
    log: Path


class Pool(Protocol):
    """A place for workers."""

    @property
    def arguments(self) -> list[str]:
        """The options of `ablate run` that ask for it."""

    def at_once(self, trials: int, *, processes: int, threads: int) -> int:
        """Workers where nobody says how many.

        Args:
            trials: still to be run.
            processes: ranks per trial.
            threads: CPU threads per rank.
        """

    def check(self, run: RunFolder, *, workers: int, processes: int) -> None:
        """Refuses what could not run, before anything starts.

        Args:
            run: the study's folder.
            workers: trials at a time.
            processes: ranks per trial.

        Raises:
            StudyError: what is missing, and what to do.
        """

    def run(
        self,
        run: RunFolder,
        *,
        workers: int,
        processes: int,
        threads: int,
        on_event: Callable[[Event], None],
    ) -> list[WorkerEnd]:
        """Runs workers until each finds nothing more to do.

        Args:
            run: the folder whose plan they work on.
            workers: how many, each with one trial at a time.
            processes: ranks per trial.
            threads: CPU threads per rank.
            on_event: called in this thread with every event, and with {"event": "tick"} a few times a second.
        """
