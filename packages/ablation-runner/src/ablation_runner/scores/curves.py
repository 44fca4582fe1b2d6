"""Losses by step of the trials that have them: a command need not leave any."""

from collections.abc import Sequence

import polars as pl

import ablation_stats as stats
from ablation_runner.plan import Trial
from ablation_runner.storage.store import RunFolder

_SCHEMA = {
    "step": pl.Int64,
    "split": pl.String,
    "loss": pl.Float64,
    "accuracy": pl.Float64,
    "arm": pl.String,
    "seed": pl.Int64,
}


def read_curves(run: RunFolder, finished: Sequence[Trial]) -> pl.DataFrame:
    """The curves of finished trials; no row where none has any."""
    files = [run.trial(trial.name).curve_file for trial in finished]
    return pl.concat(
        [
            pl.DataFrame(schema=_SCHEMA),
            *(pl.read_parquet(file, columns=list(_SCHEMA)) for file in files if file.is_file()),
        ]
    )


def unconverged(curves: pl.DataFrame) -> list[str]:
    """Arms whose validation loss was still falling; of an arm without such a loss nothing is known."""
    return list(stats.not_converged(curves)) if "validation" in curves["split"] else []


def without_curves(curves: pl.DataFrame, arms: Sequence[str]) -> list[str]:
    """Those of some arms of which no validation loss is known."""
    known = set(curves.filter(pl.col("split") == "validation")["arm"])
    return [arm for arm in arms if arm not in known]
