"""Where workers run: what has no room, does not answer, or cannot be read is refused before anything starts."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ablation_runner import StudyError, resources
from ablation_runner.pools import ThisMachine, choose_pool, ranks_per_trial
from ablation_runner.pools._children import Command, run_commands
from ablation_runner.pools._command import node_command, worker_command, worker_environment
from ablation_runner.pools._hosts import Hosts, remote
from ablation_runner.storage.store import RunFolder

SSH = """#!/bin/sh
while [ "$1" = -o ]; do shift 2; done
case $1 in
silent) echo "ssh: connect to host silent port 22: Connection timed out" >&2; exit 255 ;;
poor) echo 1; echo 0; exit 0 ;;
esac
shift
exec sh -c "$*"
"""


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "runs" / "study")


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Two cores and no GPU, and an ssh whose other machine is this one."""
    monkeypatch.setattr(resources, "cores", lambda: 2)
    monkeypatch.setattr(resources, "gpus", list)
    monkeypatch.setattr("ablation_runner.pools._hosts.cores", lambda: 2)
    monkeypatch.setattr("ablation_runner.pools._hosts.gpus", list)
    ssh = tmp_path / "bin" / "ssh"
    ssh.parent.mkdir()
    ssh.write_text(SSH, encoding="utf-8")
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{ssh.parent}:{os.environ['PATH']}")


def hosts(tmp_path: Path, *lines: str) -> Hosts:
    file = tmp_path / "hosts"
    file.write_text("\n".join(lines), encoding="utf-8")
    pool = choose_pool(hostfile=file)
    assert isinstance(pool, Hosts)
    return pool


def test_gpus_are_divided_and_no_two_workers_have_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "gpus", lambda: ["1", "2", "4", "7"])
    assert [resources.share(worker, 2) for worker in range(2)] == [["1", "2"], ["4", "7"]]
    assert resources.default_workers(2, threads=1, trials=10) == 2
    assert resources.default_workers(1, threads=64, trials=3) == 3


def test_a_worker_sees_its_own_gpus_alone(monkeypatch: pytest.MonkeyPatch, run: RunFolder) -> None:
    monkeypatch.setattr("ablation_runner.pools._command.gpus", lambda: ["4", "7"])
    monkeypatch.setattr("ablation_runner.pools._command.starts_own_ranks", lambda _: False)
    assert worker_environment(run, 1, ["4"])["CUDA_VISIBLE_DEVICES"] == "4"
    world = next(part for part in worker_command(run, ["4", "7"]) if part.startswith("--world_info="))
    assert json.loads(base64.urlsafe_b64decode(world.partition("=")[2])) == {"localhost": ["4", "7"]}


@pytest.mark.parametrize(("is_command", "told"), [(False, "cpu"), (True, None)])
def test_without_gpus_our_own_workers_train_on_the_cpu_and_commands_where_they_like(
    monkeypatch: pytest.MonkeyPatch, run: RunFolder, is_command: bool, told: str | None
) -> None:
    monkeypatch.delenv("DS_ACCELERATOR", raising=False)
    monkeypatch.setattr("ablation_runner.pools._command.gpus", list)
    monkeypatch.setattr("ablation_runner.pools._command.starts_own_ranks", lambda _: is_command)
    environment = worker_environment(run, 1, ["0"])
    assert environment.get("DS_ACCELERATOR") == told
    assert ("MALLOC_TRIM_THRESHOLD_" in environment) != is_command


def test_what_a_user_says_of_memory_stands(monkeypatch: pytest.MonkeyPatch, run: RunFolder) -> None:
    monkeypatch.setattr("ablation_runner.pools._command.gpus", list)
    monkeypatch.setattr("ablation_runner.pools._command.starts_own_ranks", lambda _: False)
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "1")
    assert worker_environment(run, 1, ["0"])["MALLOC_TRIM_THRESHOLD_"] == "1"


