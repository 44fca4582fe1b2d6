"""Tokens allocated by relevance, trained through the language model's loss, and explained."""

import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import safetensors.torch
from PIL import Image

from ablation_runner import StudyError
from ablation_runner.plan import TrainedTrial, read_plan, resolve_arms
from ablation_runner.storage.store import RunFolder
from ablation_runner.study import AS_TRAINED, parse_study
from ablation_runner.trial.inputs.material import load_material
from ablation_runner.trial.training.validate import asked_alone, validation_rows

Ablate = Callable[..., subprocess.CompletedProcess[str]]

STUDY = """
title = "Allocation"
question = "Where do the tokens go?"
seeds = [0]

[baseline]
data = { task = "easy-vqa", limit = 64, validation_images = 4 }
tokens = { budget = 16 }
model = { connector = "mlp", language_model = { name = "llama-tiny", width = 32, depth = 1 }, allocator = "random" }
training = { steps = 6, images_per_step = 4, questions_per_image = 1, learning_rate = 3e-3, validations = 3 }

[factors.allocator]
path = "model.allocator"
levels = ["random", "participatory", "opponent-processing"]

[conditions.fewer]
"tokens.budget" = 4

[conditions.relevance-off]
"model.allocator" = "random"
"""


@pytest.fixture(scope="module")
def run(ablate: Ablate, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("allocated")
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    done = ablate(folder, "run", "study.toml")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "runs" / "study"


def weights(run: Path, arm: str) -> set[str]:
    found = set()
    for stage in run.parent.glob("stages/*"):
        if f'"{arm}-seed0' in (stage / "stage.json").read_text(encoding="utf-8"):
            found |= set(safetensors.torch.load_file(stage / "weights.safetensors"))
    return {name for name in found if name.startswith("allocator.")}


def test_every_allocator_is_trained_and_tested_under_every_condition(run: Path) -> None:
    rows = pl.concat(map(pl.read_parquet, run.glob("trials/*/items.parquet")))
    counts = rows.group_by("arm", "condition").len()
    assert counts.height == 4 * 3
    assert set(counts["len"]) == {64}


def answers(run: Path, arm: str, condition: str) -> list[str]:
    rows = pl.concat(map(pl.read_parquet, run.glob("trials/*/items.parquet")))
    return rows.filter(arm=arm, condition=condition).sort("item")["prediction"].to_list()


def test_validation_asks_an_allocator_every_question_by_itself(run: Path) -> None:
    trial = next(trial for trial in read_plan(RunFolder(run).plan_file) if isinstance(trial, TrainedTrial))
    material = load_material(
        trial.configuration, trial.random_seed, run.parent / "features", lambda event, **fields: None
    )
    rows = asked_alone(validation_rows(trial, material))
    split = material.splits["validation"]
    assert [row.questions for row in rows] == [
        (item,) for image in range(4) for item in split.questions_of[image]
    ]
    assert {row.image for row in rows} == set(range(4))
    assert len(rows) > 4


def test_with_relevance_off_a_trained_allocator_no_longer_chooses(run: Path) -> None:
    assert answers(run, "participatory", "relevance-off") != answers(run, "participatory", AS_TRAINED)
    assert answers(run, "random", "relevance-off") == answers(run, "random", AS_TRAINED)  # it was off before


def test_an_allocator_that_learns_is_refused_as_a_condition() -> None:
    study = tomllib.loads(
        STUDY.replace('"model.allocator" = "random"', '"model.allocator" = "participatory"')
    )
    with pytest.raises(StudyError, match=r"conditions\.relevance-off: model\.allocator is to be trained"):
        resolve_arms(parse_study(study, source="study.toml"))


def test_an_allocators_weights_and_price_are_kept_where_it_has_them(run: Path) -> None:
    assert weights(run, "random") == set()
    assert weights(run, "participatory")
    assert "allocator.price_bits" in weights(run, "opponent-processing")


def test_an_item_is_explained_in_pictures(ablate: Ablate, run: Path) -> None:
    item = pl.read_parquet(next(run.glob("trials/participatory*/items.parquet")))["item"][0]
    done = ablate(run.parent.parent, "explain", run, "--item", item, "--arm", "opponent-processing")
    assert done.returncode == 0, done.stderr
    folder = next(run.glob("explained/*"))
    names = {path.stem for path in folder.iterdir()}
    assert {"image", "propositional", "perspectival", "participatory", "relevance", "allocation"} <= names
    with Image.open(folder / "summary.png") as summary:
        assert summary.width > 600


def test_the_report_shows_where_the_arms_put_their_tokens(run: Path) -> None:
    figures = {path.name for path in (run / "report" / "figures").glob("question-1-tokens-*.png")}
    assert figures == {f"question-1-tokens-{place}.png" for place in (1, 2, 3)}  # the blind arm is not drawn
    page = (run / "report" / "index.html").read_text(encoding="utf-8")
    assert page.count('alt="Tokens of participatory"') == page.count('<div class="tokens">') > 0
    assert page.count("where arms that allocate tokens (the first six) put them") == 1


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [(["--item", "nothing"], "no test item 'nothing'"), (["--item", "x", "--arm", "mlp"], "for arm 'mlp'")],
)
def test_what_cannot_be_explained_is_one_line(
    ablate: Ablate, run: Path, arguments: list[str], expected: str
) -> None:
    done = ablate(run.parent.parent, "explain", run, *arguments)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert expected in done.stderr


def test_an_allocator_wants_rows_of_one_question() -> None:
    text = STUDY.replace("questions_per_image = 1", "questions_per_image = 2")
    with pytest.raises(StudyError, match=r"set training\.questions_per_image = 1, got 2"):
        parse_study(tomllib.loads(text), source="study.toml")


def test_a_stage_without_the_allocator_comes_before_one_with_it(
    ablate: Ablate, tmp_path: Path, tiny_text: str
) -> None:
    stages = """
[[baseline.before]]
name = "changing budgets"
training = { steps = 4, images_per_step = 4, questions_per_image = 4, learning_rate = 3e-3, validations = 1, allocates = false, parts = ["connector", "language_model"], schedule = { name = "choice", choices = [1, 4], weights = [1, 1] } }
"""
    text = tiny_text.replace("[factors.fusion]", stages + "[factors.fusion]").replace(
        "seeds = [0, 1]", "seeds = [0]"
    )
    text = text.replace(
        'model = { connector = "concatenation",',
        'model = { allocator = "all-ways", connector = "concatenation",',
    )
    text = text.replace(
        "steps = 12, images_per_step = 4, questions_per_image = 4",
        "steps = 6, images_per_step = 4, questions_per_image = 1",
    )
    (tmp_path / "tiny.toml").write_text(text, encoding="utf-8")
    done = ablate(tmp_path, "run", "tiny.toml", "--workers", 1)
    assert done.returncode == 0, done.stdout + done.stderr
    chain = pl.read_parquet(tmp_path / "runs" / "tiny" / "plan.parquet")["stages"][0]
    parts = [
        {
            name.partition(".")[0]
            for name in safetensors.torch.load_file(
                tmp_path / "runs" / "stages" / key / "weights.safetensors"
            )
        }
        for key in chain
    ]
    assert parts == [{"connector", "language_model"}, {"allocator", "connector", "language_model"}]
