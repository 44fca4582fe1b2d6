"""Everything that a study needs, examined one thing at a time."""

from collections.abc import Callable, Iterator
from pathlib import Path

from ablation_runner.doctor._finding import Finding
from ablation_runner.doctor._machine import cores, memory, runs_folder, shared_memory
from ablation_runner.doctor._software import accelerator, easy_vqa, lite0, packages, python


def examine(runs: Path) -> Iterator[Finding]:
    """Findings one after the other; importing torch takes a while.

    Args:
        runs: where runs are to be kept; nothing stays behind there.
    """
    yield python()
    yield from packages()
    for check in (accelerator, cores, memory, shared_memory, easy_vqa, lite0):
        yield _guarded(check)
    yield from runs_folder(runs)
    yield Finding(what="compiler", state="ok", found="none is needed: DeepSpeed's operators are not built")


def _guarded(check: Callable[[], Finding]) -> Finding:
    """A check that fails in a way nobody thought of is a finding too."""
    try:
        return check()
    except Exception as error:  # noqa: BLE001 (a broken installation may raise anything)
        what = check.__name__.replace("_", " ")
        return Finding(
            what=what, state="broken", found=f"{type(error).__name__}: {error}", advice="reinstall it"
        )
