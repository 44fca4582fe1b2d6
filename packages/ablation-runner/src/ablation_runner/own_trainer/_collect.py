"""What a command left, read by ablation-stats and put into the rows that every trial here has."""

from pathlib import Path

import polars as pl

import ablation_stats as stats
from ablation_runner.failure import TrialFailedError
from ablation_runner.plan import CommandTrial
from ablation_runner.study import AS_TRAINED

# Columns of a result row (beside study and arm), in their order, with what stands where the command says nothing.
_TEXTS = pl.List(pl.String)
_DEFAULTS = {
    "condition": pl.lit(AS_TRAINED),
    "arm": pl.lit(None, dtype=pl.String),
    "seed": pl.lit(None, dtype=pl.Int64),
    "task": pl.lit("results"),
    "item": pl.lit(None, dtype=pl.String),
    "cluster": pl.col("item"),
    "question": pl.lit(""),
    "question_type": pl.col("task"),
    "answers": pl.lit([], dtype=_TEXTS),
    "prediction": pl.lit(None, dtype=pl.String),
    "metric": pl.lit(None, dtype=pl.String),
    "value": pl.lit(None, dtype=pl.Float64),
    "weight": pl.lit(1.0),
    "valid": pl.lit(None, dtype=pl.Boolean),
}
_FILLED = ("question", "question_type", "answers")  # what is only read may be missing in places
_TYPES: dict[str, type[pl.DataType] | pl.DataType] = {
    "seed": pl.Int64,
    "answers": _TEXTS,
    "value": pl.Float64,
    "weight": pl.Float64,
    "valid": pl.Boolean,
}


def collect(trial: CommandTrial, out: Path) -> pl.DataFrame:
    """The result rows of a trial, sorted by item.

    Of logs that carry a date, as lm-eval's do, the last one of each task counts. Where there are several tasks, an item
    is called TASK/ITEM. `valid` is null where the command does not say it.

    Args:
        trial: as planned.
        out: the folder that its command was given.

    Raises:
        TrialFailedError: there is no file of results, it cannot be read, or its rows are not those of one arm and seed.
    """
    files = _files(trial, out)
    sources = [stats.ResultSource(path, trial.arm, trial.seed) for path in files]
    try:
        rows = _in_order(_of_metric(stats.read_results(sources, cluster=trial.engine.cluster), trial))
        _refuse_others(rows, trial)
        stats.paired_cube(rows)  # refuses duplicates, gaps and scores that are no numbers, by item
    except (ValueError, ImportError, pl.exceptions.PolarsError) as error:
        raise TrialFailedError(f"its results cannot be used: {_first_line(error)}") from error
    return rows


def _files(trial: CommandTrial, out: Path) -> list[Path]:
    pattern = trial.engine.results
    found = sorted(path for path in out.glob(pattern) if path.is_file())
    if not found:
        left = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
        what = f"only {', '.join(left[:3])}{' ...' if len(left) > 3 else ''}" if left else "nothing"
        raise TrialFailedError(
            f"the command ended without an error and left no {pattern} in {out}, {what}; it has to write what "
            "engine.results names into {out}"
        )
    latest = {(path.parent, stats.logged_task(path) or path.name): path for path in found}
    return list(latest.values())


def _of_metric(rows: pl.DataFrame, trial: CommandTrial) -> pl.DataFrame:
    """The rows of the study's metric; rows that name none are of it."""
    if "metric" not in rows.columns:
        return rows.with_columns(metric=pl.lit(trial.metric))
    own = rows.filter(pl.col("metric") == trial.metric)
    if own.is_empty():
        known = ", ".join(map(repr, sorted(rows["metric"].drop_nulls().unique())))
        raise ValueError(f"no row is of metric {trial.metric!r}, which the study names; there is {known}")
    return own


def _in_order(rows: pl.DataFrame) -> pl.DataFrame:
    """Every column of a result row, in its order and type."""
    for name, default in _DEFAULTS.items():
        column = default if name not in rows.columns else pl.col(name)
        column = column.cast(_TYPES.get(name, pl.String))
        rows = rows.with_columns((column.fill_null(default) if name in _FILLED else column).alias(name))
    if rows["task"].n_unique() > 1:
        rows = rows.with_columns(item=pl.format("{}/{}", "task", "item"))
        rows = rows.with_columns(task=pl.lit("results"))
    return rows.select(list(_DEFAULTS)).sort("item")


def _refuse_others(rows: pl.DataFrame, trial: CommandTrial) -> None:
    for column, own in (("seed", trial.seed), ("condition", AS_TRAINED)):
        others = rows.filter(pl.col(column).ne_missing(own))[column]
        if others.len():
            raise TrialFailedError(
                f"its results hold {column} {others[0]!r}; a trial's rows are of {column} {own!r}, or do not say it"
            )


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
