"""Tuning and greedy search: what is planned next follows from validation results alone."""

import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from ablation_runner import StudyError
from ablation_runner.plan import Round, Trial, plan_round, resolve_arms
from ablation_runner.study import parse_study

Ablate = Callable[..., subprocess.CompletedProcess[str]]

GREEDY = """
title = "Greedy"
question = "Which levels?"
seeds = [0, 1]
design = { kind = "greedy-sequential" }

[baseline]
tokens = { budget = 4 }
model = { connector = "concatenation", language_model = "llama-tiny" }
training = { steps = 8 }

[factors.fusion]
path = "model.connector"
levels = ["concatenation", "mlp", "q-former", "perceiver-resampler"]

[factors.tokens]
path = "tokens.budget"
levels = [4, 1, 9, 16]

[factors.questions]
path = "training.questions_per_image"
levels = [8, 4, 2]
"""
LEVELS = GREEDY.replace('kind = "greedy-sequential"', "")
TUNING = '[tuning]\npath = "training.learning_rate"\nvalues = [1e-3, 3e-3]\n'


def round_of(text: str, score: Callable[[Trial], float | None]) -> Round:
    study = parse_study(tomllib.loads(text), source="rounds.toml")

    def read(trial: Trial) -> tuple[float, float] | None:
        found = score(trial)
        return None if found is None else (found, 0.0)

    return plan_round(study, processes=1, data="data", read=read)


def names(planned: Round) -> list[str]:
    return [arm.name for arm in planned.arms]


def test_a_greedy_search_of_4_4_and_3_levels_trains_9_arms_and_a_control_in_place_of_48() -> None:
    planned = round_of(GREEDY, lambda trial: 0.0)
    assert planned.is_last
    # 11 runs as counted by stages; the winner of a stage is the next stage's first arm and is not trained again.
    assert len(planned.arms) == 4 + 3 + 2 + 1


def test_a_greedy_search_waits_until_all_seeds_of_a_stage_have_a_result() -> None:
    planned = round_of(GREEDY, lambda trial: None if (trial.arm, trial.seed) == ("mlp", 1) else 0.5)
    assert names(planned) == ["baseline", "mlp", "q-former", "perceiver-resampler", "blind"]
    assert not planned.is_last


def test_a_greedy_search_keeps_the_best_level_over_seeds() -> None:
    by_seed = {("mlp", 0): 0.9, ("mlp", 1): 0.1, ("q-former", 0): 0.6, ("q-former", 1): 0.6}
    planned = round_of(
        GREEDY, lambda trial: by_seed.get((trial.arm, trial.seed), 0.0) if "+" not in trial.arm else None
    )
    assert names(planned)[4:-1] == ["q-former + budget-1", "q-former + budget-9", "q-former + budget-16"]


def test_the_blind_control_is_never_chosen() -> None:
    planned = round_of(GREEDY, lambda trial: 1.0 if trial.arm == "blind" else 0.5)
    assert "baseline" in names(planned)
    assert all("+" not in name for name in names(planned))  # ties go to the first level, the baseline's


def test_every_arm_tries_the_same_values_before_its_trials() -> None:
    planned = round_of(LEVELS + TUNING, lambda trial: None)
    assert not planned.is_last
    per_arm = {
        arm: sum(trial.arm.startswith(f"{arm} with") for trial in planned.tuning) for arm in names(planned)
    }
    assert set(per_arm.values()) == {2}
    assert all(trial.conditions == {} and trial.seed == 0 for trial in planned.tuning)


def test_each_arm_gets_the_value_that_was_best_for_it() -> None:
    text = LEVELS + TUNING
    planned = round_of(text, lambda trial: float(("0.003" in trial.arm) == trial.arm.startswith("mlp")))
    rates = {arm.name: arm.configuration.training.learning_rate for arm in planned.arms}
    assert rates.pop("mlp") == 3e-3
    assert set(rates.values()) == {1e-3}
    assert planned.is_last
    mlp = next(arm for arm in planned.arms if arm.name == "mlp")
    assert {difference.path for difference in mlp.differences} == {
        "model.connector",
        "training.learning_rate",
    }


def test_a_value_whose_trial_failed_is_not_chosen() -> None:
    text = LEVELS + TUNING
    planned = round_of(text, lambda trial: float("-inf") if "0.001" in trial.arm else 0.2)
    assert {arm.configuration.training.learning_rate for arm in planned.arms} == {3e-3}


def test_what_a_factor_varies_is_not_tuned() -> None:
    with pytest.raises(StudyError, match=r"tuning\.path tokens\.budget is what factor 'tokens' varies"):
        round_of(GREEDY + TUNING.replace("training.learning_rate", "tokens.budget"), lambda trial: None)


def test_a_tuned_study_runs_to_its_end_and_tests_no_candidate(
    ablate: Ablate, tmp_path: Path, tiny_text: str
) -> None:
    text = tiny_text.replace("seeds = [0, 1]", "seeds = [0]")
    (tmp_path / "tiny.toml").write_text(f"{text}\n{TUNING}", encoding="utf-8")
    done = ablate(tmp_path, "run", "tiny.toml", "--workers", 1)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 tuning trials to run" in done.stdout
    trials = list(tmp_path.glob("runs/tiny/trials/*"))
    assert len(trials) == 6 + 3
    tested = [trial for trial in trials if (trial / "items.parquet").exists()]
    assert {name.name.split("-seed")[0] for name in tested} == {"concatenation", "mlp", "blind"}
    # An arm's own trial under the first seed is the winning candidate's stage, which is not trained twice.
    assert len(list(tmp_path.glob("runs/stages/*/stage.json"))) == 6
    assert all(pl.read_parquet(trial / "items.parquet").height == 64 for trial in tested)


def test_greedy_arms_exist_only_once_they_are_chosen(tiny_text: str) -> None:
    study = parse_study(tomllib.loads(GREEDY), source="rounds.toml")
    assert len(resolve_arms(study)) == 4 + 1
