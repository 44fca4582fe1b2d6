"""Records read back: a field that is missing is refused by name where it is read."""

import json
from pathlib import Path

import pytest

from ablation_runner import StudyError, prepare
from ablation_runner.running.pipeline import report_study
from ablation_runner.storage.files import write_json
from ablation_runner.storage.records import read_record, write_record


def test_a_record_is_read_back_with_the_files_it_stands_for(tmp_path: Path) -> None:
    part = tmp_path / "part"
    part.write_bytes(b"abc")
    write_record(tmp_path / "record.json", {"steps": 3}, files=[part])
    found = read_record(tmp_path / "record.json")
    assert found is not None
    assert found["steps"] == 3
    assert found["files"]["part"]["bytes"] == 3


@pytest.mark.parametrize("text", ["", "[]", '""', "null", "[[1, 2]]", "{", '{"files": 1}', "[" * 100_000])
def test_what_is_no_record_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "record.json"
    path.write_text(text, encoding="utf-8")
    assert read_record(path) is None


def test_a_missing_field_is_refused_with_file_and_field(tmp_path: Path) -> None:
    path = tmp_path / "trial.json"
    write_json(path, {"status": "finished"})
    record = read_record(path)
    assert record is not None
    assert record.get("train_seconds") is None
    with pytest.raises(StudyError, match=r"trial\.json: has no field 'train_seconds'; delete the file"):
        record["train_seconds"]


def test_a_report_of_a_trial_with_missing_fields_is_refused_in_one_line(
    tmp_path: Path, tiny_study: Path
) -> None:
    import polars as pl
    from rich.console import Console

    prepared = prepare(str(tiny_study), runs=tmp_path / "runs")
    folder = prepared.folder.trial(prepared.trials[0].name)
    rows = {
        "condition": "as-trained",
        "arm": "concatenation",
        "seed": 0,
        "task": "easy-vqa",
        "metric": "exact_match",
    }
    items = [{**rows, "item": f"{n}", "cluster": f"{n}", "question_type": "x", "question": "?", "answers": ["a"],
              "prediction": "a", "value": 1.0, "weight": 1.0, "valid": True} for n in range(4)]  # fmt: skip
    curve = [{"arm": "concatenation", "seed": 0, "step": n, "split": "validation", "loss": 1.0 / n, "accuracy": 1.0}
             for n in range(1, 4)]  # fmt: skip
    folder.path.mkdir(parents=True)
    pl.DataFrame(items).write_parquet(folder.items_file)
    pl.DataFrame(curve).write_parquet(folder.curve_file)
    folder.record_file.write_text(json.dumps({"status": "finished"}), encoding="utf-8")
    with pytest.raises(StudyError, match=r"trial\.json: has no field '\w+'"):
        report_study(prepared, Console(quiet=True))
