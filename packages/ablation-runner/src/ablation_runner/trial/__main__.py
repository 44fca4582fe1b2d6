"""A worker: `python -m ablation_runner.trial RUN`, alone or as ranks of the DeepSpeed launcher."""

import argparse
import os
import sys
import traceback
from pathlib import Path
from threading import Thread


def main() -> None:
    """Works through the plan of a run folder until no trial is left to take."""
    parser = argparse.ArgumentParser(prog="python -m ablation_runner.trial")
    parser.add_argument("--local_rank", type=int, help="given by the launcher")
    parser.add_argument("run", type=Path)
    arguments = parser.parse_args()
    Thread(target=_stop_with_parent, daemon=True).start()
    try:
        _work(arguments.run)
    except BaseException:  # noqa: BLE001 (printed, and the process ends with it)
        traceback.print_exc()
        sys.stdout.flush()
        os._exit(1)  # a rank that waits in a collective would keep the interpreter alive


def _work(run: Path) -> None:
    """Works off the plan: what trains its trials differs, and nothing else."""
    from ablation_runner.plan import starts_own_ranks
    from ablation_runner.storage.store import RunFolder

    if starts_own_ranks(RunFolder(run).plan_file):
        from ablation_runner.own_trainer._work import work
    else:
        from ablation_runner.trial._work import work
    work(run)


def _stop_with_parent() -> None:
    """Ends this process when the command that started it is gone: its end of standard input closes."""
    while os.read(0, 1):
        pass
    os._exit(3)


if __name__ == "__main__":
    main()
