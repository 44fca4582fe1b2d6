"""The arms that results hold, for arguments that name some of them."""

from collections.abc import Collection, Sequence
from typing import Any

import polars as pl

from ablation_stats._cube import PairedCube
from ablation_stats._frame import to_lazy
from ablation_stats._refuse import require_known


def arm_names(frame: Any) -> list[str]:
    """The arms of a cube, or of the column `arm` of a frame, sorted."""
    if isinstance(frame, PairedCube):
        return list(frame.arms)
    arms = to_lazy(frame).select(pl.col("arm").cast(pl.String)).unique().collect()["arm"]
    return list(arms.drop_nulls().sort())


def require_arms(frames: Sequence[Any], named: Collection[str], *, what: str) -> None:
    """Raise for a name that is an arm of none of some frames or cubes.

    Raises:
        ValueError: the first such name, with the arms there are.
    """
    different = {id(frame): frame for frame in frames}.values() if named else ()
    known = sorted({arm for frame in different for arm in arm_names(frame)})
    for name in named:
        require_known(name, known, what=what)
