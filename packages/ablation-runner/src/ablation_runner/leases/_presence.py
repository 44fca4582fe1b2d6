"""Who works in a folder: any number of processes together, or one that knows itself alone."""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ablation_runner.leases._lease import LASTS, is_leased, try_lease

_ALONE = "alone"
_ASK_EVERY = 0.1  # seconds between looks at somebody who tidies up alone, which takes moments


@contextmanager
def take_part(folder: Path, *, lasts: float = LASTS) -> Iterator[None]:
    """Takes part, with others, in what `folder` stands for; waits for whoever is alone in it.

    Args:
        folder: holds a lease for everybody who takes part.
        lasts: seconds without a sign of life after which one no longer does.
    """
    with try_lease(folder / uuid.uuid4().hex, lasts=lasts):
        while is_leased(folder / _ALONE, lasts=lasts):
            time.sleep(_ASK_EVERY)
        yield


@contextmanager
def alone_in(folder: Path, *, lasts: float = LASTS) -> Iterator[bool]:
    """Whether nobody takes part, nor begins to while the block runs.

    Each side says what it is about before it looks at the other, so that at least one of two sees the other.

    Args:
        folder: as for `take_part`.
        lasts: as there.
    """
    with try_lease(folder / _ALONE, lasts=lasts) as lease:
        others = [path for path in folder.iterdir() if path.name != _ALONE]
        living = {path for path in others if is_leased(path, lasts=lasts)}
        if lease:
            for path in set(others) - living:
                path.unlink(missing_ok=True)
        yield lease is not None and all(path.name.startswith(".") for path in living)
