"""Any accepted table as one polars frame, narrowed to the rows and columns that a comparison reads."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from ablation_stats._refuse import require_known, sample

KEYS = ("study", "task", "condition", "metric")
OPTIONAL = ("seed", "cluster", "weight", "valid")


def to_lazy(frame: Any) -> pl.LazyFrame:
    """A polars frame, a lazy frame or scan, or a pandas frame (extra `pandas`) as a lazy frame.

    Raises:
        ImportError: a pandas frame without the extra.
        ValueError: anything else.
    """
    if isinstance(frame, pl.LazyFrame):
        return frame
    if isinstance(frame, pl.DataFrame):
        return frame.lazy()
    if type(frame).__module__.split(".")[0] == "pandas":
        try:
            return pl.DataFrame(pl.from_pandas(frame)).lazy()
        except ImportError as error:
            raise ImportError("pandas frames need the extra: pip install 'ablation-stats[pandas]'") from error
    raise ValueError(f"frame must be a polars or pandas frame, got {type(frame).__name__}")


def narrow(
    frame: Any, *, arm: Sequence[str], arms: Sequence[str] | None, selection: dict[str, str | None]
) -> pl.DataFrame:
    """The rows of one metric, task, condition and study, with the columns that statistics read.

    Args:
        frame: rows of results, one per arm, seed and item.
        arm: the column that names the arm, or the factor columns that together do.
        arms: arms to keep; None keeps all.
        selection: value wanted per key column; None where the frame holds one only.

    Raises:
        ValueError: a column is missing, a key holds several values and none was chosen, or none is left.
    """
    lazy = to_lazy(frame)
    columns = lazy.collect_schema().names()
    for needed in (*arm, "item", "value"):
        if needed not in columns:
            near = f"; the frame has {sample(sorted(columns))}"
            raise ValueError(f"the frame needs a column {needed!r}{near}")
    for key, wanted in selection.items():
        if wanted is not None and key not in columns:
            raise ValueError(f"{key}={wanted!r} was asked for, but the frame has no column {key!r}")
        if wanted is not None:
            lazy = lazy.filter(pl.col(key).cast(pl.String) == str(wanted))
    if arms is not None and len(arm) == 1:
        name = pl.col(arm[0]).cast(pl.String)
        lazy = lazy.filter(name.is_in(list(arms)) | name.is_null())
    kept = [*arm, "item", "value", *(c for c in (*OPTIONAL, *KEYS) if c in columns and c not in arm)]
    rows = lazy.select(kept).collect()
    if rows.height == 0:
        _explain_empty(frame, arm, arms, selection)
    _require_single(rows, [key for key in KEYS if key in rows.columns])
    return rows


def _require_single(rows: pl.DataFrame, keys: list[str]) -> None:
    for key in keys:
        found = rows[key].unique()
        if found.len() > 1:
            names = sample(found.cast(pl.String).sort().to_list())
            raise ValueError(
                f"the frame holds several values of {key!r} ({names}); choose one with {key}=..."
            )


def _explain_empty(
    frame: Any, arm: Sequence[str], arms: Sequence[str] | None, selection: dict[str, str | None]
) -> None:
    rows = (
        to_lazy(frame).select([*arm, *(k for k, v in selection.items() if v is not None)]).unique().collect()
    )
    if rows.height == 0:
        raise ValueError("the frame holds no rows")
    for key, wanted in selection.items():
        if wanted is not None:
            require_known(str(wanted), set(rows[key].cast(pl.String).drop_nulls()), what=key)
    if arms is not None and len(arm) == 1:
        for name in arms:
            require_known(name, set(rows[arm[0]].cast(pl.String).drop_nulls()), what="arm")
    chosen = {key: wanted for key, wanted in selection.items() if wanted is not None}
    raise ValueError(f"no row of the frame has all of {chosen}")


def joined_levels(columns: Sequence[str]) -> pl.Expr:
    """The name of an arm from its factor columns: "encoder=clip, tokens=16"."""
    parts = [pl.format("{}={}", pl.lit(name), pl.col(name).cast(pl.String)) for name in columns]
    return pl.concat_str(parts, separator=", ").alias("arm")
