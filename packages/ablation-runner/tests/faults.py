"""What can strike a run: kills, full disks, damaged files. Runner and worker are one process here, so that either is struck.

Used by faulty_runs.py.
"""

import errno
import itertools
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

import ablation_runner.running.pipeline
import ablation_runner.trial._work as worker
from ablation_runner.pools import ThisMachine, WorkerEnd
from ablation_runner.running.pipeline import run_study
from ablation_runner.running.prepared import prepare

Fault = Callable[[Path], None]
DELAY = 0.03  # seconds after an event, once more for every round through the events


def run(folder: Path) -> None:
    """Runs the study in this process, without its report."""

    def in_this_process(_: ThisMachine, run: Any, **__: Any) -> list[WorkerEnd]:
        worker.work(run.path)
        return [WorkerEnd("0", 0, run.log("0"))]

    ThisMachine.run = in_this_process
    ablation_runner.running.pipeline.report_study = lambda prepared, console: None
    prepared = prepare(str(folder / "study.toml"), runs=folder / "runs")
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        run_study(prepared, Console(file=nowhere))


class Killer:
    """Lets a fork ask the process that made it for SIGKILL, some time later."""

    ask: int | None = None

    def kill_me_after(self, seconds: float) -> None:
        """Asks, in a fork, and goes on."""
        assert self.ask is not None
        os.write(self.ask, str(seconds).encode())


KILLER = Killer()


def forked(action: Callable[[], None]) -> int:
    """How a fork of this process that does something ended: its exit code, negative for a signal."""
    asked, ask = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(asked)
            KILLER.ask = ask
            quiet = os.open(os.devnull, os.O_WRONLY)
            os.dup2(quiet, 1)
            os.dup2(quiet, 2)
            action()
            code = 0
        finally:
            os._exit(code)
    os.close(ask)
    if seconds := os.read(asked, 64):  # empty where the fork has ended without asking
        time.sleep(float(seconds))
        os.kill(child, signal.SIGKILL)
    os.close(asked)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def each_write(below: Path, strike: Callable[[str], None]) -> None:
    """Calls `strike` before every file below a folder is opened for writing, linked, renamed or flushed to the disk."""
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        opened = event == "open" and isinstance(arguments[2], int) and arguments[2] & writing
        watched = event in ("os.rename", "os.link") or opened
        if watched and str(arguments[0]).startswith(str(below)):
            strike(f"{event} {Path(str(arguments[0])).name}")

    sys.addaudithook(hook)
    fsync = os.fsync

    def watched_fsync(descriptor: int) -> None:
        strike("fsync")
        fsync(descriptor)

    os.fsync = watched_fsync


def count_writes_and_events(folder: Path) -> tuple[int, int]:
    """How many writes an undisturbed run makes, and how many progress events it tells."""
    log, tell = folder / "log", worker.emit

    def note(what: str) -> None:
        with_all = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(with_all, f"{what}\n".encode())
        os.close(with_all)

    def emit(event: str, **fields: Any) -> None:
        note("event")
        tell(event, **fields)

    def counted() -> None:
        each_write(folder / "runs", lambda _: note("write"))
        worker.emit = emit
        run(folder)

    assert forked(counted) == 0
    noted = log.read_text(encoding="utf-8").splitlines()
    return noted.count("write"), noted.count("event")


def kill_at_write(number: int) -> Fault:
    def fault(folder: Path) -> None:
        left = itertools.count(number, -1)
        each_write(
            folder / "runs", lambda _: os.kill(os.getpid(), signal.SIGKILL) if next(left) == 0 else None
        )
        run(folder)

    return fault


def kill_at_event(number: int, delay: float) -> Fault:
    """Killed a little after a progress event."""

    def fault(folder: Path) -> None:
        left, tell = itertools.count(number, -1), worker.emit

        def emit(event: str, **fields: Any) -> None:
            tell(event, **fields)
            if next(left) == 0:
                KILLER.kill_me_after(delay)

        worker.emit = emit
        run(folder)

    return fault


def fill_disk_at_write(number: int) -> Fault:
    """From some write on the disk is full."""

    def fault(folder: Path) -> None:
        done = itertools.count()

        def strike(what: str) -> None:
            if next(done) >= number and what.startswith("open"):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        each_write(folder / "runs", strike)
        run(folder)

    return fault


def limit_file_size(size: int) -> Fault:
    """No file can grow beyond some bytes, which strikes writers that are not Python too."""

    def fault(folder: Path) -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        run(folder)

    return fault


def truncate(pattern: str, *, interrupted_at_event: int | None = None) -> Fault:
    """Every file of a pattern loses its second half after the run, or after one that was killed."""

    def fault(folder: Path) -> None:
        first = (lambda: run(folder)) if interrupted_at_event is None else (
            lambda: kill_at_event(interrupted_at_event, 0.0)(folder)
        )  # fmt: skip
        forked(first)
        found = [path for path in (folder / "runs").glob(pattern) if path.is_file()]
        assert found, pattern
        for path in found:
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    return fault


FAULTS: dict[str, Callable[..., Fault]] = {
    each.__name__: each
    for each in (kill_at_write, kill_at_event, fill_disk_at_write, limit_file_size, truncate)
}
