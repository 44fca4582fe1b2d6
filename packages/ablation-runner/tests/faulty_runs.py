"""Runs of a small study that are killed, starved of disk space or damaged, each in a fork of one warm process.

`python faulty_runs.py FOLDER CASES` prints a line of JSON for each case: whether the run that follows the fault has the
results of an undisturbed run, bit for bit, and the same files. Runner and worker are one process here, so that a
fault can strike either.
"""

import errno
import functools
import itertools
import json
import os
import resource
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console

import ablation_runner.missing
import ablation_runner.plan._trials as planned
import ablation_runner.trial._work as worker
from ablation_runner.orchestrate import WorkerEnd
from ablation_runner.pipeline import run_study
from ablation_runner.prepared import prepare

STUDY = """
title = "Does a second layer help?"
question = "One layer or two?"
seeds = [0]
[baseline]
data = { task = { name = "scenes", tasks = ["object"], size = 64, train = 24, validation = 4, test = 8 }, validation_images = 2 }
encoder = { name = "efficientnet-lite0", image_size = 64 }
tokens = { budget = 4 }
model = { connector = "concatenation", language_model = { name = "llama-tiny", width = 32, depth = 1 } }
training = { steps = 12, images_per_step = 2, questions_per_image = 2, learning_rate = 3e-3, validations = 2 }
[factors.fusion]
path = "model.connector"
levels = ["concatenation", "mlp"]
[engine]
checkpoint_every = 5
[[claims]]
text = "A second layer helps."
arm = "mlp"
kind = "better"
"""
Fault = Callable[[Path], None]
DELAY = 0.03  # seconds after an event, once more for every round through the events


def run(folder: Path) -> None:
    """Runs the study in this process, without its report."""

    def in_this_process(run: Any, **_: Any) -> list[WorkerEnd]:
        worker.work(run.path)
        return [WorkerEnd(0, 0, run.log(0))]

    ablation_runner.missing.run_workers = in_this_process
    ablation_runner.pipeline.report_study = lambda prepared, console: None
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
    """Calls `strike` before every file below a folder is opened for writing, renamed or flushed to the disk."""
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        opened = event == "open" and isinstance(arguments[2], int) and arguments[2] & writing
        watched = event == "os.rename" or opened
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


def results(runs: Path) -> dict[str, pl.DataFrame]:
    """The rows and curves of every trial."""
    return {
        str(path.relative_to(runs)): pl.read_parquet(path)
        for path in sorted(runs.glob("study/trials/*/*.parquet"))
    }


def assert_same_results(runs: Path, others: Path) -> None:
    """Only ever in a fork: polars starts threads, which later forks would miss."""
    ours, theirs = results(runs), results(others)
    assert ours.keys() == theirs.keys()
    assert all(ours[name].equals(theirs[name]) for name in ours)
    assert len(ours) == 6


def files(runs: Path) -> set[str]:
    return {str(path.relative_to(runs)) for path in runs.rglob("*") if path.is_file()}


def prepared_folder(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    return folder


def examine(case: dict[str, Any], folder: Path, undisturbed: Path) -> dict[str, Any]:
    """What is left of a fault once the study has been run again."""
    fault = FAULTS[case["fault"]](*case.get("with", []), **case.get("options", {}))
    prepared_folder(folder)
    code = forked(lambda: fault(folder))
    after = forked(lambda: run(folder))
    found = {
        "case": case,
        "exit_code": code,
        "exit_code_after": after,
        "same_results": forked(lambda: assert_same_results(folder / "runs", undisturbed / "runs")) == 0,
        "other_files": sorted(files(folder / "runs") ^ files(undisturbed / "runs")),
    }
    shutil.rmtree(folder)
    return found


def two_runners(folder: Path) -> list[str]:
    """The trials that two runners of one study started, in the order of their starts."""
    prepared_folder(folder)
    log = folder / "started"

    def runner() -> None:
        def emit(event: str, **fields: Any) -> None:
            if event == "trial":
                with log.open("a", encoding="utf-8") as file:
                    file.write(f"{fields['trial']}\n")

        worker.emit = emit
        run(folder)

    children = []
    for _ in range(2):
        if (child := os.fork()) == 0:
            code = 1
            try:
                runner()
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0]
    return log.read_text(encoding="utf-8").splitlines()


def answers(folder: Path, cases: list[Any]) -> Iterator[dict[str, Any]]:
    undisturbed = prepared_folder(folder / "undisturbed")
    began = time.monotonic()
    writes, events = count_writes_and_events(undisturbed)
    yield {"undisturbed": True, "writes": writes, "events": events, "seconds": time.monotonic() - began}
    for number, case in enumerate(cases):
        if case == "two runners":
            yield {"case": case, "started": two_runners(folder / str(number))}
        elif isinstance(case, dict) and case.get("every"):  # all failpoints of a kind, or every so manieth
            for at in range(0, writes, case["every"]):
                struck = {"fault": case["fault"], "with": [at]}
                yield examine(struck, folder / f"{number}-{at}", undisturbed)
        elif isinstance(case, dict) and case.get("spread"):  # instants after all events in turn, ever later
            for at in range(case["spread"]):
                instant = [at % events, DELAY * (at // events)]
                struck = {"fault": case["fault"], "with": instant}
                yield examine(struck, folder / f"{number}-{at}", undisturbed)
        else:
            yield examine(case, folder / str(number), undisturbed)


if __name__ == "__main__":
    import deepspeed  # noqa: F401 (warm, so that forks need not import it)
    import timm  # noqa: F401 (likewise)
    import transformers.models.llama.modeling_llama  # noqa: F401

    # All forks run what this process has loaded, also where the files are edited meanwhile.
    planned.source_digest = functools.cache(planned.source_digest)
    planned.source_digest(*planned._SOURCES)

    for answer in answers(Path(sys.argv[1]), json.loads(sys.argv[2])):
        sys.stdout.write(f"answer {json.dumps(answer)}\n")
        sys.stdout.flush()
