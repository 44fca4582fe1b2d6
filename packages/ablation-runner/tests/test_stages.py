"""Stages of training: shared where nothing that they depend on differs, and followed by any number of tests."""

import json
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ablation_runner.plan import Trial, plan_trials, resolve_arms
from ablation_runner.study import parse_study

Ablate = Callable[..., subprocess.CompletedProcess[str]]

READING = """
[[baseline.before]]
name = "reading"
training = { steps = 4, images_per_step = 4, questions_per_image = 4, learning_rate = 3e-3, validations = 1, parts = ["language_model"], objectives = "text" }
"""
CONDITIONS = """
[conditions.more]
"tokens.budget" = 16

[conditions.drawn]
"tokens.method" = "random"
"""


def trials_of(text: str, **changes: Any) -> dict[str, Trial]:
    study = parse_study(tomllib.loads(text), source="tiny.toml")
    arms = resolve_arms(study)
    planned = plan_trials(
        study, arms, processes=changes.get("processes", 1), data=changes.get("data", "data")
    )
    return {f"{trial.arm}-{trial.seed}": trial for trial in planned}


def with_reading(text: str) -> str:
    return text.replace("[factors.fusion]", READING + "[factors.fusion]")


def test_arms_share_a_stage_on_text_and_seeds_do_not(tiny_text: str) -> None:
    trials = trials_of(with_reading(tiny_text))
    first = {name: trial.stages[0] for name, trial in trials.items()}
    assert first["concatenation-0"] == first["mlp-0"] == first["blind-0"] != first["mlp-1"]
    assert len({trial.stages[1] for trial in trials.values()}) == len(trials)


def test_a_stage_depends_on_whatever_changes_its_weights_and_on_nothing_else(tiny_text: str) -> None:
    text = with_reading(tiny_text)
    base = trials_of(text)["mlp-0"]

    def changed(old: str, new: str, **more: Any) -> list[bool]:
        assert old in text
        stages = trials_of(text.replace(old, new), **more)["mlp-0"].stages
        return [ours != theirs for ours, theirs in zip(stages, base.stages, strict=True)]

    assert changed("steps = 12", "steps = 13") == [False, True]
    assert changed("budget = 4", "budget = 16") == [False, True]
    assert changed("steps = 4", "steps = 5") == [True, True]
    assert changed("width = 32", "width = 64") == [True, True]
    assert changed("checkpoint_every = 3", "checkpoint_every = 4") == [False, False]
    assert changed('name = "reading"', 'name = "books"') == [False, False]
    assert changed("[engine]", '[conditions.more]\n"tokens.budget" = 16\n[engine]') == [False, False]
    assert changed("[engine]", '[engine]\nmonitors = ["csv"]') == [False, False]
    assert changed("[engine]", "[engine]\nclip = 0.5") == [True, True]
    assert changed("[engine]", "[engine]", processes=2) == [False, False]
    assert changed("[engine]", "[engine]", data="other") == [True, True]


def test_a_condition_makes_another_trial_of_the_same_stages(tiny_text: str) -> None:
    plain, tested = (
        trials_of(tiny_text)["mlp-0"],
        trials_of(tiny_text.replace("[engine]", CONDITIONS + "[engine]"))["mlp-0"],
    )
    assert plain.stages == tested.stages
    assert plain.name != tested.name
    assert list(tested.conditions) == ["as-trained", "more", "drawn"]
    assert tested.conditions["more"].tokens.budget == 16


@pytest.fixture(scope="module")
def tested(ablate: Ablate, tmp_path_factory: pytest.TempPathFactory, tiny_text: str) -> Path:
    """A folder in which a study with a stage on text and two further conditions has run."""
    folder = tmp_path_factory.mktemp("tested")
    text = with_reading(tiny_text).replace("seeds = [0, 1]", "seeds = [0]")
    (folder / "first.toml").write_text(text.replace("[engine]", CONDITIONS + "[engine]"), encoding="utf-8")
    (folder / "second.toml").write_text(text, encoding="utf-8")
    done = ablate(folder, "run", "first.toml", "--workers", 1)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_every_trained_model_is_tested_under_every_condition(tested: Path) -> None:
    rows = pl.concat(map(pl.read_parquet, tested.glob("runs/first/trials/*/items.parquet")))
    counts = rows.group_by("arm", "condition").len()
    assert counts.height == 3 * 3
    assert counts["len"].to_list() == [64] * 9
    assert len(list(tested.glob("runs/stages/*/stage.json"))) == 1 + 3


def test_another_study_that_needs_the_same_stages_trains_nothing(ablate: Ablate, tested: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in tested.glob("runs/stages/*/*")}
    done = ablate(tested, "run", "second.toml", "--workers", 1)
    assert done.returncode == 0, done.stdout + done.stderr
    assert before == {path: path.stat().st_mtime_ns for path in tested.glob("runs/stages/*/*")}
    first = pl.concat(map(pl.read_parquet, sorted(tested.glob("runs/first/trials/*/items.parquet"))))
    second = pl.concat(map(pl.read_parquet, sorted(tested.glob("runs/second/trials/*/items.parquet"))))
    keys = ["arm", "item"]
    assert second.sort(keys).equals(first.filter(pl.col("condition") == "as-trained").sort(keys))


def test_a_study_runs_on_scenes_with_options_and_its_prompt_is_part_of_what_it_is(
    ablate: Ablate, tmp_path: Path, tiny_text: str
) -> None:
    options = 'tasks = ["object"], size = 64, train = 64, validation = 8, test = 16'
    scenes = f'{{ name = "scenes", {options} }}'
    text = tiny_text.replace('"easy-vqa"', scenes).replace("seeds = [0, 1]", "seeds = [0]")
    (tmp_path / "tiny.toml").write_text(text, encoding="utf-8")
    done = ablate(tmp_path, "run", "tiny.toml", "--workers", 1)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = pl.read_parquet(next(tmp_path.glob("runs/tiny/trials/mlp*/items.parquet")))
    assert set(rows["task"]) == {"scenes"}
    names = {path.name for path in tmp_path.glob("runs/tiny/trials/*")}
    (tmp_path / "tiny.toml").write_text(
        text.replace("limit = 64", 'limit = 64, prompt = "question-only"'), encoding="utf-8"
    )
    planned = json.loads(ablate(tmp_path, "plan", "tiny.toml", "--json").stdout)
    assert not names & {trial["trial"] for trial in planned["trials"]}
