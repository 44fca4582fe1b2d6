"""Workers as jobs of a Slurm cluster, through submitit: an array, whose jobs resume where they were stopped."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ablation_runner.errors import StudyError
from ablation_runner.pools._job import ClusterWorker
from ablation_runner.pools._pool import Event, WorkerEnd
from ablation_runner.pools._slurm_jobs import WatchedJob, wait_for
from ablation_runner.pools._slurm_options import minutes
from ablation_runner.storage.store import RunFolder

_RESTARTS = 10_000  # times that a job may reach its time limit: each goes on from a checkpoint, so there is no reason to stop
_WARNED = 90  # seconds before its time limit at which a job is told, so that it is requeued


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
        watched = [WatchedJob(job) for job in jobs]
        try:
            wait_for(watched, array, on_event)
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
            "time": minutes(self.options),
            "cpus_per_task": cpus,
            "srun_args": [
                f"--cpus-per-task={cpus}"
            ],  # which srun has not taken over from its job since Slurm 22.05
            "signal_delay_s": _WARNED,
            "stderr_to_stdout": True,
            "additional_parameters": {"requeue": True, **others},
        }
        for key, theirs in (("partition", "partition"), ("memory", "mem"), ("gpus", "gpus_per_node")):
            if key in self.options:
                parameters[theirs] = self.options[key]
        return parameters


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
