"""The rows of finished trials, every arm named with the condition it was tested under."""

from collections.abc import Sequence

import polars as pl

from ablation_runner.errors import StudyError
from ablation_runner.plan import Trial, tested_name
from ablation_runner.storage.store import RunFolder


def tested_rows(run: RunFolder, finished: Sequence[Trial]) -> pl.DataFrame:
    """One row per prediction of some finished trials.

    Args:
        run: the study's folder.
        finished: at least one trial with a result.

    Raises:
        StudyError: a file of predictions cannot be read.
    """
    frames = []
    for trial in finished:
        path = run.trial(trial.name).items_file
        names = {condition: tested_name(trial.arm, condition) for condition in trial.conditions}
        try:
            rows = pl.read_parquet(path)
            frames.append(rows.with_columns(arm=pl.col("condition").replace_strict(names)).drop("condition"))
        except (OSError, pl.exceptions.PolarsError) as error:
            raise StudyError(f"{path}: cannot be read; run the study again") from error
    return pl.concat(frames)
