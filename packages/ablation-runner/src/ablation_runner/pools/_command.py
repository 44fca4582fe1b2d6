"""The command of a worker: one process, or ranks started by DeepSpeed's launcher, on one node or several."""

import base64
import json
import os
import socket
import sys

from ablation_runner.plan import starts_own_ranks
from ablation_runner.resources import gpus
from ablation_runner.storage.store import RunFolder

_WORKER = "ablation_runner.trial"


def worker_command(run: RunFolder, devices: list[str]) -> list[str]:
    """A worker on this machine; where a trial is a command, that one starts the ranks.

    Args:
        run: the folder whose plan it works on, which is written.
        devices: of each rank; only their number matters without GPUs.
    """
    if len(devices) == 1 or starts_own_ranks(run.plan_file):
        return [sys.executable, "-m", _WORKER, str(run.path)]
    return node_command(run, {"localhost": devices}, node=0, address="127.0.0.1", port=free_port())


def node_command(
    run: RunFolder, nodes: dict[str, list[str]], *, node: int, address: str, port: int
) -> list[str]:
    """One node's part of a worker: what DeepSpeed's launcher starts on every node of its hostfile.

    Args:
        run: the folder whose plan it works on.
        nodes: name to the devices of its ranks, as in the hostfile.
        node: index of the one that the command is for.
        address: where the first rank of all listens.
        port: likewise.
    """
    world = base64.urlsafe_b64encode(json.dumps(nodes).encode()).decode()
    launch = ["-m", "deepspeed.launcher.launch", f"--world_info={world}", f"--node_rank={node}"]
    launch += [f"--master_addr={address}", f"--master_port={port}", "--module"]
    return [sys.executable, *launch, _WORKER, str(run.path)]


# Of a process that trains on a CPU: it keeps the memory it has freed, in huge pages, where it would otherwise get new pages
# in every step (6 % of a step's time of a small model, with glibc).
MEMORY = {
    "MALLOC_TRIM_THRESHOLD_": "4000000000",
    "MALLOC_MMAP_THRESHOLD_": "33554432",
    "THP_MEM_ALLOC_ENABLE": "1",
}


def worker_environment(run: RunFolder, threads: int, devices: list[str]) -> dict[str, str]:
    """Variables of a worker's process, and of the commands that it runs; what these train on is theirs to find out.

    Args:
        run: the folder whose plan it works on, which is written.
        threads: CPU threads per rank.
        devices: the GPUs that are its own.
    """
    kept: dict[str, str] = {}
    variables = {
        "OMP_NUM_THREADS": str(threads),
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONUNBUFFERED": "1",
    }
    if gpus():
        variables["CUDA_VISIBLE_DEVICES"] = ",".join(devices)
    elif not starts_own_ranks(run.plan_file):
        variables["DS_ACCELERATOR"] = "cpu"
        kept = MEMORY
    return {**kept, **os.environ, **variables}


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("", 0))
        port: int = probe.getsockname()[1]
        return port
