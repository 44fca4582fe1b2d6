"""Scenes as pictures and as settings."""

import dataclasses
from collections import Counter

import polars as pl
import pytest
from PIL import ImageChops

from vlm_tasks import create_task, score_predictions, task_options
from vlm_tasks._options import SCENE_TASKS, SceneOptions
from vlm_tasks.scenes._render import render
from vlm_tasks.scenes._scene import compose
from vlm_tasks.scenes._writing import text_box

DIFFICULTIES = ("easy", "medium", "hard")


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_things_texts_and_patterns_do_not_overlap(difficulty):
    task = create_task("scenes", difficulty=difficulty, train=100)
    for scene in map(task.scene, task.image_ids("train")):
        boxes = [thing.box for thing in (*scene.things, *scene.plates, scene.ring)]
        boxes += [text_box(text) for text in scene.texts]
        for place, first in enumerate(boxes):
            assert min(first) >= 0
            assert max(first) <= 1
            for second in boxes[:place]:
                apart = (
                    first[2] <= second[0]
                    or second[2] <= first[0]
                    or first[3] <= second[1]
                    or second[3] <= first[1]
                )
                assert apart


@pytest.mark.parametrize("size", [64, 100, 128, 672])
def test_scenes_are_drawn_at_any_size_and_the_items_stay_the_same(size):
    task = create_task("scenes", size=size, train=3, validation=1, test=2)
    assert task.image("test-1").size == (size, size)
    assert task.image("test-1").mode == "RGB"
    assert task.items("test").equals(
        create_task("scenes", size=128, train=3, validation=1, test=2).items("test")
    )


@pytest.mark.parametrize("size", [64, 200])
def test_what_is_drawn_lies_in_its_box(size):
    """Of a single thing, text or pattern everything drawn is inside its box, to the rounding of a pixel."""
    for number in range(12):
        scene = compose(SceneOptions(), "train", number)
        bare = dataclasses.replace(scene, things=(), texts=(), plates=(), ring=None)
        empty = render(bare, size)
        single = [(thing.box, {"things": (thing,)}) for thing in scene.things]
        single += [(text_box(text), {"texts": (text,)}) for text in scene.texts]
        single += [(plate.box, {"plates": (plate,)}) for plate in scene.plates] + [
            (scene.ring.box, {"ring": scene.ring})
        ]
        for box, change in single:
            drawn = ImageChops.difference(render(dataclasses.replace(bare, **change), size), empty)
            left, top, right, bottom = drawn.getbbox()
            inside = (
                left - box[0] * size,
                top - box[1] * size,
                box[2] * size - right,
                box[3] * size - bottom,
            )
            assert min(inside) > -1.01, (change, box, drawn.getbbox())
            assert max(right - left, bottom - top) > 0.5 * size * max(box[2] - box[0], box[3] - box[1])


PINNED = [
    ("how many squares are there?", ["3"]),
    ("which is nearer to the blue diamond, the yellow square or the blue square?", ["blue square"]),
    ("what number is written?", ["902"]),
]


def test_scenes_are_the_same_everywhere():
    """Pinned: a change of these lines changes all published numbers and needs a word in the changelog."""
    task = create_task("scenes", tasks=("count", "spatial", "ocr"))
    assert task.items("test")[:3].select("question", "answers").rows() == PINNED


def test_no_two_splits_and_no_two_seeds_share_a_scene():
    scenes = [
        compose(SceneOptions(seed=seed), split, number)
        for seed in (0, 1)
        for split in ("train", "validation", "test")
        for number in range(300)
    ]
    assert len(set(scenes)) == len(scenes)


def test_a_scene_does_not_depend_on_how_many_there_are():
    few, many = (create_task("scenes", test=count) for count in (5, 50))
    assert few.items("test").equals(many.items("test").head(5 * len(SCENE_TASKS)))


