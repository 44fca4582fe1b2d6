"""Jobs of Slurm that have been submitted: what they print, and whether they are still there.

Slurm's accounting is not asked: many clusters, and every one on a single machine, have none.
"""

import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ablation_runner.events import parse_event
from ablation_runner.pools._pool import Event

_LOOK_EVERY = 0.5  # seconds between looks at what the jobs have printed
_ASK_EVERY = 15.0  # seconds between questions to Slurm, whose controller all users share
_GONE = 60.0  # seconds after which a job that Slurm no longer knows, and that left no result, counts as lost


class WatchedJob:
    """A job, of which is read what it has printed since.

    Args:
        job: of submitit.
    """

    def __init__(self, job: Any) -> None:
        """Nothing has been read yet."""
        self.name = str(job.job_id)
        self.log = Path(job.paths.stdout)
        self._result = Path(job.paths.result_pickle)
        self._read = 0
        self._code: int | None = None
        self._missing_since: float | None = None

    def events(self) -> list[Event]:
        """The events of all whole lines that are new."""
        try:
            with self.log.open("rb") as file:
                file.seek(self._read)
                new = file.read()
        except FileNotFoundError:
            return []
        whole = new[: new.rfind(b"\n") + 1]
        self._read += len(whole)
        found = [parse_event(line) for line in whole.decode(errors="replace").splitlines()]
        for event in found:
            match event:
                case {"event": "exit", "code": int(code)}:
                    self._code = code
        return [event for event in found if event is not None]

    def has_ended(self) -> bool:
        """Whether it left a result, or Slurm has not known it for a while."""
        lost = self._missing_since is not None and time.monotonic() - self._missing_since > _GONE
        return lost or self._result.exists()

    def note_queue(self, names: set[str]) -> None:
        """Takes note of whether it is among the jobs that Slurm knows."""
        if self.name in names:
            self._missing_since = None
        elif self._missing_since is None:
            self._missing_since = time.monotonic()

    def exit_code(self) -> int:
        """Of its worker, as it was printed: no result is unpickled; 1 where the job was lost."""
        return 1 if self._code is None else self._code


def wait_for(jobs: Sequence[WatchedJob], array: str, on_event: Callable[[Event], None]) -> None:
    """Waits until all jobs have ended, passing on what they say.

    Args:
        jobs: of an array.
        array: its number.
        on_event: called with every event, and with {"event": "tick"} between looks.
    """
    asked = time.monotonic()
    while True:
        ended = all(job.has_ended() for job in jobs)
        for event in (event for job in jobs for event in job.events()):
            on_event(event)
        if ended:
            return
        on_event({"event": "tick"})
        if time.monotonic() - asked >= _ASK_EVERY:
            asked = time.monotonic()
            if (names := queued(array)) is not None:
                for job in jobs:
                    job.note_queue(names)
        time.sleep(_LOOK_EVERY)


def queued(array: str) -> set[str] | None:
    """Names of an array's jobs that wait or run; None where Slurm does not answer."""
    command = ["squeue", "--noheader", "--array", "--format=%i", f"--jobs={array}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and "Invalid job id" not in done.stderr:
        return None
    return set(done.stdout.split())
