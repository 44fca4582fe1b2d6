"""What does not fit is refused with file and line; nothing is used in part."""

from pathlib import Path

import pytest
from official_samples import COCO, MIX, POPE, SAMPLES, TEXTVQA, VQA_ANNOTATIONS, written

from vlm_tasks import create_task, task_options


@pytest.mark.parametrize("name", SAMPLES)
def test_an_image_that_is_missing_is_named_with_file_and_line(name, tmp_path):
    options = written(name, tmp_path)
    missing = min(path for path in (tmp_path / "images").rglob("*") if path.is_file())
    missing.unlink()
    with pytest.raises(
        ValueError, match=rf"{Path(options['test'][0]).name}, line \d+: .*{missing.name} does not exist"
    ):
        create_task(name, **options).items("test")


@pytest.mark.parametrize("name", SAMPLES)
def test_a_file_that_is_cut_off_is_refused_and_not_used_in_part(name, tmp_path):
    options = written(name, tmp_path)
    path = Path(options["test"][0])
    path.write_text(path.read_text()[:-4])
    with pytest.raises(ValueError, match=rf"{path.name}, line \d+: broken JSON"):
        create_task(name, **options).items("test")


@pytest.mark.parametrize(
    ("name", "file", "content", "message"),
    [
        ("pope", "coco_pope_random.json", [POPE[0], POPE[0]], r"line 2: item id 'random-1' occurs twice, first on line 1"),
        ("pope", "coco_pope_random.json", [POPE[0] | {"label": "Yes"}], "line 1: the label must be yes or no; got 'Yes'"),
        ("pope", "coco_pope_random.json", [{"question_id": 1}], "line 1: the field 'label' is missing"),
        ("pope", "coco_pope_random.json", [POPE[0] | {"text": 3}], "line 1: the field 'text' has a value of another kind: 3"),
        ("textvqa", "TextVQA_0.5.1_val.json", {"data": [TEXTVQA["data"][0] | {"answers": []}]}, "'answers' must be a list of"),
        ("llava-mix", "llava_v1_5_mix665k.json", [{"conversations": MIX[0]["conversations"][:3]}], "does not end with an answer"),
        ("llava-mix", "llava_v1_5_mix665k.json", [{"conversations": MIX[0]["conversations"][1:]}], "expected a turn of 'human'"),
        ("coco-captions", "captions_val2017.json", COCO | {"images": COCO["images"][:1]}, "37777 is not among the images"),
        ("coco-captions", "captions_val2017.json", COCO | {"annotations": []}, "image 37777 has no caption"),
        (
            "vqav2",
            "v2_mscoco_val2014_annotations.json",
            VQA_ANNOTATIONS | {"annotations": VQA_ANNOTATIONS["annotations"][:1]},
            r"questions.json, line 21: question_id 393225001 does not occur in .*annotations.json",
        ),
    ],
)  # fmt: skip
def test_wrong_records_are_refused_with_file_and_line(name, file, content, message, tmp_path):
    task = create_task(name, **written(name, tmp_path, **{file: content}))
    with pytest.raises(ValueError, match=message):
        task.items("test")


def test_a_missing_file_and_a_missing_folder_are_refused_at_once(tmp_path):
    options = written("gqa", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"other.json does not exist; it is named as test of gqa"):
        create_task("gqa", **options | {"test": (str(tmp_path / "other.json"),)})
    with pytest.raises(FileNotFoundError, match="is no folder; `images` is the folder"):
        create_task("gqa", **options | {"images": str(tmp_path / "none")})
    with pytest.raises(ValueError, match="gqa was given no files for train"):
        create_task("gqa", **options).items("train")


def test_options_are_checked_before_anything_is_read():
    with pytest.raises(ValueError, match=r"train of vqav2 is 2 file\(s\); got 1"):
        task_options("vqav2", images="x", train=["questions.json"])
    with pytest.raises(ValueError, match="gqa needs files"):
        task_options("gqa", images="x")


def test_an_answer_outside_the_vocabulary_is_refused_with_file_and_line(tmp_path):
    options = written("gqa", tmp_path)
    (tmp_path / "answers.txt").write_text("yes\nno\n")
    task = create_task("gqa", **options, vocabulary=str(tmp_path / "answers.txt"))
    assert task.answers == ("yes", "no")
    with pytest.raises(
        ValueError, match=r"val_balanced_questions.json, line 2: no answer of item '201307251' is in"
    ):
        task.items("test")


def test_an_image_that_is_cut_off_or_none_is_named(tmp_path):
    task = create_task("gqa", **written("gqa", tmp_path))
    (name,) = task.image_ids("test")
    path = tmp_path / "images" / name
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"no image"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=rf"{name} is broken \(.*; fetch the image again"):
            task.image(name)
