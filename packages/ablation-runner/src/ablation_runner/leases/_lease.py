"""A lease: a file that one process at a time holds by renewing it, on any file system that several machines share.

It is taken by a hard link, which only one process can make. Its holder renews the file's time; a lease that was not
renewed for long, or whose holder is a process of this machine that has ended, is taken over by a rename, and the right
to that rename is a lease itself, named after what it replaces: so exactly one takes over. Times are compared with that
of a file just touched in the same folder, so clocks of machines may differ. A holder that was stopped for longer than
its lease lasts, and lost it, is told by `Lease.check`.
"""

import hashlib
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple

from ablation_runner.leases._owner import read_owner, this_process

# Seconds that a lease lasts unless it is renewed: longer than an NFS client may go on showing an old time of a file
# (60 by default, acregmax in nfs(5)) and than a busy server is silent, and short against the training it protects.
LASTS = 90.0
# Renewals in that time, so that several may be late before the lease is lost.
_RENEWALS = 9
# Whoever mends a folder has its lease for an instant, so one is tried this often, with this many seconds between.
_TRIES, _PAUSE = 5, 0.01


class LostLeaseError(RuntimeError):
    """This process was stopped for so long that somebody else has taken over its work."""


class _Seen(NamedTuple):
    """A lease's file as it was read: its bytes, which no two leases share, and when it was renewed."""

    content: bytes
    renewed: float


class Lease:
    """A lease that this process holds, renewed by a thread of its own until it is given back.

    Args:
        path: its file.
        content: what this process has put there.
        lasts: seconds without a renewal after which others may take it.
    """

    def __init__(self, path: Path, content: bytes, lasts: float) -> None:
        """Starts to renew it."""
        self._path, self._content, self._lasts = path, content, lasts
        self._given_back = Event()
        self._thread = Thread(target=self._keep, name=f"lease {path}", daemon=True)
        self._thread.start()

    def is_mine(self) -> bool:
        """Renews the lease and tells whether it is still this process's."""
        try:
            if self._path.read_bytes() == self._content:
                os.utime(self._path)
            return self._path.read_bytes() == self._content
        except FileNotFoundError:
            return False

    def check(self) -> None:
        """Refuses to go on with work that is no longer this process's; to be called before anything is written.

        Raises:
            LostLeaseError: somebody else has taken the lease over.
        """
        if not self.is_mine():
            raise LostLeaseError(f"{self._path.parent} was taken over while this process stood still")

    def give_back(self) -> None:
        """Lets others have it."""
        self._given_back.set()
        self._thread.join()
        if self.is_mine():
            self._path.unlink(missing_ok=True)

    def _keep(self) -> None:
        while not self._given_back.wait(self._lasts / _RENEWALS):
            with suppress(OSError):  # such as a server that does not answer: the next renewal may pass
                self.is_mine()


@contextmanager
def try_lease(path: Path, *, lasts: float = LASTS) -> Iterator[Lease | None]:
    """The lease `path` for the time of the block, or None where another process holds it; its folder is made.

    Args:
        path: its file, beside what it protects.
        lasts: seconds without a renewal after which others may take it; the same for all who may want it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    owner = this_process()
    content = owner.to_bytes()
    beside = path.with_name(f".{path.name}.{owner.token}.part")
    for attempt in range(_TRIES):
        if attempt:
            time.sleep(_PAUSE)
        if _put_in_place(beside, content, path, lasts):
            lease = Lease(path, content, lasts)
            try:
                yield lease
            finally:
                lease.give_back()
            return
    yield None


def is_leased(path: Path, *, lasts: float = LASTS) -> bool:
    """Whether some process holds the lease `path`; leaves nothing behind."""
    seen = _look(path)
    return seen is not None and not _is_over(seen, path.parent, lasts)


def _put_in_place(beside: Path, content: bytes, path: Path, lasts: float) -> bool:
    """Whether `content` is now what the lease's file holds, and only now."""
    try:
        beside.write_bytes(content)
        if _linked(beside, path):
            return True
        seen = _look(path)
        if seen is None or not _is_over(seen, path.parent, lasts):
            return False
        right = path.with_name(f".{path.name}.{hashlib.sha256(seen.content).hexdigest()[:32]}.part")
        with try_lease(right, lasts=lasts) as mine:
            still = _look(path) if mine else None
            if still is None or still.content != seen.content or not _is_over(still, path.parent, lasts):
                return False
            os.utime(beside)
            beside.replace(path)
            return True
    finally:
        beside.unlink(missing_ok=True)


def _linked(beside: Path, path: Path) -> bool:
    """Whether the file could be given the name `path`, which nothing else had."""
    try:
        os.link(beside, path)
    except FileExistsError:
        # A server's answer may get lost and its client ask again: then the name exists because this very call made it.
        return beside.stat().st_nlink == 2
    return True


def _look(path: Path) -> _Seen | None:
    """The lease's file, read through an open one, whose times are the server's and no earlier copy of them."""
    try:
        with path.open("rb") as file:
            return _Seen(file.read(), os.fstat(file.fileno()).st_mtime)
    except FileNotFoundError:
        return None


def _is_over(seen: _Seen, folder: Path, lasts: float) -> bool:
    """Whether a lease may be taken over."""
    owner = read_owner(seen.content)
    if owner is not None and owner.is_dead():
        return True
    now = _now(folder)
    return now is not None and now - seen.renewed > lasts


def _now(folder: Path) -> float | None:
    """The file system's time; None where nothing can be written, so that nothing can be taken over either."""
    probe = folder / f".now.{uuid.uuid4().hex}.part"
    try:
        probe.touch()
        os.utime(probe)
        return probe.stat().st_mtime
    except OSError:
        return None
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)
