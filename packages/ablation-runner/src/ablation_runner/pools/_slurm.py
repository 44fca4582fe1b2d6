"""Workers as jobs of a Slurm cluster, through submitit: an array, whose jobs resume where they were stopped."""

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ablation_runner.errors import StudyError
from ablation_runner.events import parse_event
from ablation_runner.pools._job import ClusterWorker
from ablation_runner.pools._pool import Event, WorkerEnd
from ablation_runner.store import RunFolder

_LOOK_EVERY = 0.5  # seconds between looks at what the jobs have printed
_ASK_EVERY = 15.0  # seconds between questions to Slurm, whose controller all users share
_MINUTES = (
    60  # a job's time where none is given; what it has not finished then it goes on with when it is requeued
)
_RESTARTS = 10_000  # times that a job may reach its time limit: each goes on from a checkpoint, so there is no reason to stop
_WARNED = 90  # seconds before its time limit at which a job is told, so that it is requeued
_GONE = 60.0  # seconds after which a job that Slurm no longer knows, and that left no result, counts as lost
_TIME = re.compile(r"(\d+)|(\d+):([0-5]\d):([0-5]\d)", re.ASCII)


def slurm_options(given: Sequence[str]) -> dict[str, str]:
    """Options of the jobs, by name: partition, time, gpus, cpus, memory, or any other long one of sbatch.

    Args:
        given: each as `key=value`.

    Raises:
        StudyError: one is not of that form, is there twice, or cannot be.
    """
    options: dict[str, str] = {}
    for each in given:
        key, equals, value = each.partition("=")
        if not (equals and value and re.fullmatch(r"[a-z][a-z0-9-]*", key)):
            raise StudyError(f"--cluster-option {each!r} is not of the form key=value, such as partition=gpu")
        if key in options:
            raise StudyError(f"--cluster-option {key} is there twice: {options[key]!r} and {value!r}")
        options[key] = value
    _minutes(options)
    for key in ("gpus", "cpus"):
        if not re.fullmatch(r"\d+", options.get(key, "0"), re.ASCII):
            raise StudyError(f"--cluster-option {key}={options[key]}: not a number")
    return options


@dataclass(frozen=True)
class Slurm:
    """As many jobs as are asked for, each a worker.

    Attributes:
        options: as `slurm_options` reads them.
    """

    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def arguments(self) -> list[str]:
        """The options."""
        given = [
            part for key, value in self.options.items() for part in ("--cluster-option", f"{key}={value}")
        ]
        return ["--cluster", "slurm", *given]

    def at_once(self, trials: int, *, processes: int, threads: int) -> int:
        """One for every trial: Slurm lets them wait until there is room."""
        return trials

    def check(self, run: RunFolder, *, workers: int, processes: int) -> None:
        """Refuses where submitit or Slurm are missing, or a job asks for fewer cores or GPUs than it has ranks."""
        if workers < 1:
            raise StudyError(f"--workers {workers}: jobs of a cluster are other processes; use 1 or more")
        _submitit()
        if shutil.which("sbatch") is None:
            raise StudyError(
                "--cluster slurm: there is no sbatch on this machine; run this where Slurm's jobs are submitted"
            )
        for key in ("gpus", "cpus"):
            if 0 < int(self.options.get(key, 0)) < processes:
                raise StudyError(
                    f"--cluster-option {key}={self.options[key]}: a trial of {processes} ranks needs {processes}; "
                    f"use {key}={processes} or --processes {self.options[key]}"
                )

    def run(
        self,
        run: RunFolder,
        *,
        workers: int,
        processes: int,
        threads: int,
        on_event: Callable[[Event], None],
    ) -> list[WorkerEnd]:
        """Submits the workers and waits for them, as `Pool` says; when it is interrupted it cancels them."""
        jobs = self._submit(run, workers=workers, processes=processes, threads=threads)
        array = str(jobs[0].job_id).split("_")[0]
        on_event(
            {
                "event": "note",
                "text": f"Slurm job {array}: {workers} workers; what they print: {jobs[0].paths.stdout.parent}",
            }
        )
        watched = [_Watched(job) for job in jobs]
        try:
            _wait(watched, array, on_event)
        finally:
            if not all(job.has_ended() for job in watched):
                subprocess.run(["scancel", array], check=False, capture_output=True)
        return [WorkerEnd(f"Slurm job {job.name}", job.exit_code(), job.log) for job in watched]

    def _submit(self, run: RunFolder, *, workers: int, processes: int, threads: int) -> list[Any]:
        submitit = _submitit()
        folder = run.logs.absolute() / "slurm"
        folder.mkdir(parents=True, exist_ok=True)
        executor = submitit.SlurmExecutor(folder=folder, max_num_timeout=_RESTARTS)
        executor.update_parameters(**self._parameters(run.path.name, processes * threads))
        worker = ClusterWorker(path=str(run.path.absolute()), processes=processes, threads=threads)
        try:
            if workers == 1:
                return [executor.submit(worker)]
            with executor.batch():
                jobs = [executor.submit(worker) for _ in range(workers)]
            return jobs
        except (submitit.core.utils.FailedJobError, submitit.core.utils.FailedSubmissionError) as error:
            raise StudyError(
                f"Slurm refuses the jobs: {_reason(str(error))}{_partitions(str(error))}"
            ) from error

    def _parameters(self, name: str, cores: int) -> dict[str, Any]:
        """Of submitit; what it does not name goes to sbatch as it is."""
        named = {"partition", "time", "gpus", "cpus", "memory"}
        others = {key: value for key, value in self.options.items() if key not in named}
        cpus = int(self.options.get("cpus", cores))
        parameters: dict[str, Any] = {
            "job_name": f"ablate-{name}",
            "time": _minutes(self.options),
            "cpus_per_task": cpus,
            "srun_args": [f"--cpus-per-task={cpus}"],  # which srun has not taken over from its job since Slurm 22.05
            "signal_delay_s": _WARNED,
            "stderr_to_stdout": True,
            "additional_parameters": {"requeue": True, **others},
        }
        for key, theirs in (("partition", "partition"), ("memory", "mem"), ("gpus", "gpus_per_node")):
            if key in self.options:
                parameters[theirs] = self.options[key]
        return parameters


