"""What the machine has: cores, memory, and a place for runs."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ablation_runner.doctor._finding import Finding
from ablation_runner.leases import is_leased, try_lease

_LEAST_SHARED_MEMORY = 64 * 2**20  # bytes of /dev/shm: what a container has by default suffices for gloo
_LEAST_DISK = 2 * 2**30  # bytes: the built-in studies' features and results with room to spare


def cores() -> Finding:
    """Trials at a time."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Finding(what="cores", state="ok", found=f"{cores}: as many trials at a time")


def memory() -> Finding:
    """Main memory."""
    if not hasattr(os, "sysconf"):
        return Finding(what="memory", state="note", found="unknown")
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if total < 4 * 2**30:
        return Finding(
            what="memory",
            state="note",
            found=_gib(total),
            advice="a worker takes about 2 GiB: use --workers 1",
        )
    return Finding(what="memory", state="ok", found=_gib(total))


def shared_memory() -> Finding:
    """What ranks of one trial exchange tensors through."""
    folder = Path("/dev/shm")
    if not folder.is_dir():
        return Finding(
            what="shared memory", state="ok", found="no /dev/shm; not needed with one rank per trial"
        )
    free = shutil.disk_usage(folder).free
    if free < _LEAST_SHARED_MEMORY:
        return Finding(
            what="shared memory", state="note", found=f"{_gib(free)} free in /dev/shm",
            advice="several ranks per trial may need more: start a container with --shm-size=1g",
        )  # fmt: skip
    return Finding(what="shared memory", state="ok", found=f"{_gib(free)} free in /dev/shm")


def runs_folder(runs: Path) -> Iterator[Finding]:
    """Whether the folder, or the nearest one above it that exists, can be written, has room, and leases work there."""
    place = next(folder for folder in (runs.absolute(), *runs.absolute().parents) if folder.is_dir())
    try:
        with tempfile.TemporaryDirectory(dir=place, prefix=".ablate-doctor-") as folder:
            (Path(folder) / "file").write_bytes(b"x" * 2**16)
            leased = _leases_work(Path(folder))
    except OSError as error:
        advice = "choose a folder that can be written: --runs DIR"
        yield Finding(what="runs folder", state="broken", found=f"{place}: {error.strerror}", advice=advice)
        return
    yield Finding(what="runs folder", state="ok", found=f"{place} can be written")
    if not leased:
        advice = "choose a folder of a file system that has hard links: --runs DIR"
        yield Finding(
            what="leases",
            state="broken",
            found=f"do not work in {place}: two processes would take one trial",
            advice=advice,
        )
    else:
        yield Finding(what="leases", state="ok", found="work there")
    free = shutil.disk_usage(place).free
    if free < _LEAST_DISK:
        yield Finding(
            what="disk", state="note", found=f"{_gib(free)} free", advice="ablate clean shows what can go"
        )
    else:
        yield Finding(what="disk", state="ok", found=f"{_gib(free)} free")


def _leases_work(folder: Path) -> bool:
    lease = folder / "lease"
    try:
        with try_lease(lease) as mine, try_lease(lease) as also:
            return mine is not None and also is None and is_leased(lease)
    except OSError:
        return False


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"
