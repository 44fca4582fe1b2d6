"""The same arm once more: everything random is drawn anew under the same seeds, and nothing else may differ."""

import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from ablation_runner.errors import StudyError
from ablation_runner.plan import plan_trials, resolve_arms
from ablation_runner.study import built_in_studies, load_study, parse_study

Ablate = Callable[..., subprocess.CompletedProcess[str]]


def test_a_replicate_shares_no_seed_and_no_stage_with_its_twin_and_the_plan_shows_it() -> None:
    study = load_study(built_in_studies()["a-a"])
    arms = resolve_arms(study)
    assert [str(difference) for difference in arms[1].differences] == ["replicate: 0 → 1"]
    first, second, blind = (
        [trial for trial in plan_trials(study, arms, processes=1, data="") if trial.arm == arm.name]
        for arm in arms
    )
    assert [trial.random_seed for trial in first] == [trial.seed for trial in first] == study.seeds
    assert [trial.random_seed for trial in blind] == study.seeds
    assert [trial.seed for trial in second] == study.seeds
    drawn = {trial.random_seed for trial in second}
    assert len(drawn) == len(study.seeds)
    assert not drawn & set(study.seeds)
    assert not {trial.stages for trial in first} & {trial.stages for trial in second}


def test_an_arm_that_is_drawn_anew_may_change_nothing_else(tiny_text: str) -> None:
    raw = tiny_text.replace(
        'path = "model.connector"\nlevels = ["concatenation", "mlp"]',
        'paths = ["model.connector", "replicate"]\nreason = "One treatment."\n'
        'levels = { mlp = { "model.connector" = "mlp", replicate = 1 } }',
    )
    with pytest.raises(StudyError, match=r"draws its weights and data anew \(replicate\) and changes model"):
        resolve_arms(parse_study(tomllib.loads(raw), source="tiny.toml"))


@pytest.mark.slow
def test_a_replicate_trains_on_other_draws_and_gives_the_same_result_twice(
    tiny_text: str, ablate: Ablate, tmp_path: Path
) -> None:
    study = tiny_text.replace("[factors.fusion]", "[factors.replicate]").replace(
        'path = "model.connector"\nlevels = ["concatenation", "mlp"]',
        'path = "replicate"\nlevels = { first = 0, mlp = 1 }',
    )
    (tmp_path / "twins.toml").write_text(study, encoding="utf-8")
    curves = []
    for runs in ("one", "two"):
        done = ablate(tmp_path, "run", "twins.toml", "--runs", runs, "--set", "seeds=[0]")
        assert done.returncode == 0, done.stdout + done.stderr
        curves.append(
            {
                arm: pl.read_parquet(next((tmp_path / runs / "twins/trials").glob(f"{arm}-*/train.parquet")))
                for arm in ("first", "mlp")
            }
        )
    assert curves[0]["first"]["loss"].to_list() != curves[0]["mlp"]["loss"].to_list()
    assert all(curves[0][arm].equals(curves[1][arm]) for arm in ("first", "mlp"))
