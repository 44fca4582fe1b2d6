"""What a plan says can be decided and need not be done again, from files that this test writes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import ablation_stats as stats
from ablation_runner import Prepared, prepare
from ablation_runner.outlook.decidable import ASSUMED, decidable_claims
from ablation_runner.outlook.reuse import find_reuse
from ablation_runner.storage.files import write_frame, write_json
from ablation_runner.storage.records import write_record

SEEDS = range(4)


def prepared(folder: Path, text: str) -> Prepared:
    path = folder / "tiny.toml"
    path.write_text(text, encoding="utf-8")
    return prepare(str(path), runs=folder / "runs")


def rows(arm: str, seed: int, gain: float) -> pl.DataFrame:
    """Scores of 50 images with two questions each; arms share what images and seeds have in common."""
    draw = np.random.default_rng(seed * 100 + len(arm))
    values = 0.5 + gain + draw.normal(0, 0.02) + draw.normal(0, 0.1, size=100)
    return pl.DataFrame(
        {
            "condition": "as-trained",
            "arm": arm,
            "seed": seed,
            "task": "easy-vqa",
            "item": [str(item) for item in range(100)],
            "cluster": [str(item // 2) for item in range(100)],
            "metric": "exact_match",
            "value": values,
            "weight": 1.0,
            "valid": True,
        }
    )


@pytest.fixture
def finished(tmp_path: Path, tiny_text: str) -> Prepared:
    """Four seeds, of which the two arms of the claim have finished three and four, and the blind one none."""
    study = prepared(tmp_path, tiny_text.replace("seeds = [0, 1]", f"seeds = {list(SEEDS)}"))
    for trial in study.trials:
        if trial.arm == "concatenation" or (trial.arm == "mlp" and trial.seed < 3):
            folder = study.folder.trial(trial.name)
            write_frame(folder.items_file, rows(trial.arm, trial.seed, 0.05 * (trial.arm == "mlp")))
            record = {"trial": trial.name, "arm": trial.arm, "seed": trial.seed, "status": "finished"}
            write_record(folder.record_file, record, files=[folder.items_file])
    return study


def test_a_plan_rests_on_the_seeds_that_both_arms_have_finished(finished: Prepared) -> None:
    (found,) = decidable_claims(finished)
    pilot = pl.concat(
        rows(arm, seed, gain) for arm, gain in (("concatenation", 0.0), ("mlp", 0.05)) for seed in range(3)
    )
    claim = stats.Claim(text=found.text, arm="mlp", baseline="concatenation")
    (expected,) = stats.plan([claim], pilot.drop("condition"), seeds=len(SEEDS))
    assert found.rests_on == "own trials"
    assert (found.power, found.min_detectable, found.seeds_needed) == (
        expected.power, expected.min_detectable, expected.seeds_needed,
    )  # fmt: skip


def test_without_enough_trials_the_assumption_is_stated(tmp_path: Path, tiny_text: str) -> None:
    (found,) = decidable_claims(prepared(tmp_path, tiny_text))
    assert found.rests_on == ASSUMED
    assert found.gain == pytest.approx(0.02)
    assert not found.decidable


def test_more_claims_share_the_error_rate(tmp_path: Path, tiny_text: str) -> None:
    one = decidable_claims(prepared(tmp_path, tiny_text))[0]
    second = '[[claims]]\ntext = "It hurts."\narm = "mlp"\nkind = "worse"\n'
    two = decidable_claims(prepared(tmp_path, f"{tiny_text}\n{second}"))
    assert len(two) == 2
    assert two[0].min_detectable is not None
    assert one.min_detectable is not None
    assert two[0].min_detectable > one.min_detectable


def test_one_seed_decides_nothing(tmp_path: Path, tiny_text: str) -> None:
    (found,) = decidable_claims(prepared(tmp_path, tiny_text.replace("seeds = [0, 1]", "seeds = [0]")))
    assert (found.decidable, found.seeds_needed) == (False, 2)


FIRST_STAGE = """
[[baseline.before]]
name = "first"
training = { steps = 6, images_per_step = 4, questions_per_image = 4, learning_rate = 3e-3, validations = 1 }
"""


@pytest.fixture
def staged(tmp_path: Path, tiny_text: str) -> Prepared:
    """A study of two stages, the first of which all arms share under a seed."""
    study = prepared(tmp_path, tiny_text.replace("[factors.fusion]", f"{FIRST_STAGE}\n[factors.fusion]"))
    trials = [replace(trial, stages=(f"first-{trial.seed}", trial.stages[1])) for trial in study.trials]
    return replace(study, trials=trials)


def test_a_shared_stage_is_counted_once(staged: Prepared) -> None:
    found = find_reuse(staged)
    shared = [stage for stage in found.stages if stage.name == "first"]
    assert [len(stage.trials) for stage in shared] == [3, 3]  # one per seed, shared by all arms
    assert found.steps == 6 * (6 + 12)
    assert found.steps_left == 2 * 6 + 6 * 12


def test_a_trained_stage_and_a_checkpoint_are_reused(staged: Prepared) -> None:
    first = staged.trials[0]
    write_json(staged.folder.stage(first.stages[0]).record_file, {"steps": 6, "seconds": 1.0})
    latest = staged.folder.stage(first.stages[1]).checkpoint / "latest.json"
    write_json(latest, {"step": 9, "seconds": 1.0})
    found = find_reuse(staged)
    done = {stage.key: stage.done for stage in found.stages if stage.done}
    assert done == {first.stages[0]: 6, first.stages[1]: 9}
    assert found.steps_left == 2 * 6 + 6 * 12 - 6 - 9


def test_what_a_finished_last_stage_stands_on_is_not_needed(staged: Prepared) -> None:
    first = staged.trials[0]
    write_json(staged.folder.stage(first.stages[1]).record_file, {"steps": 12, "seconds": 1.0})
    stages = {stage.key: stage for stage in find_reuse(staged).stages}
    assert stages[first.stages[1]].done == 12
    assert first.name not in stages[first.stages[0]].trials


def test_finished_trials_are_named_and_their_steps_are_not_counted(finished: Prepared) -> None:
    found = find_reuse(finished)
    assert len(found.trials) == 7
    assert found.steps == (3 * 4 - 7) * 12
