"""Answers of scenes: right, balanced, not to be had blind, and with regions that suffice."""

import dataclasses
import re
from collections import Counter, defaultdict

import numpy as np
import polars as pl
import pytest

from vlm_tasks import blind_baselines, create_task
from vlm_tasks._options import SCENE_TASKS
from vlm_tasks.scenes._parts import Scene, Thing
from vlm_tasks.scenes._vocabulary import COLOURS, PLURALS, SHAPES
from vlm_tasks.scenes._writing import text_box

SINGULAR = {plural: shape for shape, plural in PLURALS.items()}
DIFFICULTIES = ("easy", "medium", "hard")


def read_answer(question: str, scene: Scene) -> str:
    """The answer to a question, read from the scene by rules written for this test alone."""
    things = scene.things

    def named(name: str) -> Thing:
        (found,) = [thing for thing in things if f"{thing.colour} {thing.shape}" == name]
        return found

    def near(first: Thing, second: Thing) -> float:
        return np.hypot(first.x - second.x, first.y - second.y)

    def yes(holds: bool) -> str:
        return "yes" if holds else "no"

    rules = {
        r"is there an? (\w+)\?": lambda shape: yes(any(t.shape == shape for t in things)),
        r"is there an? (\w+) (\w+)\?": lambda c, s: yes(any((t.colour, t.shape) == (c, s) for t in things)),
        r"what color is the (\w+)\?": lambda shape: only(t.colour for t in things if t.shape == shape),
        r"what shape is the (\w+) thing\?": lambda c: only(t.shape for t in things if t.colour == c),
        r"is the (\w+) solid, striped, dotted or hollow\?": lambda s: only(t.texture for t in things if t.shape == s),
        r"how many (\w+) are there\?": lambda plural: str(sum(t.shape == SINGULAR[plural] for t in things)),
        r"is the (\w+ \w+) left of the (\w+ \w+)\?": lambda a, b: yes(named(a).x < named(b).x),
        r"is the (\w+ \w+) right of the (\w+ \w+)\?": lambda a, b: yes(named(a).x > named(b).x),
        r"is the (\w+ \w+) above the (\w+ \w+)\?": lambda a, b: yes(named(a).y < named(b).y),
        r"is the (\w+ \w+) below the (\w+ \w+)\?": lambda a, b: yes(named(a).y > named(b).y),
        r"which is nearer to the (\w+ \w+), the (\w+ \w+) or the (\w+ \w+)\?": lambda a, b, c: min(
            (b, c), key=lambda name: near(named(a), named(name))
        ),
        r"are there more (\w+) than (\w+)\?": lambda a, b: yes(
            sum(t.shape == SINGULAR[a] for t in things) > sum(t.shape == SINGULAR[b] for t in things)
        ),
        r"is the shape nearest to the (\w+ \w+) (\w+)\?": lambda a, texture: yes(
            min((t for t in things if t is not named(a)), key=lambda t: near(t, named(a))).texture == texture
        ),
        r"what word is written\?": lambda: only(t.words.lower() for t in scene.texts if t.words.isalpha()),
        r"what number is written\?": lambda: only(t.words for t in scene.texts if t.words.isdigit()),
        r"on which side is the ring open\?": lambda: scene.ring.gap,
        r"are the two patterns the same\?": lambda: yes(scene.plates[0].cells == scene.plates[1].cells),
    }  # fmt: skip
    (answer,) = [
        rule(*match.groups()) for form, rule in rules.items() if (match := re.fullmatch(form, question))
    ]
    return answer


def only(values):
    (value,) = values
    return value


def all_items(difficulty: str, count: int = 150) -> tuple[pl.DataFrame, dict[str, Scene]]:
    task = create_task("scenes", difficulty=difficulty, train=count, validation=1, test=1)
    return task.items("train"), {image_id: task.scene(image_id) for image_id in task.image_ids("train")}


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_every_answer_is_what_the_scene_shows(difficulty):
    items, scenes = all_items(difficulty)
    asked = Counter()
    for item in items.filter(pl.col("question_type") != "caption").rows(named=True):
        assert item["answers"] == [read_answer(item["question"], scenes[item["image_id"]])], item
        asked[item["question_type"]] += 1
    assert asked == dict.fromkeys([task for task in SCENE_TASKS if task != "caption"], 150)


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_the_regions_suffice_to_answer(difficulty):
    """The answer stays the same when everything whose box is no region is taken away."""
    items, scenes = all_items(difficulty)
    for item in items.filter(pl.col("question_type") != "caption").rows(named=True):
        scene, kept = scenes[item["image_id"]], {tuple(box) for box in item["regions"]}
        reduced = dataclasses.replace(
            scene,
            things=tuple(thing for thing in scene.things if thing.box in kept),
            texts=tuple(text for text in scene.texts if text_box(text) in kept),
            plates=tuple(plate for plate in scene.plates if plate.box in kept),
            ring=scene.ring if scene.ring.box in kept else None,
        )
        assert item["answers"] == [read_answer(item["question"], reduced)], item


