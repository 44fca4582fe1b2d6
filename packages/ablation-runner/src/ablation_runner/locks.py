"""Lock files: held by one process at a time, and let go by the kernel when it dies."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

# Whoever only looks at a lock has it for an instant, so one is tried this often, with this many seconds between.
_TRIES, _PAUSE = 5, 0.01


@contextmanager
def try_lock(path: Path) -> Iterator[bool]:
    """Whether this process holds the lock file `path` for the time of the block; its folder is made."""
    for attempt in range(_TRIES):
        if attempt:
            time.sleep(_PAUSE)
        if file := _try(path):
            with file:
                yield True
            return
    yield False


def is_held(path: Path) -> bool:
    """Whether some process holds the lock file `path`; makes nothing."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False


@contextmanager
def take_part(path: Path) -> Iterator[tuple[int, bool]]:
    """Takes part in what `path` stands for, with others: its file descriptor, and whether nobody else did.

    While the block runs `left_alone` is not to be had. Child processes that inherit the descriptor take part too, for
    as long as they live.
    """
    with _opened(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            alone = True
        except BlockingIOError:
            alone = False
        fcntl.flock(file, fcntl.LOCK_SH)
        yield file.fileno(), alone


def _try(path: Path) -> IO[bytes] | None:
    """The lock file, open and locked; None where somebody else holds it."""
    file = _opened(path)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    if not _is_in_place(file, path):
        file.close()
        return None
    return file


def _opened(path: Path) -> IO[bytes]:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("ab")


def _is_in_place(file: IO[bytes], path: Path) -> bool:
    """Whether the file is still what the path names: it may have been deleted while it was waited for."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
