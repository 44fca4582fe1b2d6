"""Every official format becomes the items that it holds."""

import json
from pathlib import Path
from typing import Any

import pytest
from official_samples import MIX, POPE, SAMPLES, TEN, VQA_ANNOTATIONS, written

from vlm_tasks import create_task, list_prompts, score_predictions


def rows(name: str, folder: Path) -> list[dict[str, Any]]:
    return create_task(name, **written(name, folder)).items("test").rows(named=True)


def test_vqav2(tmp_path):
    first, second = rows("vqav2", tmp_path)
    assert (first["item_id"], first["image_id"]) == ("262148000", "COCO_val2014_000000262148.jpg")
    assert (first["question"], first["answers"], first["question_type"]) == (
        "Where is he looking?",
        TEN,
        "other",
    )
    assert (second["answers"], second["question_type"]) == (["no"] * 10, "yes/no")


def test_vqav2_in_another_order_gives_the_same_items(tmp_path):
    swapped = VQA_ANNOTATIONS | {"annotations": VQA_ANNOTATIONS["annotations"][::-1]}
    options = written("vqav2", tmp_path, **{"v2_mscoco_val2014_annotations.json": swapped})
    items = create_task("vqav2", **options).items("test").sort("item_id")
    assert items["answers"].to_list() == [TEN, ["no"] * 10]


def test_gqa(tmp_path):
    (row,) = rows("gqa", tmp_path)
    assert (row["item_id"], row["image_id"]) == ("201307251", "2354786.jpg")
    assert (row["question"], row["answers"], row["question_type"]) == (
        "Which place is it?",
        ["airport"],
        "query",
    )


def test_textvqa(tmp_path):
    (row,) = rows("textvqa", tmp_path)
    assert (row["item_id"], row["image_id"], len(row["answers"])) == ("34602", "003a8ae2ef43b901.jpg", 10)


def test_docvqa(tmp_path):
    (row,) = rows("docvqa", tmp_path)
    assert (row["item_id"], row["image_id"]) == ("49153", "documents/pybv0228_81.png")
    assert (row["answers"], row["question_type"]) == (["0.28"], "figure/diagram")


def test_pope(tmp_path):
    first, second = rows("pope", tmp_path)
    assert (first["item_id"], first["answers"], second["answers"]) == ("random-1", ["yes"], ["no"])
    assert first["question"] == "Is there a snowboard in the image?"


def test_coco_captions_are_grouped_by_image(tmp_path):
    first, second = rows("coco-captions", tmp_path)
    assert (first["image_id"], len(first["answers"])) == ("000000037777.jpg", 2)
    assert second["answers"] == ["A man is in a kitchen making pizzas."]


def test_llava_pretrain(tmp_path):
    (row,) = rows("llava-pretrain", tmp_path)
    assert row["question"] == "Render a clear and concise summary of the photo."
    assert row["answers"] == ["select luxury furniture 3 - inch gel memory foam mattress topper"]


def test_llava_mix_has_an_item_for_each_answer_and_keeps_conversations_without_an_image(tmp_path):
    first, second, text = rows("llava-mix", tmp_path)
    assert [row["item_id"] for row in (first, second, text)] == ["0-0", "0-1", "1-0"]
    assert second["question"].split("\n") == [
        first["question"],
        first["answers"][0],
        MIX[0]["conversations"][2]["value"],
    ]
    assert (text["image_id"], text["question_type"]) == ("", "text")


@pytest.mark.parametrize("name", SAMPLES)
def test_every_reader_is_a_task_with_images_metrics_and_a_prompt(name, tmp_path):
    task = create_task(name, **written(name, tmp_path))
    items = task.items("test")
    assert task.image_ids("test") == list(dict.fromkeys(image for image in items["image_id"] if image))
    assert task.image(task.image_ids("test")[0]).size == (8, 6)
    assert task.prompt in list_prompts()
    predictions = items.select("item_id", prediction=items["answers"].list.first())
    for metric in task.metrics:
        if metric != "cider" or len(items) > 1:
            score_predictions(items, predictions, metric)
    before = task.fingerprint()
    assert before == create_task(name, **written(name, tmp_path)).fingerprint()
    next((tmp_path / "images").rglob("*.*")).write_bytes(b"changed")
    assert create_task(name, **task_arguments(task)).fingerprint() != before


def task_arguments(task: Any) -> dict[str, Any]:
    return {"images": task.options.images, "test": task.options.test}


def test_validation_is_cut_from_train_by_image(tmp_path):
    lines = [POPE[0] | {"question_id": number, "image": f"{number // 3}.jpg"} for number in range(300)]
    (tmp_path / "coco_pope_random.json").write_text("\n".join(json.dumps(line) for line in lines))
    (tmp_path / "images").mkdir()
    for number in range(100):
        (tmp_path / "images" / f"{number}.jpg").write_bytes(b"x")
    train = (str(tmp_path / "coco_pope_random.json"),)
    task = create_task("pope", images=str(tmp_path / "images"), train=train, validation_share=0.2)
    kept, held = set(task.image_ids("train")), set(task.image_ids("validation"))
    assert not kept & held
    assert len(kept | held) == 100
    assert 10 <= len(held) <= 32
    assert len(task.items("train")) + len(task.items("validation")) == 300
