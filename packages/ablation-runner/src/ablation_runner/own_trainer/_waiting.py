"""Leases that are waited for, where what they protect takes moments or is about to end."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ablation_runner.leases import Lease, try_lease

_ASK_EVERY = 0.1  # seconds


@contextmanager
def wait_for_lease(path: Path) -> Iterator[Lease]:
    """The lease `path` for the time of the block, as soon as nobody else holds it; its folder is made."""
    while True:
        with try_lease(path) as lease:
            if lease is not None:
                yield lease
                return
        time.sleep(_ASK_EVERY)
