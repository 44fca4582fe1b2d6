"""What a study asks of a task, of each kind that needs no files."""

import tomllib

import pytest

from vlm_tasks import SceneOptions, Task, create_task, task_options
from vlm_tasks._items import COLUMNS
from vlm_tasks._splits import SPLITS

SMALL = {"train": 30, "validation": 10, "test": 20}
STUDIED = {
    "easy-vqa": {},
    "scenes": SMALL | {"tasks": ["object", "ocr"]},
    "scenes-caption": SMALL,
    "scenes-ocr": SMALL | {"size": 64},
}


@pytest.fixture(params=STUDIED, scope="module")
def task(request) -> Task:
    return create_task(request.param, **STUDIED[request.param])


def test_every_task_keeps_the_protocol(task):
    assert isinstance(task, Task)
    assert len(task.fingerprint()) == 64


def test_every_split_has_its_own_images_and_they_are_those_of_its_items(task):
    seen: set[str] = set()
    for split in SPLITS:
        items, images = task.items(split), task.image_ids(split)
        assert tuple(items.columns) == COLUMNS
        assert items["split"].unique().to_list() == [split]
        assert set(items["image_id"]) == set(images)
        assert not seen & set(images)
        seen |= set(images)


def test_images_are_rgb_at_the_resolution_of_the_task(task):
    image = task.image(task.image_ids("validation")[0])
    assert (image.mode, image.size) == ("RGB", (task.resolution, task.resolution))


def test_answers_are_in_the_vocabulary_where_there_is_one(task):
    for split in SPLITS:
        given = set(task.items(split)["answers"].explode())
        assert task.answers is None or given <= set(task.answers)


def test_question_types_are_stated_where_they_are_known(task):
    asked = {kind for split in SPLITS for kind in task.items(split)["question_type"]}
    assert asked == set(task.question_types)


def test_the_settings_of_a_study_file_are_the_options_of_the_task():
    written = tomllib.loads(
        """
        tasks = ["object", "ocr"]
        size = 64
        difficulty = "easy"
        text_height = 0.06
        fonts = ["aileron"]
        train = 200
        validation = 20
        test = 50
        """
    )
    expected = SceneOptions(
        tasks=("object", "ocr"), size=64, difficulty="easy", text_height=0.06, fonts=("aileron",),
        train=200, validation=20, test=50,
    )  # fmt: skip
    assert task_options("scenes", **written) == expected
    task = create_task("scenes", **written)
    assert [len(task.image_ids(split)) for split in SPLITS] == [200, 20, 50]
