"""The metrics that are shown beside the one that is judged, of the arms that give them."""

from collections.abc import Sequence

import polars as pl

import ablation_stats as stats
from ablation_runner.analysis._arms import mean_of
from ablation_runner.plan import Trial
from ablation_runner.storage.store import RunFolder

_SCHEMA = {
    "arm": pl.String, "metric": pl.String, "estimate": pl.Float64, "low": pl.Float64, "high": pl.Float64,
    "items": pl.Int64,
}  # fmt: skip


def scores_besides(run: RunFolder, finished: Sequence[Trial], arms: Sequence[str]) -> pl.DataFrame:
    """Each arm's mean of every such metric, with its interval over seeds and images; empty where no arm gives one.

    Args:
        run: the study's folder.
        finished: trials with a result.
        arms: names, in the order of the report.
    """
    rows = []
    for arm in arms:
        files = [run.trial(trial.name).besides_file for trial in finished if trial.arm == arm]
        frames = [pl.read_parquet(file) for file in files if file.is_file()]
        if not frames:
            continue
        own = pl.concat(frames)
        for metric in own["metric"].unique(maintain_order=True):
            cube = stats.paired_cube(own, metric=metric)
            mean = mean_of(cube, arm)
            assert mean is not None
            row = {"arm": arm, "metric": metric, "items": cube.items.len()}
            rows.append(row | {"estimate": mean.estimate, "low": mean.low, "high": mean.high})
    return pl.DataFrame(rows, schema=_SCHEMA)
