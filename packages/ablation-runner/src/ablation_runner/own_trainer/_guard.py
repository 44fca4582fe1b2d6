"""Runs a command so that nothing of it outlives whoever started this: `python -m ... LEASE PROGRAM ARGUMENTS`.

Standard input is a pipe that closes when the starting process dies, however it dies. Launchers such as torchrun put
their ranks into sessions of their own, so a process group does not hold them all; where Linux allows it, orphans of the
command become children of this process, which ends every one of them.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread

from ablation_runner.leases import Lease
from ablation_runner.own_trainer._waiting import wait_for_lease

GRACE = 10.0  # seconds between asking and killing
_LOOK_EVERY = 10.0  # seconds between looks at the lease
_PROC = Path("/proc")
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of linux/prctl.h


def main() -> None:
    """Runs the command, ends what it left, and exits as it did."""
    path, *command = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    # The runner before this one may have died a moment ago, and its command be about to end.
    with wait_for_lease(Path(path)) as lease:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
        Thread(target=_end_with_starter, args=(child,), daemon=True).start()
        code = _wait(child, lease)
        _end(child.pid, grace=0.0)
    os._exit(code if code >= 0 else 128 - code)


def _wait(child: subprocess.Popen[bytes], lease: Lease) -> int:
    """The command's exit code; it is ended where this machine stood still so long that another one runs it now."""
    while True:
        try:
            return child.wait(timeout=_LOOK_EVERY)
        except subprocess.TimeoutExpired:
            if not lease.is_mine():
                _end(child.pid, grace=GRACE)


def _end_with_starter(child: subprocess.Popen[bytes]) -> None:
    while os.read(0, 1):
        pass
    _end(child.pid, grace=GRACE)


def _end(group: int, *, grace: float) -> None:
    """Asks the command and all it started to end, and kills what is left after `grace` seconds.

    Where there is no /proc to find them in, the command's process group is asked.
    """
    if not _PROC.is_dir():
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGTERM)
    limit = time.monotonic() + grace
    if grace:
        _send(signal.SIGTERM)
    while _descendants():
        if time.monotonic() >= limit:
            _send(signal.SIGKILL)
        time.sleep(0.02)


def _send(number: signal.Signals) -> None:
    for process in _descendants():
        with suppress(ProcessLookupError):
            os.kill(process, number)


def _descendants() -> list[int]:
    """Living processes below this one."""
    parents = dict(_processes())
    found: list[int] = []
    below = {os.getpid()}
    while below:
        below = {process for process, parent in parents.items() if parent in below}
        found += below
    return found


def _processes() -> Iterator[tuple[int, int]]:
    """Process and parent of all that live; the dead that wait to be collected are left out."""
    for entry in _PROC.glob("[0-9]*/stat"):
        with suppress(OSError):
            state, parent = entry.read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                yield int(entry.parent.name), int(parent)


if __name__ == "__main__":
    main()
