"""Workers on this machine, each with cores or GPUs of its own."""

from collections.abc import Callable
from dataclasses import dataclass

from ablation_runner.pools._children import Command, run_commands
from ablation_runner.pools._command import worker_command, worker_environment
from ablation_runner.pools._pool import Event, WorkerEnd
from ablation_runner.resources import check_ranks, default_workers, share
from ablation_runner.storage.store import RunFolder


@dataclass(frozen=True)
class ThisMachine:
    """As many workers as are asked for; every rank has a GPU, or threads, of its own.

    Threads are not bound to cores: a second command on the same machine would be bound to the same ones.
    """

    @property
    def arguments(self) -> list[str]:
        """None: it is where workers are unless something else is said."""
        return []

    def at_once(self, trials: int, *, processes: int, threads: int) -> int:
        """As many as have GPUs or cores of their own."""
        return default_workers(processes, threads, trials)

    def check(self, run: RunFolder, *, workers: int, processes: int) -> None:
        """Refuses more ranks than there are cores or GPUs."""
        check_ranks(workers, processes)

    def run(
        self,
        run: RunFolder,
        *,
        workers: int,
        processes: int,
        threads: int,
        on_event: Callable[[Event], None],
    ) -> list[WorkerEnd]:
        """Runs the workers, as `Pool` says."""
        commands = [
            Command(
                name=str(worker),
                arguments=worker_command(run, share(worker, processes)),
                environment=worker_environment(run, threads, share(worker, processes)),
                log=run.log(str(worker)),
                group=worker,
            )
            for worker in range(workers)
        ]
        return run_commands(commands, on_event)
