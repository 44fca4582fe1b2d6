"""Results from files made here or elsewhere, as one long frame."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from ablation_stats._read_samples import logged_task, read_samples
from ablation_stats._read_table import TABLES, read_table, require_columns
from ablation_stats._read_vlmevalkit import is_vlmevalkit, read_vlmevalkit
from ablation_stats._refuse import sample

# The task of files that do not say theirs.
UNNAMED = "results"
NAMED = re.compile(r"(?P<arm>[^=@/]+)(@(?P<seed>\d+))?=(?P<path>.+)")


class ResultSource(NamedTuple):
    """A file, and the arm and seed that it is of; `arm` None where its content or its name says it."""

    path: Path
    arm: str | None
    seed: int


def read_results(
    sources: Sequence[str | Path | ResultSource], *, cluster: str | None = None, task: str | None = None
) -> pl.DataFrame:
    """The results of one or more files as the long frame that every function here reads.

    A table with columns `arm`, `item` and `value` is taken as it is; one without `arm` is of the arm, and without `seed` of
    the seed, that is written before it, and one with `arm` may hold no other. Sample logs of lm-eval and lmms-eval (`.jsonl`) and
    files of VLMEvalKit (`.tsv`, `.csv`, `.xlsx` with `index` and `prediction`) hold one arm each: that
    of the folder (logs) or of the file's name, or the one written before it, as "full=a.jsonl" or, with the seed of
    its training, "full@1=a.jsonl".

    Args:
        sources: paths, "ARM=PATH", "ARM@SEED=PATH", or a `ResultSource` where a name is not to be taken apart.
        cluster: field or column that names what items share (the image); for files of one arm.
        task: name of the task of files of one arm; None takes what a log's file name says, else "results".

    Raises:
        ValueError: a file that is none of these, content that breaks a rule, an arm and seed twice for one task, or items of
            one id whose content differs between files.
        FileNotFoundError: a file that does not exist.
        ImportError: an Excel file without the extra `xlsx`.
    """
    if not sources:
        raise ValueError("sources must name at least 1 file, got none")
    frames = [_read(_source(each), cluster, task) for each in sources]
    found = pl.concat(frames, how="diagonal_relaxed") if len(frames) > 1 else frames[0]
    if len(frames) > 1:
        _refuse_repeats(found)
    if "fingerprint" in found.columns:
        _refuse_other_items(found)
        found = found.drop("fingerprint")
    return found


def _source(given: str | Path | ResultSource) -> ResultSource:
    if isinstance(given, ResultSource):
        return given
    named = None if isinstance(given, Path) or Path(given).exists() else NAMED.fullmatch(given)
    if named is None:
        return ResultSource(Path(given), None, 0)
    return ResultSource(Path(named["path"]), named["arm"], int(named["seed"] or 0))


def _read(source: ResultSource, cluster: str | None, task: str | None) -> pl.DataFrame:
    path = source.path
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    if path.suffix == ".jsonl":
        arm = source.arm or path.resolve().parent.name
        named = task or logged_task(path) or UNNAMED
        return read_samples(path, arm=arm, task=named, seed=source.seed, cluster=cluster)
    if path.suffix not in TABLES:
        raise ValueError(
            f"{path}: a file of results ends in {', '.join((*TABLES, '.jsonl'))}, got {path.suffix!r}"
        )
    table = read_table(path)
    if is_vlmevalkit(table.columns):
        arm = source.arm or path.stem
        return read_vlmevalkit(table, path, arm=arm, seed=source.seed, task=task or UNNAMED, cluster=cluster)
    if source.arm is not None:
        table = _of_arm(table, source)
    require_columns(table, ("arm", "item", "value"), path)
    return table


def _of_arm(table: pl.DataFrame, source: ResultSource) -> pl.DataFrame:
    """The table with arm and seed as they were named, where it does not say them."""
    named = {"arm": pl.lit(source.arm), "seed": pl.lit(source.seed, dtype=pl.Int64)}
    table = table.with_columns(**{key: value for key, value in named.items() if key not in table.columns})
    others = table.filter(pl.col("arm").cast(pl.String).ne_missing(source.arm))["arm"]
    if others.len():
        raise ValueError(f"{source.path}: given as arm {source.arm!r}, and it holds arm {others[0]!r}")
    return table


def _refuse_repeats(found: pl.DataFrame) -> None:
    keys = [key for key in ("arm", "seed", "task", "metric", "condition", "item") if key in found.columns]
    repeated = found.filter(pl.struct(keys).is_duplicated()).select(keys)
    if repeated.height:
        row = repeated.row(0, named=True)
        raise ValueError(
            f"several files hold arm {row['arm']!r}, seed {row.get('seed', 0)}, item {row['item']}; "
            "name them apart as ARM=FILE or ARM@SEED=FILE"
        )


def _refuse_other_items(found: pl.DataFrame) -> None:
    """Items that share an id but not their content, by the hash that the logs carry, are different questions."""
    kinds = found.group_by("task", "item").agg(pl.col("fingerprint").drop_nulls().n_unique().alias("kinds"))
    differ = kinds.filter(pl.col("kinds") > 1).sort("task", "item")
    if differ.height:
        raise ValueError(
            f"the files hold different documents under one doc_id (their doc_hash differs): task {differ['task'][0]}, "
            f"documents {sample(differ['item'].to_list())}"
        )
