"""Tables from files: Parquet, CSV, TSV and, with the extra `xlsx`, Excel."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import polars as pl

from ablation_stats._refuse import sample

TABLES = (".parquet", ".csv", ".tsv", ".xlsx")


def read_table(path: Path) -> pl.DataFrame:
    """The file as a frame.

    Raises:
        ImportError: an Excel file without the extra `xlsx`.
        ValueError: a file that cannot be read as what its name says.
    """
    try:
        if path.suffix == ".parquet":
            return pl.read_parquet(path)
        if path.suffix == ".xlsx":
            return _read_excel(path)
        return pl.read_csv(path, separator="\t" if path.suffix == ".tsv" else ",", infer_schema_length=None)
    except pl.exceptions.PolarsError as error:
        raise ValueError(
            f"{path}: not readable as {path.suffix[1:]} ({str(error).splitlines()[0]})"
        ) from None


def require_columns(table: pl.DataFrame, names: Sequence[str], path: Path) -> None:
    """Raise unless the table has every one of these columns.

    Raises:
        ValueError: one is missing.
    """
    for name in names:
        if name not in table.columns:
            raise ValueError(f"{path}: no column {name!r}; the file has {sample(sorted(table.columns))}")


def _read_excel(path: Path) -> pl.DataFrame:
    if find_spec("fastexcel") is None:
        raise ImportError(f"{path}: Excel files need the extra: pip install 'ablation-stats[xlsx]'")
    return pl.read_excel(path)
