"""Where the workers of a run are: on this machine, on the hosts of a hostfile, or in the jobs of a cluster."""

from ablation_runner.pools._choose import choose_pool, ranks_per_trial
from ablation_runner.pools._hosts import Hosts
from ablation_runner.pools._local import ThisMachine
from ablation_runner.pools._pool import Pool, WorkerEnd

__all__ = ["Hosts", "Pool", "ThisMachine", "WorkerEnd", "choose_pool", "ranks_per_trial"]
