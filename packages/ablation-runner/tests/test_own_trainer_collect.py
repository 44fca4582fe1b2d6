"""What a command leaves, in every form that is read, and what is refused of it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ablation_runner.failure import TrialFailedError
from ablation_runner.own_trainer._beside import read_costs, read_curve
from ablation_runner.own_trainer._collect import collect
from ablation_runner.plan import CommandTrial
from ablation_runner.study import Command, OwnSettings

ROWS = {"item": [3, 1, 2], "value": [1.0, 0.0, 0.5]}


@pytest.fixture
def trial() -> Callable[..., CommandTrial]:
    """Makes a trial of arm `clip=large`, seed 4, with fields of its engine."""

    def make(*, metric: str = "accuracy", **engine: Any) -> CommandTrial:
        settings = OwnSettings.model_validate({})
        return CommandTrial(
            name="t", arm="clip=large", seed=4, configuration=settings, processes=1, metric=metric, stages=(),
            engine=Command(command="train {out} {seed}", **engine), conditions={"as-trained": settings},
        )  # fmt: skip

    return make


def log(path: Path, scores: dict[int, float], **fields: object) -> None:
    """A log as lm-eval writes it: a line per document."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        json.dumps({"doc_id": item, "metrics": ["acc"], "acc": score, **fields})
        for item, score in scores.items()
    ]
    path.write_text("\n".join(lines), encoding="utf-8")


def test_a_table_of_items_and_values_becomes_result_rows(trial: Any, tmp_path: Path) -> None:
    pl.DataFrame(ROWS).write_parquet(tmp_path / "items.parquet")
    rows = collect(trial(), tmp_path)
    assert rows.columns == [
        "condition", "arm", "seed", "task", "item", "cluster", "question", "question_type", "answers", "prediction",
        "metric", "value", "weight", "valid",
    ]  # fmt: skip
    assert rows["item"].to_list() == ["1", "2", "3"]
    assert rows["value"].to_list() == [0.0, 0.5, 1.0]
    assert rows["cluster"].to_list() == ["1", "2", "3"]
    assert rows.select("arm", "seed", "condition", "metric").unique().row(0) == (
        "clip=large", 4, "as-trained", "accuracy",
    )  # fmt: skip
    assert (rows["weight"] == 1.0).all()
    assert rows["valid"].is_null().all()


def test_what_a_result_row_says_is_kept(trial: Any, tmp_path: Path) -> None:
    said = {
        "item": "a", "value": 0.0, "task": "vqa", "cluster": "image 7", "question": "Red?",
        "question_type": "colour", "answers": ["yes"], "prediction": "no", "weight": 2.0, "valid": False,
    }  # fmt: skip
    pl.DataFrame([said]).write_parquet(tmp_path / "items.parquet")
    row = collect(trial(), tmp_path).row(0, named=True)
    assert {key: row[key] for key in said} == said


def test_of_several_metrics_the_study_s_own_counts(trial: Any, tmp_path: Path) -> None:
    both = [pl.DataFrame(ROWS).with_columns(metric=pl.lit(name)) for name in ("accuracy", "f1")]
    pl.concat([both[0], both[1].with_columns(value=pl.lit(0.25))]).write_parquet(tmp_path / "items.parquet")
    assert collect(trial(metric="f1"), tmp_path)["value"].unique().to_list() == [0.25]
    with pytest.raises(TrialFailedError, match=r"no row is of metric 'anls'.* there is 'accuracy', 'f1'"):
        collect(trial(metric="anls"), tmp_path)


def test_the_last_log_of_each_task_counts(trial: Any, tmp_path: Path) -> None:
    log(tmp_path / "model/samples_vqa_2026-01-01T10-00-00.000001.jsonl", {0: 0.0, 1: 0.0})
    log(tmp_path / "model/samples_vqa_2026-01-02T10-00-00.000001.jsonl", {0: 1.0, 1: 0.0})
    log(tmp_path / "model/samples_ocr_2026-01-01T10-00-00.000001.jsonl", {0: 0.5})
    rows = collect(trial(metric="acc", results="**/samples_*.jsonl"), tmp_path)
    assert dict(rows.select("item", "value").iter_rows()) == {"ocr/0": 0.5, "vqa/0": 1.0, "vqa/1": 0.0}
    assert rows["question_type"].to_list() == ["ocr", "vqa", "vqa"]


def test_logs_say_what_documents_share(trial: Any, tmp_path: Path) -> None:
    log(tmp_path / "20260101_samples_vqa.jsonl", {0: 1.0, 1: 0.0}, doc={"image": "a.png"})
    rows = collect(trial(metric="acc", results="*_samples_*.jsonl", cluster="image"), tmp_path)
    assert rows["cluster"].to_list() == ["a.png", "a.png"]


