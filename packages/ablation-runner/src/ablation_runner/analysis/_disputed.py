"""The predictions that the report shows: of the questions on which arms disagree most, out of all trials."""

import numpy as np
import polars as pl

from ablation_runner.analysis._cubes import Tested
from ablation_runner.plan import Trial
from ablation_runner.report import most_disputed
from ablation_runner.storage.store import RunFolder
from ablation_runner.study import AS_TRAINED


def disputed_predictions(
    tested: Tested, run: RunFolder, trials: list[Trial], *, seeing: list[str]
) -> pl.DataFrame:
    """Every prediction, as trained, on the questions on which arms differ most; none that could be shown gives no row.

    Args:
        tested: the scores.
        run: the study's folder.
        trials: finished.
        seeing: names of the arms that count, those that are not blind.
    """
    cube = tested.main
    items: list[str] = []
    if cube is not None:
        at = [cube.index(arm) for arm in seeing if arm in cube.arms]
        values = np.stack([cube.values[each].sum(axis=0) for each in at])
        weights = len(cube.seeds) if cube.weights is None else cube.weights[at].sum(axis=1)
        with np.errstate(invalid="ignore"):
            right = values / weights
        spread = tested.questions.select("task", "item", "question_type", "cluster").with_columns(
            spread=pl.Series(right.var(axis=0))
        )
        items = most_disputed(spread.lazy())["item"].to_list()
        trials = [trial for trial in trials if trial.seed in cube.seeds]
    frames = [
        pl.scan_parquet(run.trial(trial.name).items_file)
        .filter(pl.col("condition") == AS_TRAINED, pl.col("item").is_in(items))
        .drop("condition")
        for trial in trials
    ]
    found = pl.concat(frames).collect()
    # A command may leave scores alone: then there is nothing to read.
    return found.filter((pl.col("question") != "") | pl.col("prediction").is_not_null())
