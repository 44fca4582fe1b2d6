"""Thirty training runs of one small recipe, for the null that no model of ours drew: tests/thirty_seeds.parquet.

`python packages/ablation-runner/bench/thirty_seeds.py FOLDER` trains them below FOLDER and leaves thirty_seeds.parquet there.
"""

import sys
from dataclasses import replace
from pathlib import Path

import polars as pl
from pairing import STUDY
from rich.console import Console

from ablation_runner.running.missing import run_missing
from ablation_runner.running.pipeline import due_trials
from ablation_runner.running.prepared import prepare

SEEDS, ARM = 30, "concatenation"


def train(folder: Path) -> pl.DataFrame:
    """Right or wrong of every run on every question: seed, item, cluster, value.

    Args:
        folder: the runs are kept below it; finished ones are not repeated.
    """
    source = folder / "thirty.toml"
    source.write_text(STUDY.format(seeds=list(range(SEEDS))), encoding="utf-8")
    prepared = prepare(str(source), runs=folder / "runs")
    prepared = replace(prepared, trials=[trial for trial in prepared.trials if trial.arm == ARM])
    if due := due_trials(prepared):
        run_missing(prepared, due, Console(), workers=0)
    files = [prepared.folder.trial(trial.name).items_file for trial in prepared.trials]
    rows = pl.concat(map(pl.read_parquet, files)).sort("seed", "item")
    return rows.select(pl.col("seed").cast(pl.UInt8), "item", "cluster", pl.col("value").cast(pl.UInt8))


if __name__ == "__main__":
    where = Path(sys.argv[1])
    where.mkdir(parents=True, exist_ok=True)
    train(where).write_parquet(where / "thirty_seeds.parquet", compression="zstd")
