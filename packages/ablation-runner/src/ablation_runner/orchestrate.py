"""Worker processes of a run: started, listened to, and stopped with the command that started them."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from ablation_runner.events import parse_event
from ablation_runner.plan import starts_own_ranks
from ablation_runner.store import RunFolder

Event = dict[str, Any]


@dataclass(frozen=True)
class WorkerEnd:
    """How a worker ended."""

    worker: int
    exit_code: int
    log: Path


def run_workers(
    run: RunFolder,
    *,
    workers: int,
    processes: int,
    threads: int,
    on_event: Callable[[Event], None],
) -> list[WorkerEnd]:
    """Runs all workers to their end, passing on what they say.

    Args:
        run: the folder whose plan they work on.
        workers: trials at a time, each with `processes` ranks of `threads` threads.
        processes: ranks per trial; above 1 they are started by the DeepSpeed launcher, or by the trial's own command.
        threads: CPU threads per rank.
        on_event: called in this thread with every event, and with {"event": "tick"} four times a second.

    Returns:
        One end per worker; a worker that was killed has a negative exit code.
    """
    events: SimpleQueue[Event | None] = SimpleQueue()
    with _started(run, workers, processes, threads) as children:
        listeners = [
            Thread(target=_listen, args=(child, run.log(index), events), daemon=True)
            for index, child in enumerate(children)
        ]
        for listener in listeners:
            listener.start()
        listening = len(listeners)
        while listening:
            try:
                event = events.get(timeout=0.25)
            except Empty:
                event = {"event": "tick"}
            if event is None:
                listening -= 1
            else:
                on_event(event)
        return [WorkerEnd(index, child.wait(), run.log(index)) for index, child in enumerate(children)]


@contextmanager
def _started(
    run: RunFolder, workers: int, processes: int, threads: int
) -> Iterator[list[subprocess.Popen[str]]]:
    """Children that end with the block, and whose standard input closes if this process dies."""
    children: list[subprocess.Popen[str]] = []
    try:
        for worker in range(workers):
            children.append(
                subprocess.Popen(
                    _command(run, worker, processes),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    errors="replace",
                    env=_environment(threads),
                    start_new_session=True,  # Ctrl-C reaches the command alone, which stops them in order
                )
            )
        yield children
    finally:
        for child in children:
            if child.stdin:
                child.stdin.close()  # a worker whose standard input ends stops at once, with all its ranks
        for child in children:
            try:
                child.wait(timeout=20)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def _command(run: RunFolder, worker: int, processes: int) -> list[str]:
    arguments = [str(run.path), str(worker)]
    if processes == 1 or starts_own_ranks(run.plan_file):
        return [sys.executable, "-m", "ablation_runner.trial", *arguments]
    launcher = [
        "-m",
        "deepspeed.launcher.runner",
        "--num_gpus",
        str(processes),
        "--master_port",
        str(_free_port()),
    ]
    return [sys.executable, *launcher, "--module", "ablation_runner.trial", *arguments]


def _environment(threads: int) -> dict[str, str]:
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "TOKENIZERS_PARALLELISM": "false"}
    environment["PYTHONUNBUFFERED"] = "1"
    if not Path("/dev/nvidiactl").exists():
        environment["DS_ACCELERATOR"] = "cpu"
    return environment


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _listen(child: subprocess.Popen[str], log: Path, events: SimpleQueue[Event | None]) -> None:
    """Sorts a child's lines into events and its log; None says that it has ended."""
    try:
        with suppress(OSError):  # such as a full disk: the log ends, and the child is still listened to
            _sort_lines(child, log, events)
        for line in child.stdout or ():
            if event := parse_event(line):
                events.put(event)
    finally:
        if child.stdout:
            child.stdout.close()
        events.put(None)


def _sort_lines(child: subprocess.Popen[str], log: Path, events: SimpleQueue[Event | None]) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as file:
        for line in child.stdout or ():
            event = parse_event(line)
            if event is None:
                file.write(line)
                file.flush()
            else:
                events.put(event)
