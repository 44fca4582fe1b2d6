"""The pool that the options of `ablate run` ask for."""

from collections.abc import Sequence
from pathlib import Path

from ablation_runner.errors import StudyError, nearest
from ablation_runner.pools._hostfile import read_hostfile
from ablation_runner.pools._hosts import Hosts
from ablation_runner.pools._local import ThisMachine
from ablation_runner.pools._pool import Pool
from ablation_runner.pools._slurm import Slurm
from ablation_runner.pools._slurm_options import slurm_options

_CLUSTERS = ("slurm",)


def choose_pool(
    *, hostfile: Path | None = None, cluster: str | None = None, options: Sequence[str] = ()
) -> Pool:
    """Where workers run.

    Args:
        hostfile: trials span the machines that it names.
        cluster: "slurm": workers are its jobs; None for this machine.
        options: of the cluster's jobs, each as `key=value`.

    Raises:
        StudyError: they do not go together, or cannot be read.
    """
    if hostfile is not None and cluster is not None:
        raise StudyError(
            "--hostfile and --cluster exclude each other: jobs of a cluster find their own machines"
        )
    if cluster is None and options:
        raise StudyError(f"--cluster-option {options[0]!r} needs --cluster slurm")
    if hostfile is not None:
        return Hosts(hostfile, read_hostfile(hostfile))
    if cluster is None:
        return ThisMachine()
    if cluster not in _CLUSTERS:
        raise StudyError(f"--cluster {cluster!r} is not known; {nearest(cluster, _CLUSTERS)}")
    return Slurm(slurm_options(options))


def ranks_per_trial(pool: Pool, processes: int) -> int:
    """Ranks of a trial in a pool, of which a hostfile's slots leave no choice.

    Args:
        pool: where workers run.
        processes: as asked for; 1 where nothing was.

    Raises:
        StudyError: another number than the hostfile's slots.
    """
    if not isinstance(pool, Hosts):
        return processes
    if processes not in (1, pool.processes):
        raise StudyError(
            f"--processes {processes}: the slots of {pool.file} add up to {pool.processes}; leave --processes out"
        )
    return pool.processes
