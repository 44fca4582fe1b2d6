"""Prediction and result files of VLMEvalKit (tsv, csv, xlsx) as a frame of results.

Format: open-compass/VLMEvalKit, vlmeval/smp/file.py (files), vlmeval/dataset/utils/multiple_choice.py (`hit`),
vlmeval/dataset/image_yorn.py (`extracted`, `score`) and vlmeval/dataset/image_vqa.py (`eval_score`).
"""

from pathlib import Path

import polars as pl

from ablation_stats._read_table import require_columns

SCORES = ("hit", "score", "eval_score")
FAILED = "Failed to obtain answer"
EXACT = "exact-match"


def is_vlmevalkit(columns: list[str]) -> bool:
    """Whether a table with these columns is one of VLMEvalKit's."""
    return "index" in columns and "prediction" in columns


def read_vlmevalkit(
    table: pl.DataFrame, path: Path, *, arm: str, seed: int = 0, task: str, cluster: str | None = None
) -> pl.DataFrame:
    """Results of one file: a row per question and score.

    The scores are the columns that VLMEvalKit's evaluation adds: `hit`, `score` or `eval_score`. A file of bare predictions
    has none; then `prediction` is compared with `answer`, letter case and outer blanks aside, as "exact-match". That
    does not extract options from sentences: run VLMEvalKit's evaluation for those. `question`, `prediction` and `answer`, as
    `answers`, are kept for people to read.

    Args:
        table: the file's content.
        path: the file, for messages.
        arm: name of the arm.
        seed: seed of its training.
        task: name of the data set.
        cluster: column that names what questions share.

    Raises:
        ValueError: neither scores nor answers, a score that is no number, an index twice; with column and rows.
    """
    require_columns(table, ("index", *([cluster] if cluster else [])), path)
    found = [name for name in SCORES if name in table.columns]
    if not found:
        require_columns(table, ("answer",), path)
        same = (
            pl.col("prediction").cast(pl.String).str.strip_chars().str.to_lowercase()
            == pl.col("answer").cast(pl.String).str.strip_chars().str.to_lowercase()
        )
        table, found = table.with_columns(same.fill_null(False).cast(pl.Float64).alias(EXACT)), [EXACT]
    doubled = table.filter(pl.col("index").is_duplicated())["index"]
    if doubled.len():
        raise ValueError(f"{path}: column 'index' must name each question once; {doubled[0]} is there twice")
    columns = [
        pl.lit(arm).alias("arm"),
        pl.lit(seed).alias("seed"),
        pl.lit(task).alias("task"),
        pl.col("index").cast(pl.String).alias("item"),
        pl.col("prediction").cast(pl.String).str.starts_with(FAILED).not_().fill_null(False).alias("valid"),
        *_texts(table.columns),
        *([pl.col(cluster).cast(pl.String).alias("cluster")] if cluster else []),
    ]
    parts = [
        table.select(*columns, pl.lit(name).alias("metric"), _numbers(table, name, path).alias("value"))
        for name in found
    ]
    return pl.concat(parts)


def _texts(columns: list[str]) -> list[pl.Expr]:
    """What a person reads, as far as the file has it."""
    texts = [pl.col(name).cast(pl.String) for name in ("question", "prediction") if name in columns]
    answers = pl.concat_list(pl.col("answer").cast(pl.String)).alias("answers")
    return [*texts, *([answers] if "answer" in columns else [])]


def _numbers(table: pl.DataFrame, name: str, path: Path) -> pl.Series:
    """A score column as floats; true and false may be words."""
    column = table[name]
    if column.dtype == pl.String:
        words = {"true": "1", "false": "0"}
        column = column.str.to_lowercase().replace(words).cast(pl.Float64, strict=False)
    column = column.cast(pl.Float64, strict=False)
    bad = (column.is_null() | column.is_nan() | column.is_infinite()).arg_true()
    if bad.len():
        raise ValueError(
            f"{path}: column {name!r} must hold a number in every row; row {bad[0] + 2} does not"
        )
    return column
