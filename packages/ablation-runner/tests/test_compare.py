"""Two runs compared; their rows are made up, so that the right numbers are known."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ablation_runner import StudyError, prepare
from ablation_runner.comparing.compare import ArmChange, compare_runs
from ablation_runner.plan import write_plan
from ablation_runner.storage.files import write_frame, write_json

ITEMS = 12


def scores(arm: str, seed: int) -> np.ndarray:
    """0/1 for each item, from the trial's name alone."""
    return np.random.default_rng([seed, *arm.encode()]).integers(0, 2, ITEMS).astype(float)


@pytest.fixture
def make_run(tmp_path: Path, tiny_study: Path) -> Callable[..., Path]:
    """Writes a run in which every trial has finished."""

    def make(name: str, *overrides: str, without: str = "", items: int = ITEMS) -> Path:
        prepared = prepare(str(tiny_study), runs=tmp_path / name, overrides=overrides)
        run = prepared.folder
        write_plan(run.plan_file, prepared.trials, prepared.arms)
        write_json(run.lock_file, {"environment": {"torch": "2.13", "system": name}})
        for trial in prepared.trials:
            if f"{trial.arm}-{trial.seed}" == without:
                continue
            rows = pl.DataFrame(
                {
                    "arm": trial.arm,
                    "seed": trial.seed,
                    "condition": "as-trained",
                    "task": "easy-vqa",
                    "metric": "exact_match",
                    "item": [f"item-{number}" for number in range(items)],
                    "cluster": [f"image-{number // 3}" for number in range(items)],
                    "value": scores(trial.arm, trial.seed)[:items],
                    "weight": 1.0,
                    "valid": True,
                }
            )
            folder = run.trial(trial.name)
            write_frame(folder.items_file, rows.sample(fraction=1, shuffle=True, seed=trial.seed))
            write_json(folder.record_file, {"status": "finished"})
        return run.path

    return make


def flip(run: Path, arm: str, items: list[str]) -> None:
    """Makes every seed of an arm answer some items the other way."""
    for path in (run / "trials").glob(f"{arm}-seed*/items.parquet"):
        other = pl.when(pl.col("item").is_in(items)).then(1 - pl.col("value")).otherwise("value")
        write_frame(path, pl.read_parquet(path).with_columns(value=other))


def test_a_run_compared_with_itself_differs_in_exactly_nothing(make_run: Callable[..., Path]) -> None:
    run = make_run("runs")
    found = compare_runs(run, run)
    assert [arm.arm for arm in found.arms] == ["concatenation", "mlp", "blind"]
    for arm in found.arms:
        assert (arm.difference, arm.low, arm.high, arm.seeds) == (0.0, 0.0, 0.0, (0, 1))
        assert arm.first == arm.second == np.mean([scores(arm.arm, seed) for seed in (0, 1)])
    assert found.missing == found.configurations == found.environment == ()


def test_the_difference_is_second_minus_first_over_all_pairs(make_run: Callable[..., Path]) -> None:
    first, second = make_run("one"), make_run("other")
    flip(second, "mlp", ["item-1", "item-2", "item-7"])
    arms = {arm.arm: arm for arm in compare_runs(first, second).arms}
    before = np.array([scores("mlp", seed) for seed in (0, 1)])
    expected = np.mean((1 - 2 * before)[:, [1, 2, 7]].sum(1) / ITEMS)
    mlp = arms["mlp"]
    assert mlp.difference == pytest.approx(expected)
    assert mlp.low is not None
    assert mlp.high is not None
    assert mlp.low < expected < mlp.high
    assert arms["concatenation"].difference == 0.0
    backwards = {arm.arm: arm for arm in compare_runs(second, first).arms}["mlp"]
    assert backwards.difference == pytest.approx(-expected)


def test_what_was_done_differently_is_named(make_run: Callable[..., Path]) -> None:
    first = make_run("one", without="mlp-1")
    second = make_run("other", "training.steps=24", "engine.clip=0.5")
    found = compare_runs(first, second)
    assert found.missing == ("mlp seed 1: only in the second run",)
    assert found.configurations == ("all arms: training.steps: 12 → 24", "all arms: engine.clip: 1.0 → 0.5")
    assert found.environment == ("system: one → other",)
    assert {arm.arm: arm.seeds for arm in found.arms} == {
        "concatenation": (0, 1), "mlp": (0,), "blind": (0, 1),
    }  # fmt: skip


def test_one_seed_speaks_about_items_alone(make_run: Callable[..., Path]) -> None:
    first, second = make_run("one", "seeds=[0]"), make_run("other", "seeds=[0]")
    flip(second, "mlp", ["item-1", "item-7"])
    mlp = {arm.arm: arm for arm in compare_runs(first, second).arms}["mlp"]
    assert mlp.seeds == (0,)
    assert mlp.low is not None


def test_arms_that_cannot_be_paired_say_why(make_run: Callable[..., Path]) -> None:
    found = compare_runs(make_run("one"), make_run("other", items=ITEMS - 3))
    assert set(found.arms) == {
        ArmChange(arm=arm, seeds=(0, 1), note="tested on other items")
        for arm in ("concatenation", "mlp", "blind")
    }
    other_arm = make_run("third", "claims=[]", 'factors.fusion.levels=["concatenation", "q-former"]')
    notes = {arm.arm: arm.note for arm in compare_runs(make_run("one"), other_arm).arms}
    assert notes["mlp"] == notes["q-former"] == "no seed is finished in both runs"


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    run = make_run("runs")
    with pytest.raises(StudyError, match="no run of a study"):
        compare_runs(run, tmp_path)
    broken = next((run / "trials").glob("mlp-*/items.parquet"))
    broken.write_bytes(broken.read_bytes()[:-20])
    with pytest.raises(StudyError, match=r"items\.parquet: cannot be read"):
        compare_runs(run, run)
    shutil.rmtree(run / "trials")
    with pytest.raises(StudyError, match="no trial has finished"):
        compare_runs(run, run)


def test_a_plan_cannot_lead_out_of_the_run(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    run = make_run("runs")
    plan = pl.read_parquet(run / "plan.parquet")
    for name in ("../../precious", "/etc", "..", "a/b", ""):
        write_frame(run / "plan.parquet", plan.with_columns(trial=pl.lit(name)))
        with pytest.raises(StudyError, match="cannot be the name of a folder"):
            compare_runs(run, run)


def test_the_command_prints_a_table_or_json(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    first, second = make_run("one"), make_run("other", "training.steps=24")
    flip(second, "mlp", ["item-1"])
    command = [sys.executable, "-m", "ablation_runner", "compare", str(first), str(second)]
    wide = {**os.environ, "COLUMNS": "120"}
    table = subprocess.run(command, capture_output=True, text=True, check=True, env=wide).stdout
    assert "all arms: training.steps: 12 → 24" in table
    assert "no score differs" in table
    assert "difference, points (95 % interval)" in table
    assert "\u00a0%" in next(line for line in table.splitlines() if line.startswith("mlp"))
    found = json.loads(
        subprocess.run([*command, "--json"], capture_output=True, text=True, check=True).stdout
    )
    assert [arm["arm"] for arm in found["arms"]] == ["concatenation", "mlp", "blind"]