def test_the_devices_that_there_are_are_counted_without_a_driver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm"):
        (tmp_path / name).touch()
    monkeypatch.setattr(resources, "_DEVICES", tmp_path)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert resources.gpus() == ["0", "1"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert resources.gpus() == ["1"]


def test_more_ranks_than_cores_are_refused_and_more_trials_are_not(run: RunFolder) -> None:
    ThisMachine().check(run, workers=4, processes=2)
    with pytest.raises(
        StudyError, match="--processes 4: this machine has 2 cores; use --processes 2 or fewer"
    ):
        ThisMachine().check(run, workers=1, processes=4)


def test_more_ranks_than_gpus_are_refused(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "gpus", lambda: ["0", "1"])
    ThisMachine().check(run, workers=2, processes=1)
    with pytest.raises(StudyError, match="need 4 GPUs, and this machine has 2; use --workers 1 or fewer"):
        ThisMachine().check(run, workers=2, processes=2)
    with pytest.raises(StudyError, match="--processes 3: this machine has 2 GPUs"):
        ThisMachine().check(run, workers=1, processes=3)


def test_a_hostfile_says_the_ranks(tmp_path: Path) -> None:
    pool = hosts(tmp_path, "# the lab", "", "localhost slots=2", "node-b   slots=4  # the new one")
    assert pool.processes == ranks_per_trial(pool, 1) == ranks_per_trial(pool, 6) == 6
    with pytest.raises(StudyError, match="add up to 6; leave --processes out"):
        ranks_per_trial(pool, 2)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["node-a slots=2", "node-b"], "line 2: 'node-b' is not of the form 'NAME slots=RANKS'"),
        (["node-a slots=0"], "line 1"),
        (["node-a slots=2; rm -rf slots=1"], "line 1"),
        (["node-a slots=2", "node-a slots=2"], "line 2: node-a is there already"),
        (["# nobody"], "names no host"),
    ],
)
def test_a_hostfile_that_cannot_be_read_is_refused_by_its_line(
    tmp_path: Path, lines: list[str], message: str
) -> None:
    with pytest.raises(StudyError, match=message):
        hosts(tmp_path, *lines)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            ["localhost slots=1", "silent slots=1"],
            "host 'silent' of .* does not answer: .*Connection timed out",
        ),
        (["localhost slots=1", "127.0.0.1 slots=2"], "on a machine with 2 cores; ask for 2 slots or fewer"),
        (["poor slots=2"], "'poor slots=2' on a machine with 1 cores"),
    ],
)
def test_hosts_that_cannot_be_used_are_named(
    tmp_path: Path, run: RunFolder, lines: list[str], message: str
) -> None:
    pool = hosts(tmp_path, *lines)
    with pytest.raises(StudyError, match=message):
        pool.check(run, workers=1, processes=pool.processes)


def test_hosts_that_answer_and_see_the_folder_are_used(
    tmp_path: Path, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts(tmp_path, "localhost slots=1", "other slots=1").check(run, workers=1, processes=2)
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(StudyError, match=r"'other' of .* does not see .* or /nowhere/python"):
        hosts(tmp_path, "other slots=1").check(run, workers=1, processes=1)


def test_without_ssh_another_machine_is_refused(
    tmp_path: Path, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(StudyError, match="another machine, and ssh is not installed"):
        hosts(tmp_path, "other slots=1").check(run, workers=1, processes=1)


def test_another_machine_gets_folder_variables_and_arguments_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = tmp_path / "it's a folder"
    odd.mkdir()
    monkeypatch.chdir(odd)
    code = "import os, sys; print(os.getcwd(), os.environ['HF_HOME'], sys.argv[1:], sys.stdin.read())"
    command = remote("other", [sys.executable, "-c", code, "a b", "$HOME"], {**os.environ, "HF_HOME": "x y"})
    done = subprocess.run(command, input="end", capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout == f"{odd} x y ['a b', '$HOME'] end\n"


def test_every_node_is_told_the_same_world_and_its_own_number(run: RunFolder) -> None:
    nodes = {"a": ["0", "1"], "b": ["0"]}
    commands = [node_command(run, nodes, node=node, address="a", port=5) for node in range(2)]
    assert [part for part in commands[0] if part not in commands[1]] == ["--node_rank=0"]
    assert [part for part in commands[1] if part not in commands[0]] == ["--node_rank=1"]


def test_a_command_that_starts_its_own_ranks_gets_no_launcher(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ablation_runner.pools._command.starts_own_ranks", lambda _: True)
    assert worker_command(run, ["0", "1"]) == worker_command(run, ["0"])


def test_when_one_of_a_group_fails_the_others_are_stopped(tmp_path: Path) -> None:
    def command(name: str, code: str, group: int) -> Command:
        return Command(
            name=name,
            arguments=[sys.executable, "-c", code],
            environment=dict(os.environ),
            log=tmp_path / name,
            group=group,
        )

    waits = "import sys; sys.stdin.read(); sys.exit(3)"
    ends = run_commands(
        [
            command("waits", waits, 0),
            command("fails", "print('why'); import sys; sys.exit(5)", 0),
            command("other", 'print(\'@ablate {"event": "x"}\')', 1),
        ],
        lambda event: None,
    )
    assert [(end.worker, end.exit_code) for end in ends] == [("waits", 3), ("fails", 5), ("other", 0)]
    assert (tmp_path / "fails").read_text(encoding="utf-8") == "why\n"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"cluster": "slrum"}, "'slrum' is not known; did you mean 'slurm'"),
        ({"options": ["partition=gpu"]}, "needs --cluster slurm"),
        ({"cluster": "slurm", "hostfile": Path("hosts")}, "exclude each other"),
        ({"cluster": "slurm", "options": ["partition"]}, "not of the form key=value"),
        ({"cluster": "slurm", "options": ["time=1:00"]}, "time=1:00: minutes, or hours:minutes:seconds"),
        ({"cluster": "slurm", "options": ["time=0"]}, "time=0"),
        ({"cluster": "slurm", "options": ["gpus=many"]}, "gpus=many: not a number"),
        ({"cluster": "slurm", "options": ["qos=a", "qos=b"]}, "qos is there twice"),
    ],
)
def test_options_that_do_not_go_together_are_refused(asked: dict[str, object], message: str) -> None:
    with pytest.raises(StudyError, match=message):
        choose_pool(**asked)  # type: ignore[arg-type]
