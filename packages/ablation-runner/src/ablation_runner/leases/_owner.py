"""The process that holds a lease, written down so that others can tell whether it still lives."""

import json
import os
import platform
import uuid
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True, kw_only=True)
class Owner:
    """A process, as others see it.

    Attributes:
        host: the machine's name, for people.
        kernel: start of the kernel and namespace of its process ids; empty where the system does not tell.
        pid: the process.
        started: clock ticks from the kernel's start to the process's, which tells it from a later one of the same id.
        token: differs between any two leases.
    """

    host: str
    kernel: str
    pid: int
    started: int
    token: str

    def to_bytes(self) -> bytes:
        """What stands in a lease's file."""
        return json.dumps(asdict(self)).encode()

    def is_dead(self) -> bool:
        """Whether the process is known to have ended; False for one that cannot be seen from here."""
        if self.kernel == "" or self.kernel != _kernel():
            return False
        try:
            return _started(self.pid) != self.started
        except PermissionError:  # it runs, and /proc hides processes of other users (hidepid)
            return False


def this_process() -> Owner:
    """This process as the owner of a new lease."""
    pid = os.getpid()
    return Owner(
        host=platform.node(), kernel=_kernel(), pid=pid, started=_started(pid) or 0, token=uuid.uuid4().hex
    )


def read_owner(content: bytes) -> Owner | None:
    """The owner that a lease's file names; None where it names none."""
    try:
        fields = json.loads(content)
        return Owner(**{**fields, "pid": int(fields["pid"]), "started": int(fields["started"])})
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _kernel() -> str:
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {(_PROC / 'self/ns/pid').stat().st_ino}"
    except OSError:
        return ""


def _started(pid: int) -> int | None:
    """Field 22 of /proc/PID/stat; None where there is no such process, or it has ended and waits for its parent.

    Raises:
        PermissionError: it exists and cannot be seen.
    """
    try:
        stat = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except ProcessLookupError:
        return None
    except FileNotFoundError:
        _refuse_hidden(pid)
        return None
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in "ZX" else int(fields[18])


def _refuse_hidden(pid: int) -> None:
    """Refuses where a process exists that /proc does not show."""
    with suppress(ProcessLookupError, OverflowError):
        os.kill(pid, 0)
