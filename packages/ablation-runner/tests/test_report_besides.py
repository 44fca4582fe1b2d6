"""Metrics beside the one that is judged: read where an arm has them, and shown without a claim."""

import dataclasses
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from ablation_runner.analysis._besides import scores_besides
from ablation_runner.report import write_report

HERE = Path(__file__)
MADE: dict[str, Any] = runpy.run_path(str(HERE.with_name("test_report_made_run.py")))
EXAMPLE: dict[str, Any] = runpy.run_path(str(HERE.with_name("test_report_example.py")))


def test_only_arms_that_give_a_metric_have_a_mean_of_it(tmp_path: Path) -> None:
    prepared = MADE["make_run"](tmp_path)
    rng, values = np.random.default_rng(0), []
    for trial in prepared.trials:
        if trial.arm != "budget-4":
            continue
        values.append(rng.random(8))
        pl.DataFrame({"item": [f"i{place}" for place in range(8)], "value": values[-1]}).with_columns(
            cluster=pl.col("item"), weight=pl.lit(1.0), valid=pl.lit(True), metric=pl.lit("recall_at_1"),
            arm=pl.lit(trial.arm), seed=pl.lit(trial.seed, pl.Int64),
        ).write_parquet(prepared.folder.trial(trial.name).besides_file)  # fmt: skip
    found = scores_besides(prepared.folder, prepared.trials, [arm.name for arm in prepared.arms])
    assert found.select("arm", "metric", "items").rows() == [("budget-4", "recall_at_1", 8)]
    assert found["estimate"].item() == pytest.approx(np.mean(values))
    assert found["low"].item() < found["estimate"].item() < found["high"].item()


def test_the_report_shows_them_in_a_table_of_their_own(tmp_path: Path) -> None:
    results = EXAMPLE["study_results"]()
    rows = [("mlp", "recall_at_1", 0.25, 0.2, 0.3, 8), ("mlp", "recall_at_5", 0.5, 0.4, 0.6, 8)]
    names = ("arm", "metric", "estimate", "low", "high", "items")
    shown = dataclasses.replace(results, besides=pl.DataFrame(rows, schema=names, orient="row"))
    for name, study in (("with", shown), ("without", results)):
        write_report(study, tmp_path / name)
    text = {name: (tmp_path / name / "report.md").read_text("utf-8") for name in ("with", "without")}
    assert "| Arm | Recall at 1 | Recall at 5 |" in text["with"]
    assert "25.0" in text["with"].split("Recall at 1 |", 1)[1].split("\n")[2]
    assert "Recall at k: the share" in text["with"]
    assert "ROUGE-L" not in text["with"]
    assert "Beside what is judged" not in text["without"]


def test_captions_are_shown_in_points_and_percent_and_explained(tmp_path: Path) -> None:
    rows = [("mlp", "caption_cider", 1.234, -0.5, 3.0, 8), ("mlp", "caption_rouge_l", 0.5, 0.4, 0.6, 8)]
    names = ("arm", "metric", "estimate", "low", "high", "items")
    shown = dataclasses.replace(
        EXAMPLE["study_results"](), besides=pl.DataFrame(rows, schema=names, orient="row")
    )
    write_report(shown, tmp_path)
    text = (tmp_path / "report.md").read_text("utf-8").replace("\u00a0", " ")
    table = text.split("| Arm | Caption CIDEr | Caption ROUGE-L |", 1)[1].split("\n")[2]
    assert "123.4 (0.0 to 300.0)" in table
    assert "50.0 %" in table
    assert "an arm writes a statement about each test image" in text
    assert "Recall at k" not in text
