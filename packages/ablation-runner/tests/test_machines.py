"""One study on several workers, nodes and jobs, for real, on this machine: the results are those of one worker."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

ROOT = Path(__file__).parents[3]
ABLATE = [sys.executable, "-m", "ablation_runner", "run"]

pytestmark = pytest.mark.slow
needs_slurm = pytest.mark.skipif(
    not all(
        shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
        for name in ("slurmctld", "slurmd", "munged")
    ),
    reason="Slurm is not installed: apt install munge slurm-wlm",
)


@pytest.fixture
def study(tmp_path: Path, tiny_text: str) -> Path:
    """Two arms and their blind control, one seed."""
    path = tmp_path / "tiny.toml"
    path.write_text(tiny_text.replace("seeds = [0, 1]", "seeds = [0]"), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def slurm() -> Iterator[dict[str, str]]:
    """The environment in which commands find a Slurm of their own, which ends with these tests."""
    script = ROOT / "tools" / "local_slurm.sh"
    with subprocess.Popen(
        [str(script), "sh", "-c", 'echo "$SLURM_CONF"; cat'],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as started:  # fmt: skip
        assert started.stdout
        yield {**os.environ, "SLURM_CONF": started.stdout.readline().strip()}


def ran(study: Path, name: str, *options: str, env: dict[str, str] | None = None) -> dict[str, pl.DataFrame]:
    """Curves and predictions of a run into a folder of its own, by arm."""
    runs = study.parent / name
    command = [*ABLATE, str(study), "--runs", str(runs), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return results(runs)


def results(runs: Path) -> dict[str, pl.DataFrame]:
    found = {}
    for path in sorted(runs.glob("tiny/trials/*/*.parquet")):
        arm = json.loads((path.parent / "trial.json").read_text(encoding="utf-8"))["arm"]
        found[f"{arm} {path.name}"] = pl.read_parquet(path)
    return found


def assert_same(ours: dict[str, pl.DataFrame], theirs: dict[str, pl.DataFrame]) -> None:
    assert ours.keys() == theirs.keys()
    assert len(ours) == 6
    for name, frame in ours.items():
        assert frame.equals(theirs[name]), name


def test_four_workers_run_each_trial_once_to_the_results_of_one(study: Path) -> None:
    runs = study.parent / "four"
    command = [*ABLATE, str(study), "--runs", str(runs), "--workers", "4"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for arm in ("concatenation", "mlp", "blind"):
        assert sum(line.startswith(arm) and "finished in" in line for line in done.stdout.splitlines()) == 1
    assert_same(results(runs), ran(study, "one", "--workers", "1"))


def test_a_trial_spans_two_nodes_and_has_the_losses_of_two_ranks_on_one(study: Path) -> None:
    hostfile = study.with_name("hosts")
    hostfile.write_text("localhost slots=1\n127.0.0.1 slots=1\n", encoding="utf-8")
    spanned = ran(study, "nodes", "--hostfile", str(hostfile))
    logs = {path.name for path in (study.parent / "nodes" / "tiny" / "logs").iterdir()}
    assert len([name for name in logs if name.endswith(("-localhost.log", "-127.0.0.1.log"))]) == 2
    assert_same(spanned, ran(study, "ranks", "--processes", "2"))


@needs_slurm
def test_jobs_of_slurm_have_the_results_of_this_machine(study: Path, slurm: dict[str, str]) -> None:
    options = ("--cluster", "slurm", "--workers", "2", "--cluster-option", "partition=local")
    assert_same(ran(study, "slurm", *options, env=slurm), ran(study, "one"))


@needs_slurm
def test_an_unknown_partition_is_named_beside_those_there_are(study: Path, slurm: dict[str, str]) -> None:
    command = [*ABLATE, str(study), "--cluster", "slurm", "--cluster-option", "partition=gpu"]
    done = subprocess.run(command, cwd=study.parent, capture_output=True, text=True, check=False, env=slurm)
    assert done.returncode == 2
    assert "Invalid partition name specified; known: local" in done.stderr


@needs_slurm
def test_a_job_at_its_time_limit_goes_on_and_an_interrupted_command_cancels_its_jobs(
    study: Path, tmp_path: Path, slurm: dict[str, str]
) -> None:
    study.write_text(study.read_text(encoding="utf-8").replace("steps = 12", "steps = 600"), encoding="utf-8")
    command = [*ABLATE, str(study), "--runs", str(tmp_path / "runs"), "--cluster", "slurm", "--workers", "1"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=slurm
    ) as run:
        assert run.stdout

        def until(words: str) -> str:
            assert run.stdout
            return next((line for line in run.stdout if words in line), "")

        def asked(*command: str) -> str:
            return subprocess.run(command, capture_output=True, text=True, check=False, env=slurm).stdout

        job = until("Slurm job").split(":")[0].removeprefix("Slurm job ")
        until(": started")
        until(" train ")
        asked("scancel", "--signal=USR2", job)  # as Slurm does at the limit
        log = tmp_path / "runs" / "tiny" / "logs" / "slurm" / f"{job}_0_log.out"
        while f"Requeued job {job}" not in log.read_text(encoding="utf-8"):
            time.sleep(0.2)
        for state in ("PENDING", "RUNNING"):
            while state not in asked("squeue", "--noheader", "--format=%T", f"--jobs={job}"):
                if state == "RUNNING":  # else Slurm lets a requeued job wait for two minutes
                    asked("scontrol", "update", f"JobId={job}", "StartTime=now")
                time.sleep(0.5)
        assert not until("goes on at step").endswith(" step 0\n")
        run.send_signal(signal.SIGINT)
        assert run.wait(60) == 130
        assert run.stderr
        assert f"ablate run {study}" in (said := run.stderr.read())
        assert "--cluster slurm" in said
    for _ in range(60):
        if not asked("squeue", "--noheader"):
            break
        time.sleep(0.5)
    else:
        pytest.fail("the job was not cancelled")
