"""What a job of a cluster does: it starts a worker on its node, and starts again when it was stopped."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablation_runner.events import emit
from ablation_runner.pools._command import worker_command, worker_environment
from ablation_runner.resources import share
from ablation_runner.storage.store import RunFolder


@dataclass(frozen=True, kw_only=True)
class ClusterWorker:
    """A worker of a run, called by submitit in a job.

    Attributes:
        path: the run's folder, from the root.
        processes: ranks per trial.
        threads: CPU threads per rank.
    """

    path: str
    processes: int
    threads: int

    def __call__(self) -> None:
        """Runs the worker to its end; what it says goes to the job's log, and last its exit code.

        Raises:
            RuntimeError: it failed.
        """
        run, devices = RunFolder(Path(self.path)), share(0, self.processes)
        # Slurm signals every process of a job; what they mean is for this one alone, which asks for a new start. The
        # worker ends with it, with all its ranks, because its standard input then closes.
        with _ignored(signal.SIGUSR2, signal.SIGTERM):
            started = subprocess.Popen(
                worker_command(run, devices),
                env=worker_environment(run, self.threads, devices),
                stdin=subprocess.PIPE,
            )
        with started as child:
            code = child.wait()
            emit("exit", code=code)
            if code:
                raise RuntimeError(f"the worker ended with code {code}")

    def checkpoint(self) -> Any:
        """What runs when the job was stopped by its time limit or for another one: the same, which goes on."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


@contextmanager
def _ignored(*signals: signal.Signals) -> Iterator[None]:
    """Ignores signals for a moment, which processes that are started in it then do for good."""
    before = {each: signal.signal(each, signal.SIG_IGN) for each in signals}
    yield
    for each, handler in before.items():
        signal.signal(each, handler)
