"""Objectives of a Q-Former: as the last stage with ranked answers, or as a stage before answers are learned."""

import json
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from safetensors.torch import load_file

from ablation_runner.errors import StudyError
from ablation_runner.plan import resolve_arms
from ablation_runner.study import parse_study

Ablate = Callable[..., subprocess.CompletedProcess[str]]

STUDY = """
title = "Which objectives?"
question = "Does matching help?"
metric = "exact_match"
seeds = [0]

[baseline]
data = { task = "easy-vqa", limit = 64, validation_images = 8, answers = "ranked" }
tokens = { budget = 4 }
training = { steps = 4, images_per_step = 4, questions_per_image = 1, learning_rate = 3e-3, validations = 2, objectives = "contrastive" }

[baseline.model]
connector = { name = "q-former", queries = 4, width = 32, depth = 2 }
language_model = { name = "llama-tiny", width = 32, depth = 1 }

[factors.objectives]
path = "training.objectives"
levels = ["contrastive", "contrastive + matching", "0.5 masked-language-modelling", "answers"]

[factors.before]
path = "before"
[[factors.before.levels.pretrained]]
name = "pretraining"
training = { steps = 4, images_per_step = 4, questions_per_image = 1, learning_rate = 3e-3, validations = 1, objectives = "contrastive" }
"""


@pytest.fixture(scope="module")
def run(ablate: Ablate, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a study that has run."""
    folder = tmp_path_factory.mktemp("objectives")
    (folder / "objectives.toml").write_text(STUDY, encoding="utf-8")
    done = ablate(folder, "run", "objectives.toml", "--workers", 1)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "runs"


def test_every_objective_is_scored_by_the_same_rule(run: Path) -> None:
    rows = pl.concat(map(pl.read_parquet, run.glob("objectives/trials/*/items.parquet")))
    assert rows["arm"].n_unique() == 6
    by_item = rows.group_by("item").agg(pl.col("prediction").n_unique())
    assert by_item["prediction"].max() > 1
    asked_yes_or_no = rows.filter(pl.col("question_type") == "presence-color")["prediction"]
    assert set(asked_yes_or_no) <= {"yes", "no"}


def test_arms_that_learned_the_contrast_are_also_scored_by_retrieval(run: Path) -> None:
    rows = besides(run).filter(pl.col("metric").str.starts_with("recall"))
    assert set(rows["arm"]) == {"baseline", "contrastive + matching", "pretrained", "blind"}
    assert rows.group_by("arm", "metric").len()["len"].n_unique() == 1
    means = dict(rows.group_by("metric").agg(pl.col("value").mean()).iter_rows())
    assert 0 < means["recall_at_1"] < means["recall_at_5"] <= 1
    assert "Recall at 1" in (run / "objectives/report/report.md").read_text(encoding="utf-8")


def test_arms_that_learned_masked_words_are_also_scored_by_what_they_write(run: Path) -> None:
    rows = besides(run).filter(pl.col("metric").str.starts_with("caption"))
    assert set(rows["arm"]) == {"0.5 masked-language-modelling"}
    assert rows["item"].n_unique() * 2 == len(rows)
    assert rows["valid"].all()
    means = dict(rows.group_by("metric").agg(pl.col("value").mean()).iter_rows())
    assert 0 < means["caption_rouge_l"] < 1
    assert 0 <= means["caption_cider"] < 10
    report = (run / "objectives/report/report.md").read_text(encoding="utf-8")
    assert "Caption CIDEr | Caption ROUGE-L" in report


def besides(run: Path) -> pl.DataFrame:
    return pl.concat(map(pl.read_parquet, run.glob("objectives/trials/*/besides.parquet")), how="diagonal")


def test_validation_ranks_answers_too(run: Path) -> None:
    curves = pl.concat(map(pl.read_parquet, run.glob("objectives/trials/*/train.parquet")))
    accuracy = curves.filter(pl.col("split") == "validation")["accuracy"]
    assert accuracy.null_count() == 0
    assert accuracy.is_between(0, 1).all()


def test_what_a_stage_of_contrast_learned_is_where_the_next_one_starts(run: Path) -> None:
    chain = pl.read_parquet(run / "objectives" / "plan.parquet").filter(pl.col("arm") == "pretrained")[
        "stages"
    ][0]
    first, last = (load_file(run / "stages" / key / "weights.safetensors") for key in chain)
    assert {name.partition(".")[0] for name in first} == {"connector", "objectives"}
    assert set(first) <= set(last)
    plain = pl.read_parquet(run / "objectives" / "plan.parquet").filter(pl.col("arm") == "baseline")[
        "stages"
    ][0]
    assert plain[0] != chain[1]
    trained_for = json.loads((run / "stages" / chain[0] / "stage.json").read_text(encoding="utf-8"))
    assert trained_for["stage"] == "pretraining"


def arms_of(**changes: Any) -> Any:
    read = tomllib.loads(STUDY)
    for path, value in changes.items():
        node = read
        *parents, leaf = path.split("__")
        for parent in parents:
            node = node[parent]
        node[leaf] = value
    return resolve_arms(parse_study(read, source="study.toml"))


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("baseline__training__objectives", "contrast", "unknown objective 'contrast'.*contrastive"),
        ("baseline__training__objectives", "contrastive + contrastive", "named twice"),
        ("baseline__training__objectives", "answers + contrastive", "'answers' stands alone"),
        ("baseline__training__objectives", "contrastive + x 2", "'x 2' is none"),
        ("baseline__training__objectives", "0 contrastive", "must not sum to zero"),
        ("baseline__training__objectives", "text", 'objectives = "text" trains parts'),
        ("baseline__training__questions_per_image", 8, "take one text per image"),
        ("baseline__data__answers", "written", "write no answers"),
        ("baseline__model__connector", "mlp", "are learned by a Q-Former"),
        ("engine", {"accumulation": 2}, "accumulation"),
    ],
)
def test_objectives_that_do_not_fit_are_refused(path: str, value: Any, message: str) -> None:
    with pytest.raises(StudyError, match=message):
        arms_of(**{path: value})
