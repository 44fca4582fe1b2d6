"""Garbage shown and deleted."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from ablation_runner.cleaning.garbage import Garbage, find_garbage
from ablation_runner.errors import StudyError
from ablation_runner.leases import alone_in, try_lease
from ablation_runner.storage.store import LIVE, StageFolder

_UNITS = ("B", "kB", "MB", "GB", "TB")


def show_garbage(garbage: Sequence[Garbage], runs: Path, console: Console, *, deleted: bool) -> None:
    """Prints what was found, with sizes.

    Args:
        garbage: what was found.
        runs: the runs folder, from which paths are shown.
        console: where to print.
        deleted: it is gone already.
    """
    for each in garbage:
        line = f"{size_text(each.size):>8}  {each.kind}  {each.path.relative_to(runs)}"
        console.print(Text(line), soft_wrap=True)
    total = size_text(sum(each.size for each in garbage))
    if not garbage:
        console.print(Text(f"Nothing in {runs} that the plans do not refer to."))
    elif deleted:
        console.print(Text(f"{total} deleted."))
    else:
        console.print(Text(f"{total} that no plan refers to; nothing was deleted: --yes deletes it."))


def delete_garbage(runs: Path, *, study: str | None = None) -> list[Garbage]:
    """Deletes what no plan refers to and gives what that was; what somebody holds stays.

    Args:
        runs: the runs folder.
        study: only what belongs to this study.

    Raises:
        StudyError: a study is running there, or there is no such study.
    """
    if not runs.is_dir():
        return []
    with alone_in(runs / LIVE) as alone:
        if not alone:
            raise StudyError(f"{runs}: a study is running there; nothing was deleted")
        return [each for each in find_garbage(runs, study=study) if _deleted(each)]


def size_text(size: int) -> str:
    """Bytes in the unit that needs the fewest digits.

    >>> size_text(999), size_text(1_500), size_text(2_000_000_000)
    ('999 B', '1.5 kB', '2.0 GB')
    """
    shown, unit = float(size), 0
    while shown >= 1000 and unit < len(_UNITS) - 1:
        shown, unit = shown / 1000, unit + 1
    return f"{shown:.1f} {_UNITS[unit]}" if unit else f"{size} B"


def _deleted(garbage: Garbage) -> bool:
    """Whether it could be deleted: nobody else had its trial or stage."""
    if garbage.kind == "left-over file":
        garbage.path.unlink(missing_ok=True)
        return True
    if garbage.kind == "features":
        shutil.rmtree(garbage.path)
        return True
    owner = garbage.path.parent if garbage.kind == "checkpoint" else garbage.path
    with try_lease(StageFolder(owner).lease_file) as mine:
        if mine:
            shutil.rmtree(garbage.path)
        return mine is not None