class _Watched:
    """A job, of which is read what it has printed since."""

    def __init__(self, job: Any) -> None:
        self.name = str(job.job_id)
        self.log = Path(job.paths.stdout)
        self._result = Path(job.paths.result_pickle)
        self._job = job
        self._read = 0
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
        found = (parse_event(line) for line in whole.decode(errors="replace").splitlines())
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
        """0 where it ended by itself, 1 where it failed or is gone."""
        if not self._result.exists():
            return 1
        return 0 if self._job.exception() is None else 1


def _wait(jobs: Sequence[_Watched], array: str, on_event: Callable[[Event], None]) -> None:
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
            if (names := _queued(array)) is not None:
                for job in jobs:
                    job.note_queue(names)
        time.sleep(_LOOK_EVERY)


def _queued(array: str) -> set[str] | None:
    """Names of an array's jobs that wait or run; None where Slurm does not answer."""
    command = ["squeue", "--noheader", "--array", "--format=%i", f"--jobs={array}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and "Invalid job id" not in done.stderr:
        return None
    return set(done.stdout.split())


def _minutes(options: Mapping[str, str]) -> int:
    """A job's time limit; seconds count as a minute begun."""
    found = _TIME.fullmatch(given := options.get("time", str(_MINUTES)))
    if found is None or not given.strip("0:"):
        raise StudyError(f"--cluster-option time={given}: minutes, or hours:minutes:seconds as 8:00:00")
    if found[1]:
        return int(found[1])
    return int(found[2]) * 60 + int(found[3]) + (int(found[4]) > 0)


def _reason(said: str) -> str:
    """Sbatch's own words, from what submitit makes of them."""
    errors = re.findall(r"sbatch: (?:error: )?(.+)", said)
    return errors[-1].strip() if errors else said.strip().splitlines()[-1]


def _partitions(said: str) -> str:
    """The partitions there are, where an unknown one was asked for."""
    if "partition" not in said.lower():
        return ""
    done = subprocess.run(["sinfo", "--noheader", "--format=%R"], capture_output=True, text=True, check=False)
    return f"; known: {', '.join(sorted(set(done.stdout.split())))}" if done.stdout.split() else ""


def _submitit() -> Any:
    try:
        import submitit
    except ImportError as error:
        raise StudyError(
            f"--cluster slurm needs submitit, which {sys.executable} does not have: pip install 'ablation-runner[slurm]'"
        ) from error
    return submitit
