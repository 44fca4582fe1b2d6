"""The study of the software's own error rates."""

import sys
from pathlib import Path

import polars as pl
import pytest

import ablation_stats as stats
from ablation_runner.plan import CommandTrial, command_line
from ablation_runner.planted_truth import main, write_items
from ablation_runner.running.prepared import prepare


def values(folder: Path) -> pl.Series:
    return pl.read_parquet(folder / "items.parquet")["value"]


def test_every_arm_of_the_study_is_drawn_and_judged(tmp_path: Path) -> None:
    prepared = prepare("planted-truth", runs=tmp_path)
    assert prepared.arms[0].name == "null"
    for arm in prepared.arms:
        settings = arm.configuration.values()  # type: ignore[union-attr]
        main([str(settings["truth"]), str(settings["judged_by"]), "12", "0", str(tmp_path)])
        assert values(tmp_path).len() == 12
        assert values(tmp_path).is_in([0.0, 1.0]).all() or arm.name == "promised"
        if arm.name in ("perfect", "confound", "cherry-pick"):
            assert values(tmp_path).min() == 1.0


def test_the_command_runs_in_the_python_that_runs_ablate(tmp_path: Path) -> None:
    trial = prepare("planted-truth", runs=tmp_path).trials[0]
    assert isinstance(trial, CommandTrial)
    module = "ablation_runner.planted_truth"
    assert command_line(trial, out=tmp_path) == [
        sys.executable, "-m", module, "null", "judge", "1000", "0", str(tmp_path),
    ]  # fmt: skip


def test_arms_and_seeds_draw_different_studies_and_each_the_same_again(tmp_path: Path) -> None:
    def drawn(truth: str, seed: int) -> list[float]:
        write_items(truth, "judge", studies=40, seed=seed, out=tmp_path)
        return values(tmp_path).to_list()

    assert drawn("gain", 0) == drawn("gain", 0)
    assert drawn("gain", 0) != drawn("gain", 1)
    assert drawn("gain", 0) != drawn("no-difference", 0)
    assert set(drawn("promised", 0)) == {stats.promised_power("gain")}


def test_an_unknown_truth_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="did you mean 'gain'"):
        write_items("gains", "judge", studies=1, seed=0, out=tmp_path)