def test_vlmevalkit_s_scores_are_read(trial: Any, tmp_path: Path) -> None:
    table = {"index": [1, 2], "prediction": ["A", "Failed to obtain answer"], "hit": [1, 0]}
    pl.DataFrame(table).write_csv(tmp_path / "m_MMBench_result.tsv", separator="\t")
    rows = collect(trial(metric="hit", results="*_result.tsv"), tmp_path)
    assert rows.select("item", "value", "valid").rows() == [("1", 1.0, True), ("2", 0.0, False)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"value": None}, "no column 'value'"),
        ({"item": None}, "no column 'item'"),
        ({"item": [1, 1, 2]}, "item 1|'1'"),
        ({"value": [1.0, None, 0.0]}, "value"),
        ({"value": [1.0, float("nan"), 0.0]}, "value"),
        ({"value": ["yes", "no", "no"]}, "value|conversion"),
        ({"cluster": ["a", None, "b"]}, "cluster"),
        ({"seed": [4, 4, 5]}, "hold seed 5; a trial's rows are of seed 4"),
        ({"arm": ["clip=large", "clip=large", "mlp"]}, "given as arm 'clip=large', and it holds arm 'mlp'"),
        ({"condition": ["few", "few", "few"]}, "hold condition 'few'"),
        ({"weight": [1.0, -1.0, 1.0]}, "weight"),
    ],
)
def test_results_that_break_a_rule_are_refused_by_column_and_value(
    trial: Any, tmp_path: Path, changes: dict[str, Any], expected: str
) -> None:
    columns = {name: values for name, values in {**ROWS, **changes}.items() if values is not None}
    pl.DataFrame(columns).write_parquet(tmp_path / "items.parquet")
    with pytest.raises(TrialFailedError, match=expected) as refused:
        collect(trial(), tmp_path)
    assert "\n" not in str(refused.value)


def test_no_file_of_results_is_named_with_what_is_there_instead(trial: Any, tmp_path: Path) -> None:
    with pytest.raises(TrialFailedError, match=r"left no items\.parquet in .*, nothing"):
        collect(trial(), tmp_path)
    (tmp_path / "itemz.parquet").touch()
    with pytest.raises(TrialFailedError, match=r"left no items\.parquet in .*, only itemz\.parquet"):
        collect(trial(), tmp_path)


def test_a_broken_file_is_refused(trial: Any, tmp_path: Path) -> None:
    (tmp_path / "items.parquet").write_bytes(b"PAR1 half a file")
    with pytest.raises(TrialFailedError, match=r"items\.parquet: not readable as parquet"):
        collect(trial(), tmp_path)


def test_losses_and_costs_are_taken_where_they_are_left(trial: Any, tmp_path: Path) -> None:
    assert read_curve(trial(), tmp_path) is None
    assert read_costs(tmp_path) == {}
    losses = {"step": [1, 2, 2], "split": ["train", "train", "validation"], "loss": [2.0, 1.0, 1.5]}
    pl.DataFrame(losses).write_parquet(tmp_path / "train.parquet")
    (tmp_path / "trial.json").write_text(
        '{"parameters": 1200, "macs": 7, "train_seconds": 2.5, "host": "a"}', encoding="utf-8"
    )
    curve = read_curve(trial(), tmp_path)
    assert curve is not None
    assert curve.columns == ["step", "split", "loss", "accuracy", "arm", "seed"]
    assert curve.select("arm", "seed").unique().row(0) == ("clip=large", 4)
    assert read_costs(tmp_path) == {"trainable_parameters": 1200, "macs": 7, "train_seconds": 2.5}


@pytest.mark.parametrize(
    "costs", ['{"macs": 0}', '{"macs": "7"}', '{"macs": true}', '{"macs": 1.5}', "[1]", "{"]
)
def test_costs_that_are_none_are_refused(tmp_path: Path, costs: str) -> None:
    (tmp_path / "trial.json").write_text(costs, encoding="utf-8")
    with pytest.raises(TrialFailedError, match=r"trial\.json: "):
        read_costs(tmp_path)


@pytest.mark.parametrize("changes", [{"loss": None}, {"loss": [1.0, -1.0]}, {"step": ["a", "b"]}])
def test_losses_that_cannot_be_judged_are_refused(
    trial: Any, tmp_path: Path, changes: dict[str, Any]
) -> None:
    columns = {"step": [1, 2], "split": ["validation"] * 2, "loss": [2.0, 1.0], **changes}
    pl.DataFrame({key: value for key, value in columns.items() if value}).write_parquet(
        tmp_path / "train.parquet"
    )
    with pytest.raises(TrialFailedError, match=r"train\.parquet: .*columns step, split and loss"):
        read_curve(trial(), tmp_path)
