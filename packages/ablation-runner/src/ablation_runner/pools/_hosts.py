"""Trials that span the machines of a hostfile, through DeepSpeed's launcher."""

import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ablation_runner.errors import StudyError
from ablation_runner.pools._children import Command, run_commands
from ablation_runner.pools._command import free_port, node_command, worker_environment
from ablation_runner.pools._hostfile import Host
from ablation_runner.pools._pool import Event, WorkerEnd
from ablation_runner.resources import cores, gpus
from ablation_runner.storage.store import RunFolder

_PORT = 29500  # torch's own, where the first host is another machine, whose free ports cannot be seen
_ANSWER = 10  # seconds that a host has to answer
_SSH = ["ssh", "-o", "BatchMode=yes", "-o", f"ConnectTimeout={_ANSWER}"]
# Variables that go along to another machine: where Python finds packages, caches, and how ranks talk. No tokens: others
# see a command's arguments.
_CARRIED = (
    *("PYTHON", "PATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE"),
    *("NCCL_", "GLOO_", "UCX_", "OMP_", "TOKENIZERS_"),
)


@dataclass(frozen=True)
class Hosts:
    """One trial at a time, on all hosts of a file together.

    Attributes:
        file: the hostfile.
        hosts: what it says.
    """

    file: Path
    hosts: tuple[Host, ...]

    @property
    def processes(self) -> int:
        """Ranks of a trial."""
        return sum(host.slots for host in self.hosts)

    @property
    def arguments(self) -> list[str]:
        """The option."""
        return ["--hostfile", str(self.file)]

    def at_once(self, trials: int, *, processes: int, threads: int) -> int:
        """One."""
        return 1

    def check(self, run: RunFolder, *, workers: int, processes: int) -> None:
        """Refuses hosts that do not answer, do not see the run's folder, or have too few cores or GPUs.

        Raises:
            StudyError: which, and what to do.
        """
        if workers != 1:
            raise StudyError(
                f"--workers {workers}: a trial takes all hosts of {self.file}, so one runs at a time; leave --workers out, or "
                "start a command for each of several hostfiles"
            )
        run.path.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(len(self.hosts)) as executor:
            list(executor.map(lambda host: _check_host(host, self.file, run.path), self.hosts))
        here = [host for host in self.hosts if is_here(host.name)]
        _check_room(here, cores(), len(gpus()), self.file)

    def run(
        self,
        run: RunFolder,
        *,
        workers: int,
        processes: int,
        threads: int,
        on_event: Callable[[Event], None],
    ) -> list[WorkerEnd]:
        """Runs one worker, whose ranks are on all hosts, as `Pool` says; trials that are commands start none."""
        nodes = _devices(self.hosts)
        address, port = _meeting_point([host.name for host in self.hosts])
        commands = []
        for index, (name, devices) in enumerate(nodes.items()):
            arguments = node_command(run, nodes, node=index, address=address, port=port)
            environment = worker_environment(run, threads, devices)
            commands.append(
                Command(
                    name=name,
                    arguments=arguments if is_here(name) else remote(name, arguments, environment),
                    environment=environment,
                    log=run.log(name),
                    group=0,
                )
            )
        return run_commands(commands, on_event)


def is_here(name: str) -> bool:
    """Whether a name is one of this machine's: only then can something listen at its address.

    >>> is_here("localhost")
    True
    """
    try:
        with socket.create_server((name, 0)):
            return True
    except OSError:
        return False


def remote(name: str, arguments: Sequence[str], environment: dict[str, str]) -> list[str]:
    """A command that another machine runs in the same folder; it ends when its standard input does.

    Whether there are GPUs that machine finds out by itself.
    """
    carried = [
        f"{variable}={value}"
        for variable, value in sorted(environment.items())
        if variable.startswith(_CARRIED)
    ]
    return [
        *_SSH,
        name,
        f"cd {shlex.quote(str(Path.cwd()))} && exec {shlex.join(['env', *carried, *arguments])}",
    ]


def _devices(hosts: Sequence[Host]) -> dict[str, list[str]]:
    """Name to the GPUs of its ranks; several names of this machine have different ones."""
    devices, used = {}, 0
    for host in hosts:
        first = used if is_here(host.name) else 0
        devices[host.name] = [str(first + slot) for slot in range(host.slots)]
        used += host.slots if is_here(host.name) else 0
    return devices


def _check_host(host: Host, file: Path, folder: Path) -> None:
    """Asks another machine for the run's folder, its cores and its GPUs."""
    if is_here(host.name):
        return
    where = f"host {host.name!r} of {file}"
    if shutil.which("ssh") is None:
        raise StudyError(
            f"{where} is another machine, and ssh is not installed here; install an OpenSSH client"
        )
    seen = f"test -d {shlex.quote(str(folder.absolute()))} && test -x {shlex.quote(sys.executable)} || exit 9"
    counts = "nproc; ls -d /dev/nvidia[0-9]* 2>/dev/null | wc -l"
    done = subprocess.run(
        [*_SSH, host.name, f"{seen}; {counts}"],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode == 9:
        raise StudyError(
            f"{where} does not see {folder.absolute()} or {sys.executable}; all hosts need the same shared folder and Python"
        )
    if done.returncode or len(counted := done.stdout.split()) != 2:
        said = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise StudyError(
            f"{where} does not answer: {said}; 'ssh {host.name} true' has to work without a password, or take its line out"
        )
    _check_room([host], int(counted[0]), int(counted[1]), file)


def _check_room(hosts: Sequence[Host], cores: int, gpus: int, file: Path) -> None:
    """Refuses more ranks than a machine has GPUs, or without GPUs cores; several names may be one machine's."""
    there, what = (gpus, "GPUs") if gpus else (cores, "cores")
    if sum(host.slots for host in hosts) > there:
        lines = " and ".join(f"'{host.name} slots={host.slots}'" for host in hosts)
        raise StudyError(
            f"hostfile {file}: {lines} on a machine with {there} {what}; ask for {there} slots or fewer"
        )


def _meeting_point(names: Sequence[str]) -> tuple[str, int]:
    """Address and port at which the first rank listens, as all hosts can reach it."""
    if not is_here(names[0]):
        return names[0], _PORT
    others = [name for name in names if not is_here(name)]
    if not others:
        return "127.0.0.1", free_port()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((others[0], 9))  # sends nothing: it only chooses the address that leads there
        address: str = probe.getsockname()[0]
        return address, free_port()