def test_the_fingerprint_sees_every_setting():
    base = create_task("scenes", train=10)
    assert base.fingerprint() == create_task("scenes", train=10).fingerprint()
    changes = [
        {"train": 11},
        {"seed": 1},
        {"size": 64},
        {"difficulty": "hard"},
        {"fonts": ("aileron",)},
        {"detail": 0.05},
    ]
    prints = {create_task("scenes", **({"train": 10} | change)).fingerprint() for change in changes}
    assert len(prints | {base.fingerprint()}) == 1 + len(changes)


@pytest.mark.parametrize("name", SCENE_TASKS)
def test_every_task_can_be_had_alone(name):
    task = create_task(f"scenes-{name}", train=20, validation=1, test=30, difficulty="hard")
    items = task.items("test")
    assert task.name == f"scenes-{name}"
    assert items["question_type"].unique().to_list() == [name]
    assert task.answers is None if name == "caption" else set(items["answers"].explode()) <= set(task.answers)
    predictions = items.select("item_id", prediction=items["answers"].list.first())
    assert score_predictions(items, predictions)["value"].mean() == 1


@pytest.mark.parametrize("text_height", [0.03, 0.095])
@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_texts_fit_their_places_at_every_height(difficulty, text_height):
    task = create_task("scenes", text_height=text_height, detail=0.16, difficulty=difficulty, test=150)
    for image_id in task.image_ids("test"):
        for text in task.scene(image_id).texts:
            text_box(text)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"size": 63}, r"size must be 64\.\.672; got 63"),
        ({"size": 673}, r"size must be 64\.\.672; got 673"),
        ({"difficulty": "medum"}, "unknown difficulty 'medum'; did you mean 'medium'"),
        ({"tasks": ("ocr", "counts")}, "unknown scene task 'counts'; did you mean 'count'"),
        ({"tasks": ()}, "give scene tasks as a tuple"),
        ({"tasks": ["ocr", "ocr"]}, "named twice"),
        ({"fonts": ["comic"]}, "unknown font 'comic'"),
        ({"text_height": 0.2}, r"text_height must be 0.03\.\.0.095"),
        ({"detail": 0.0}, r"detail must be 0.03\.\.0.16"),
        ({"test": 0}, "test must be 1 or more"),
        ({"resolution": 64}, "unknown option of task 'scenes' 'resolution'"),
    ],
)
def test_settings_that_no_scene_can_have_are_refused(option, message):
    with pytest.raises(ValueError, match=message):
        task_options("scenes", **option)


@pytest.mark.parametrize(
    "option", [{"size": 128.5}, {"size": "128"}, {"seed": "x"}, {"tasks": "ocr"}, {"detail": None}]
)
def test_values_of_another_kind_are_refused(option):
    with pytest.raises(ValueError, match=r"must be a whole number|as a tuple|options of task 'scenes'"):
        task_options("scenes", **option)


def test_images_that_do_not_exist_are_refused():
    task = create_task("scenes", test=3)
    for image_id in ("test-3", "tests-0", "test", "test--1"):
        with pytest.raises(ValueError, match="scenes has no image"):
            task.image(image_id)


def test_labels_agree_with_the_questions_about_a_single_box():
    task = create_task("scenes", difficulty="easy", train=40)
    items = task.items("train").filter(pl.col("regions").list.len() == 1)
    assert set(items["question_type"]) == {"attribute", "ocr", "fine-grained"}
    for item in items.rows(named=True):
        labels = {(label.box, label.value) for label in task.labels(item["image_id"])}
        assert (tuple(item["regions"][0]), item["answers"][0]) in labels


def test_every_thing_has_three_labels_and_the_ring_and_the_writing_one_each():
    kinds = Counter(label.kind for label in create_task("scenes", difficulty="easy").labels("test-0"))
    assert kinds == {"color": 3, "shape": 3, "texture": 3, "gap": 1, "word": 1, "number": 1}
    bare = create_task("scenes-count", difficulty="easy").labels("test-0")
    assert Counter(label.kind for label in bare) == {"color": 3, "shape": 3, "texture": 3}
