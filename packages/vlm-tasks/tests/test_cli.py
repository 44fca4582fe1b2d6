import json
import subprocess
import sys

import polars as pl
import pytest
from PIL import Image, ImageFont

from vlm_tasks import contact_sheet, create_task, list_tasks, result_rows
from vlm_tasks._cli import main
from vlm_tasks._preview import _IMAGE, _wrapped

SCENES = ["--option", "train=5", "--option", "test=4", "--option", 'tasks=["object", "count"]']


def predictions(path, lines):
    path.write_text("".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines))
    return str(path)


def right_answers():
    task = create_task("scenes", train=5, test=4, tasks=("object", "count"))
    items = task.items("test")
    return items, [
        {"item_id": row["item_id"], "prediction": row["answers"][0]} for row in items.rows(named=True)
    ]


def test_score_writes_the_rows_of_a_study_and_prints_the_metric(tmp_path, capsys):
    items, given = right_answers()
    given[0]["prediction"] = None
    path = predictions(tmp_path / "p.jsonl", given[::-1])
    out = tmp_path / "rows.parquet"
    arguments = [
        "score",
        "scenes",
        path,
        *SCENES,
        "--arm",
        "mine",
        "--seed",
        "3",
        "--condition",
        "64",
        "--out",
        str(out),
    ]
    assert main(arguments) == 0
    rows = pl.read_parquet(out)
    expected = pl.DataFrame(given).rename({"item_id": "item"})
    assert rows.columns == [
        "condition", "arm", "seed", "task", "item", "cluster", "question", "question_type", "answers", "prediction",
        "metric", "value", "weight", "valid",
    ]  # fmt: skip
    assert rows.select("item", "prediction").equals(expected)
    assert rows["cluster"].to_list() == items["image_id"].to_list()
    assert rows["value"].to_list() == [0.0] + [1.0] * 7
    assert rows["valid"].to_list() == [False] + [True] * 7
    assert rows.select("condition", "arm", "seed", "task", "metric").unique().rows() == [
        ("64", "mine", 3, "scenes", "exact_match")
    ]
    assert [path.name for path in tmp_path.glob("*.part")] == []
    table = capsys.readouterr().out
    assert "all" in table
    assert "0.875" in table


def test_score_prints_a_corpus_metric(tmp_path, capsys):
    task = create_task("scenes-caption", test=3)
    lines = [
        {"item_id": i, "prediction": a[0]} for i, a in task.items("test").select("item_id", "answers").rows()
    ]
    path = predictions(tmp_path / "p.jsonl", lines)
    assert (
        main(["score", "scenes-caption", path, "--option", "test=3", "--arm", "a", "--metric", "bleu4"]) == 0
    )
    assert capsys.readouterr().out == "bleu4 = 1.0000 over 3 items\n"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (['{"item_id": "a", "prediction": "x"}\n', "{broken\n"], "p.jsonl, line 2: broken JSON"),
        (
            [{"item_id": "a", "answer": "x"}],
            "p.jsonl, line 1: the field 'prediction' is missing (there is item_id, answer)",
        ),
        ([{"item_id": "a", "prediction": "x"}] * 2, "line 2: item 'a' has a prediction on line 1 already"),
        (
            [{"item_id": "a", "prediction": 3}],
            "line 1: the field 'prediction' has a value of another kind: 3",
        ),
        ([], "8 of 8 items have no prediction, first 'test-0-object'"),
    ],
)
def test_predictions_that_do_not_fit_are_one_line_and_exit_2(lines, message, tmp_path, capsys):
    path = predictions(tmp_path / "p.jsonl", lines)
    out = tmp_path / "rows.parquet"
    assert main(["score", "scenes", path, *SCENES, "--arm", "mine", "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["preview", "scene"], "unknown task 'scene'; did you mean 'scenes'"),
        (["preview", "scenes", "--option", "size=1000"], "size must be 64..672; got 1000"),
        (["preview", "scenes", "--option", "size"], "an option is written name=value; got 'size'"),
        (["preview", "easy-vqa", "--split", "val"], "a split is one of train, validation, test; got 'val'"),
        (["preview", "easy-vqa", "--items", "0"], "items and columns must be 1 or more"),
        (["preview", "gqa"], "options of task 'gqa'"),
        (["score", "scenes", "none.jsonl", "--arm", "a"], "none.jsonl does not exist"),
        (["score", "scenes", "none.jsonl", "--arm", "a", "--metric", "acc"], "unknown metric 'acc'"),
    ],
)
def test_wrong_arguments_are_one_line_and_exit_2(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_preview_writes_a_sheet_with_regions(tmp_path, capsys):
    out = tmp_path / "sheet.png"
    assert main(["preview", "scenes", *SCENES, "--items", "4", "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    with Image.open(out) as sheet:
        colours = {colour for _, colour in sheet.convert("RGB").getcolors(1 << 24)}
        assert sheet.width > 4 * 224
    assert (255, 0, 160) in colours


def test_a_sheet_shows_all_question_types_and_no_more_items_than_there_are():
    task = create_task("scenes", train=1, test=2, tasks=("object", "count"))
    four = contact_sheet(task, items=100, columns=2)
    assert four.size == contact_sheet(task, items=4, columns=2).size
    assert four.tobytes() == contact_sheet(task, items=4, columns=2).tobytes()


def test_every_line_of_a_card_is_as_wide_as_its_picture_at_most():
    font = ImageFont.load_default(13)
    words = create_task("scenes-caption", test=40).items("test")["answers"].list.join(" | ")
    for text in words:
        lines = _wrapped(text, font, 3)
        assert len(lines) == 3
        assert lines[-1].endswith(" …")
        assert max(font.getlength(line) for line in lines) <= _IMAGE


def test_blind_prints_a_row_for_each_question_type(capsys):
    assert main(["blind", "scenes", "--option", "train=50", "--option", "test=20"]) == 0
    assert "hallucination" in capsys.readouterr().out


def test_list_names_all_tasks():
    command = [sys.executable, "-m", "vlm_tasks", "list"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert all(name in text for name in list_tasks())
    assert "pope_f1 (ratio)" in text


def test_rows_name_the_study_where_there_is_one():
    items, given = right_answers()
    rows = result_rows(items, pl.DataFrame(given), "exact_match", arm="a", seed=0, task="scenes", study="s")
    assert rows.columns[:4] == ["study", "arm", "seed", "task"]
    assert rows["seed"].dtype == pl.Int64