def test_the_number_of_regions_does_not_give_the_answer_away():
    items, _ = all_items("medium")
    counts = defaultdict(set)
    for item in items.rows(named=True):
        form = re.sub(r"\b(nearer)\b.*", r"\1", item["question"])
        counts[item["question_type"], "nearer" in form, "patterns" in form].add(len(item["regions"]))
    assert {len(sizes) for sizes in counts.values()} == {1}


def test_a_hallucinated_thing_mixes_a_colour_and_a_shape_that_are_there():
    items, scenes = all_items("medium")
    for item in items.filter(pl.col("question_type") == "hallucination").rows(named=True):
        colour, shape = item["question"].rstrip("?").split()[-2:]
        things = scenes[item["image_id"]].things
        assert colour in {thing.colour for thing in things}
        assert shape in {thing.shape for thing in things}


def test_all_answers_to_a_question_are_equally_likely():
    """Chi-squared over all questions of a kind, of 1,600 scenes."""
    task = create_task("scenes", tasks=SCENE_TASKS[:-1], train=1600, validation=1, test=1)
    items = task.items("train").with_columns(answer=pl.col("answers").list.first())
    sides = {
        r"is there an? .*": 2, r"what color .*": len(COLOURS), r"what shape .*": len(SHAPES), r"is the \w+ solid.*": 4,
        r"how many .*": 4, r"is the shape nearest .*": 2,
        r"is the \w+ \w+ (?:left|right|above|below) .*": 2, r"are there .*": 2, r"on which side .*": 4, r"are the two .*": 2,
    }  # fmt: skip
    for form, count in sides.items():
        chi_squared, freedom = 0.0, 0
        # Questions that name things by colour and shape are too many to count one by one.
        asked_about = (
            pl.lit(form) if form.startswith("is the") and "solid" not in form else pl.col("question")
        )
        for _, asked in items.filter(pl.col("question").str.contains(f"^{form}$")).group_by(asked_about):
            expected = len(asked) / count
            if expected >= 5:
                seen = asked["answer"].value_counts()["count"].to_list()
                seen += [0] * (count - len(seen))
                chi_squared += sum((number - expected) ** 2 / expected for number in seen)
                freedom += count - 1
        assert freedom > 0, form
        # The mean of chi-squared is its degrees of freedom, the variance twice that.
        assert abs(chi_squared - freedom) < 4 * (2 * freedom) ** 0.5, (form, chi_squared, freedom)


def test_the_named_thing_of_a_choice_comes_first_as_often_as_second():
    items = create_task("scenes-spatial", train=1200).items("train")
    chosen = items.filter(pl.col("question").str.starts_with("which is nearer"))
    first = [
        item["answers"][0] == item["question"].split(", the ")[1].split(" or ")[0]
        for item in chosen.rows(named=True)
    ]
    assert abs(np.mean(first) - 0.5) < 4 * 0.5 / len(first) ** 0.5


CHANCE = {
    "attribute": (1 / 8 + 1 / 6 + 1 / 4) / 3,
    "caption": 0,
    "count": 1 / 4,
    "fine-grained": (1 / 4 + 1 / 2) / 2,
    "hallucination": 1 / 2,
    "object": 1 / 2,
    "ocr": (1 / 58 + 1 / 900) / 2,
    "reasoning": 1 / 2,
    "spatial": 1 / 2,
}


def test_baselines_that_see_no_image_are_near_chance():
    """Of 500 items a share of a half has a standard error of 0.022; four of them are allowed."""
    task = create_task("scenes", train=400, validation=1, test=500)
    captions = {
        image_id: task.caption(image_id) for split in ("train", "test") for image_id in task.image_ids(split)
    }
    table = blind_baselines(task.items("train"), task.items("test"), captions=captions)
    assert table["question_type"].to_list() == sorted(SCENE_TASKS)
    for row in table.rows(named=True):
        for baseline in ("majority", "question_only", "nearest_caption"):
            assert row[baseline] < CHANCE[row["question_type"]] + 0.09, row
