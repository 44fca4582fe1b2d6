"""What a command may leave besides its results: losses by step, and what the arm costs."""

import json
import math
from pathlib import Path

import polars as pl

import ablation_stats as stats
from ablation_runner.failure import TrialFailedError
from ablation_runner.plan import CommandTrial

_CURVE = {"step": pl.Int64, "split": pl.String, "loss": pl.Float64, "accuracy": pl.Float64}
# Key of trial.json to that of a trial's record.
_COSTS = {
    "parameters": "trainable_parameters",
    "macs": "macs",
    "visual_tokens": "visual_tokens",
    "train_seconds": "train_seconds",
}


def read_curve(trial: CommandTrial, out: Path) -> pl.DataFrame | None:
    """The losses of `train.parquet`, with arm and seed; None where the command left none.

    Args:
        trial: as planned.
        out: the folder that its command was given.

    Raises:
        TrialFailedError: a column is missing, or a validation loss is none.
    """
    path = out / "train.parquet"
    if not path.is_file():
        return None
    try:
        curve = pl.read_parquet(path)
        if "accuracy" not in curve.columns:
            curve = curve.with_columns(accuracy=pl.lit(None))
        curve = curve.select(pl.col(name).cast(kind) for name, kind in _CURVE.items())
        curve = curve.with_columns(arm=pl.lit(trial.arm), seed=pl.lit(trial.seed, dtype=pl.Int64))
        if "validation" in curve["split"]:
            stats.not_converged(curve)  # refuses losses that it could not judge
    except (ValueError, pl.exceptions.PolarsError) as error:
        text = str(error).splitlines()[0]
        raise TrialFailedError(f"{path}: {text}; it has columns step, split and loss") from error
    return curve


def read_costs(out: Path) -> dict[str, float]:
    """Costs by the keys of a trial's record; only those that `trial.json` says.

    Args:
        out: the folder that the command was given.

    Raises:
        TrialFailedError: it is no JSON table, a cost is not a whole number above 0, or a time not a number above 0.
    """
    path = out / "trial.json"
    if not path.is_file():
        return {}
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise TrialFailedError(f"{path}: not JSON ({error})") from error
    if not isinstance(said, dict):
        raise TrialFailedError(f"{path}: not a table but {type(said).__name__}")
    for key, field in _COSTS.items():
        kinds = (int, float) if field == "train_seconds" else (int,)
        if key in said and (type(said[key]) not in kinds or not 0 < said[key] < math.inf):
            kind = "number" if len(kinds) > 1 else "whole number"
            raise TrialFailedError(f"{path}: {key} must be a {kind} above 0, got {said[key]!r}")
    return {field: said[key] for key, field in _COSTS.items() if key in said}
