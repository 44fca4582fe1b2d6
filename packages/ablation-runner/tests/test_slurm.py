"""What a Slurm cluster is told and asked; a real one is in test_machines.py."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ablation_runner import StudyError
from ablation_runner.pools._slurm import Slurm
from ablation_runner.pools._slurm_jobs import WatchedJob, queued
from ablation_runner.pools._slurm_options import slurm_options
from ablation_runner.storage.store import RunFolder


class Job:
    """What a submitit job tells."""

    job_id = "7_0"

    def __init__(self, folder: Path) -> None:
        self.paths = self
        self.stdout, self.result_pickle = folder / "out", folder / "result"


def test_options_become_those_of_sbatch() -> None:
    slurm = Slurm(slurm_options(["partition=a", "time=1:30:01", "gpus=4", "memory=64G", "account=me"]))
    found = slurm._parameters("study", cores=8)
    assert found["time"] == 91
    assert found["partition"] == "a"
    assert found["gpus_per_node"] == "4"
    assert found["mem"] == "64G"
    assert found["cpus_per_task"] == 8
    assert found["srun_args"] == ["--cpus-per-task=8"]
    assert found["additional_parameters"] == {"requeue": True, "account": "me"}
    assert slurm.arguments[:4] == ["--cluster", "slurm", "--cluster-option", "partition=a"]


@pytest.mark.parametrize("key", ["cpus", "gpus"])
def test_fewer_cores_or_gpus_than_ranks_are_refused(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/sbatch")
    with pytest.raises(StudyError, match=f"{key}=2: a trial of 4 ranks needs 4"):
        Slurm({key: "2"}).check(RunFolder(Path()), workers=1, processes=4)


def test_a_machine_without_slurm_or_submitit_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(StudyError, match="no sbatch on this machine"):
        Slurm().check(RunFolder(Path()), workers=1, processes=1)
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(StudyError, match=r"pip install 'ablation-runner\[slurm\]'"):
        Slurm().check(RunFolder(Path()), workers=1, processes=1)


def test_events_are_read_as_a_job_writes_them(tmp_path: Path) -> None:
    job = WatchedJob(Job(tmp_path))
    assert job.events() == []
    line = f"@ablate {json.dumps({'event': 'step', 'step': 3})}\n"
    (tmp_path / "out").write_text(f"submitit INFO\n{line}{line[:9]}", encoding="utf-8")
    assert job.events() == [{"event": "step", "step": 3}]
    assert job.events() == []
    (tmp_path / "out").write_text(f"submitit INFO\n{line}{line}", encoding="utf-8")
    assert job.events() == [{"event": "step", "step": 3}]


def test_a_job_that_slurm_no_longer_knows_has_ended_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, now = WatchedJob(Job(tmp_path)), 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    job.note_queue({"7_1"})
    assert not job.has_ended()
    now += 61
    assert job.has_ended()
    assert job.exit_code() == 1
    job.note_queue({"7_0"})  # it was requeued
    assert not job.has_ended()
    (tmp_path / "result").touch()
    assert job.has_ended()
    (tmp_path / "out").write_text('@ablate {"event": "exit", "code": 0}\n', encoding="utf-8")
    job.events()
    assert job.exit_code() == 0


@pytest.mark.parametrize(
    ("code", "said", "expected"),
    [
        (0, "", {"7_0", "7_1"}),
        (1, "Invalid job id specified", set()),
        (1, "Unable to contact controller", None),
    ],
)
def test_a_controller_that_does_not_answer_says_nothing_about_jobs(
    monkeypatch: pytest.MonkeyPatch, code: int, said: str, expected: set[str] | None
) -> None:
    def squeue(*_: Any, **__: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], code, "" if code else "7_0\n7_1\n", said)

    monkeypatch.setattr(subprocess, "run", squeue)
    assert queued("7") == expected
