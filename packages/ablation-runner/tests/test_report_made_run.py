"""Run folders with made-up results, for the other report tests, which load this with `runpy`; two facts are tested here."""

import json
from collections.abc import Callable
from pathlib import Path
from zlib import crc32

import numpy as np
import polars as pl
import pytest

import ablation_stats as stats
from ablation_runner.analysis._cubes import of_items, read_tested
from ablation_runner.plan import Trial
from ablation_runner.running.prepared import Prepared, prepare
from ablation_runner.storage.records import write_record

Score = Callable[[str, str, int], float]  # arm, condition and seed to the chance of a right answer

STUDY = """
title = "How many visual tokens?"
question = "Is a model trained at one budget good at another?"
seeds = [0, 1, 2]

[baseline]
data = { task = "easy-vqa", limit = 64, validation_images = 4 }
tokens = { budget = 16 }
model = { connector = "concatenation", language_model = { name = "llama-tiny", width = 32, depth = 1 } }
training = { steps = 100 }

[design]
kind = "dose-response"

[factors.budget]
path = "tokens.budget"
levels = [4, 16, 64]

[conditions]
four = { "tokens.budget" = 4 }
sixteen = { "tokens.budget" = 16 }
sixty-four = { "tokens.budget" = 64 }
"""


def questions(count: int) -> pl.DataFrame:
    """Questions of three kinds, three to an image of easy-VQA."""
    kinds = pl.Series(["color", "shape", "yes/no"])
    place = pl.int_range(count, eager=True)
    return pl.DataFrame(
        {
            "task": pl.repeat("easy-vqa", count, eager=True),
            "item": pl.select(pl.format("q{}", place.cast(pl.String).str.zfill(6))).to_series(),
            "cluster": (place // 3 % 5000).cast(pl.String),
            "question": pl.select(pl.format("what is number {}?", place)).to_series(),
            "question_type": kinds.gather(place % 3),
            "answers": pl.select(pl.concat_list(pl.Series(["red", "blue", "green"]).gather(place % 3))).to_series(),
        }
    )  # fmt: skip


def make_run(
    folder: Path,
    study: str = STUDY,
    *,
    score: Score = lambda arm, condition, seed: 0.7,
    asked: int = 60,
    fewer: dict[str, int] | None = None,
) -> Prepared:
    """A prepared study all of whose trials have finished, with as many questions as said, right by chance.

    Under the conditions in `fewer` only so many of them are asked.

    The arms' answers are paired: an item that is hard for one is hard for all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "made.toml").write_text(study, encoding="utf-8")
    prepared = prepare(str(folder / "made.toml"), runs=folder)
    items = questions(asked)
    for trial in prepared.trials:
        write_trial(prepared, trial, items, score=score, fewer=fewer or {})
    return prepared


def write_trial(
    prepared: Prepared,
    trial: Trial,
    items: pl.DataFrame,
    *,
    score: Score,
    fewer: dict[str, int] | None = None,
) -> None:
    """The files of one finished trial."""
    place = prepared.folder.trial(trial.name)
    place.path.mkdir(parents=True, exist_ok=True)
    hard = np.random.default_rng(trial.seed).random(items.height)
    frames = []
    for condition in trial.conditions:
        noise = np.random.default_rng([crc32(f"{trial.arm} {condition}".encode()), trial.seed]).normal(
            0, 0.1, items.height
        )
        hit = pl.Series(hard + noise < score(trial.arm, condition, trial.seed))
        frames.append(
            items.with_columns(
                condition=pl.lit(condition), arm=pl.lit(trial.arm), seed=pl.lit(trial.seed, pl.Int64),
                prediction=pl.when(hit).then(pl.col("answers").list.first()).otherwise(pl.lit("no idea")),
                metric=pl.lit("exact_match"), value=hit.cast(pl.Float64), weight=pl.lit(1.0), valid=pl.lit(True),
            ).head((fewer or {}).get(condition, items.height))
        )  # fmt: skip
    pl.concat(frames).write_parquet(place.items_file)
    steps = np.arange(10, 101, 10)
    losses = {
        split: pl.DataFrame({"step": steps, "split": split, "loss": 2.0 * np.exp(-steps / 12) + 0.2})
        for split in ("train", "validation")
    }
    pl.concat(losses.values()).with_columns(
        accuracy=pl.lit(None, pl.Float64), arm=pl.lit(trial.arm), seed=pl.lit(trial.seed, pl.Int64)
    ).write_parquet(place.curve_file)
    budget = trial.configuration.tokens.budget
    record = {
        "trial": trial.name, "arm": trial.arm, "seed": trial.seed, "status": "finished", "cause": None,
        "validation_accuracy": 0.7, "validation_loss": 0.2, "steps": 100, "train_seconds": 20.0 + budget,
        "evaluate_seconds": 5.0, "parameters": 320_000, "trainable_parameters": 300_000,
        "macs": 1_000_000 + 50_000 * budget, "visual_tokens": budget,
    }  # fmt: skip
    write_record(place.record_file, record, files=[place.curve_file, place.items_file])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    chance = {"budget-4": 0.5, "budget-16": 0.7, "budget-64": 0.75, "blind": 0.3}
    return make_run(tmp_path_factory.mktemp("made"), score=lambda arm, condition, seed: chance[arm])


def rows_of(prepared: Prepared) -> pl.DataFrame:
    """All predictions of all trials, the arm named with its condition."""
    rows = pl.concat(
        [pl.read_parquet(prepared.folder.trial(trial.name).items_file) for trial in prepared.trials]
    )
    other = pl.format("{} @ {}", "arm", "condition")
    named = pl.when(pl.col("condition") == "as-trained").then("arm").otherwise(other)
    return (
        rows.with_columns(arm=named)
        .drop("condition", "task", "metric")
        .sample(fraction=1.0, seed=3, shuffle=True)
    )


def test_the_scores_are_aligned_as_ablation_stats_aligns_the_whole_table(made: Prepared) -> None:
    tested = read_tested(made.folder, made.trials, made.study.conditions)
    (cube,) = tested.cubes
    expected = stats.paired_cube(rows_of(made))
    assert (cube.arms, cube.seeds) == (expected.arms, expected.seeds)
    assert cube.items.to_list() == expected.items.to_list()
    assert cube.clusters.gather(cube.cluster_of_item).to_list() == expected.clusters.gather(
        expected.cluster_of_item
    ).to_list()  # fmt: skip
    np.testing.assert_array_equal(cube.values, expected.values)
    assert cube.weights is expected.weights is None
    np.testing.assert_allclose(cube.invalid, expected.invalid)


def test_the_scores_of_some_items_are_those_of_a_table_of_these_items(made: Prepared) -> None:
    tested = read_tested(made.folder, made.trials, made.study.conditions)
    kept = (tested.questions["question_type"] == "shape").to_numpy()
    assert tested.main is not None
    found = stats.arm_mean(of_items(tested.main, kept), arm="budget-4")
    expected = stats.arm_mean(rows_of(made).filter(question_type="shape"), arm="budget-4")
    assert found == expected


def test_a_trial_that_was_asked_other_questions_is_refused(made: Prepared, tmp_path: Path) -> None:
    prepared = make_run(tmp_path, asked=12)
    other = questions(12).with_columns(item=pl.col("item") + "x")
    write_trial(prepared, prepared.trials[-1], other, score=lambda *_: 0.5)
    with pytest.raises(ValueError, match=r"blind-seed2.* was asked other questions"):
        read_tested(prepared.folder, prepared.trials, prepared.study.conditions)


def test_made_up_trials_count_as_finished(made: Prepared) -> None:
    assert all(
        (made.folder.trial(trial.name).record() or {})["status"] == "finished" for trial in made.trials
    )
    assert json.loads(made.folder.trial(made.trials[0].name).record_file.read_text())["arm"] == "budget-16"
