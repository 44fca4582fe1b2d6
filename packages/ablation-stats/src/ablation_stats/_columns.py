"""The value, weight and cluster columns, checked, with the ids of the rows that break a rule."""

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ablation_stats._codes import Coded, encode
from ablation_stats._refuse import sample
from ablation_stats._refuse_arrays import LARGEST_SCORE


def numbers(rows: pl.DataFrame, name: str, *, signed: bool) -> NDArray[np.float64]:
    """A column as finite floats.

    Raises:
        ValueError: not numeric, null, NaN or infinite, or below 0 where not `signed`; with the rows' ids.
    """
    column = rows[name]
    if not (column.dtype.is_numeric() or column.dtype == pl.Boolean):
        raise ValueError(f"column {name!r} must hold numbers, got {column.dtype}")
    numbers = column.cast(pl.Float64).fill_null(np.nan).to_numpy()
    bad = ~(np.abs(numbers) <= LARGEST_SCORE) if signed else ~((numbers >= 0) & (numbers <= LARGEST_SCORE))
    if bad.any():
        rule = f"finite and at most {LARGEST_SCORE:g} in size" if signed else "finite and at least 0"
        raise ValueError(f"{name} must be {rule}; not so for {sample(_row_names(rows, np.flatnonzero(bad)))}")
    return numbers


def _row_names(rows: pl.DataFrame, where: NDArray[np.int64]) -> Iterator[str]:
    keys = [key for key in ("arm", "seed", "item") if key in rows.columns]
    for row in rows.select(keys).gather(where.tolist()).iter_rows(named=True):
        yield "(" + ", ".join(f"{key} {row[key]}" for key in keys) + ")"


def item_clusters(rows: pl.DataFrame, item: Coded) -> tuple[pl.Series, NDArray[np.int64]]:
    """Cluster labels, sorted, and the cluster of each item; without a cluster column every item is its own.

    Raises:
        ValueError: a null, or an item that lies in two clusters.
    """
    if "cluster" not in rows.columns:
        return item.labels.alias("cluster"), np.arange(item.labels.len())
    column = rows["cluster"]
    if column.null_count():
        missing = sample(_row_names(rows, column.is_null().arg_true().to_numpy().astype(np.int64)))
        raise ValueError(f"column 'cluster' must have no null; rows {missing} have one")
    row_of_item = np.empty(item.labels.len(), dtype=np.int64)
    row_of_item[item.codes] = np.arange(item.codes.size)
    key = (column.hash() if column.dtype == pl.String else column.to_physical()).to_numpy()
    differs = key != key[row_of_item][item.codes]
    if differs.any():
        names = item.labels.gather(np.unique(item.codes[differs])).to_list()
        raise ValueError(f"an item must lie in one cluster; not so for items {sample(names)}")
    coded = encode(column.gather(row_of_item))
    return coded.labels, coded.codes
