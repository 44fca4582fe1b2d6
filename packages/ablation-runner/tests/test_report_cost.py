"""Score against cost: which arms lie on the front, and names that cover nothing."""

import dataclasses
import itertools
import runpy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablation_runner.analysis import analyze
from ablation_runner.analysis._cost_front import cost_front
from ablation_runner.report import write_report
from ablation_runner.report._labels import Box, place_labels
from ablation_runner.results import CostFront, FrontPoint, StudyResults

HERE = Path(__file__)
MADE = runpy.run_path(str(HERE.with_name("test_report_made_run.py")))
EXAMPLE = runpy.run_path(str(HERE.with_name("test_report_example.py")))
BAD = runpy.run_path(str(HERE.with_name("test_report_hostile.py")))["BAD"]
READER = runpy.run_path(str(HERE.with_name("test_report.py")))["Reader"]
POINTS = st.lists(st.tuples(st.floats(0, 300), st.floats(0, 200)), min_size=1, max_size=12)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> StudyResults:
    right = {"budget-4": 0.72, "budget-16": 0.6, "budget-64": 0.85, "blind": 0.3}
    prepared = MADE["make_run"](
        tmp_path_factory.mktemp("made"), score=lambda arm, condition, seed: right[arm], asked=600
    )
    found: StudyResults = analyze(prepared)
    return found


def test_an_arm_is_on_the_front_where_no_cheaper_one_scores_as_high(study: StudyResults) -> None:
    assert study.cost_front is not None
    arms = {arm.name: arm for arm in study.arms if not arm.is_blind}
    for point in study.cost_front.points:
        own = arms[point.arm]
        beaten = any(
            other.macs <= own.macs and other.mean and own.mean and other.mean.estimate >= own.mean.estimate
            for other in arms.values()
            if other is not own
        )
        assert point.on_front is not beaten
    assert [point.arm for point in study.cost_front.points] == ["budget-4", "budget-16", "budget-64"]


def test_two_reports_of_one_run_give_the_same_chances(study: StudyResults, tmp_path: Path) -> None:
    prepared = MADE["make_run"](tmp_path, asked=60)
    assert analyze(prepared).cost_front == analyze(prepared).cost_front


def test_the_page_says_which_arms_are_on_the_front(study: StudyResults, tmp_path: Path) -> None:
    reader = READER(write_report(study, tmp_path).read_text())
    table = next(table for table in reader.tables if "Chance of it" in table[0])
    assert [" ".join(row.split()).split(" ")[0] for row in table[1:]] == [
        "budget-4",
        "budget-16",
        "budget-64",
    ]
    assert "no" in table[2].split()
    assert (tmp_path / "figures" / "cost.png").is_file()


def test_times_that_vary_as_from_run_to_run_make_no_front(study: StudyResults) -> None:
    same = {"parameters": 1, "macs": 1, "visual_tokens": 1, "converged": True}
    arms = [
        dataclasses.replace(arm, train_seconds=100.0 - 4 * place, **same)
        for place, arm in enumerate(arm for arm in study.arms if not arm.is_blind)
    ]
    assert len(arms) == 3
    assert cost_front(None, arms) is None  # no score is looked at


def test_arms_have_no_front_where_the_baseline_had_not_converged(study: StudyResults) -> None:
    arms = [dataclasses.replace(arm, converged=arm.converged and not arm.is_baseline) for arm in study.arms]
    assert cost_front(None, arms) is None  # no score is looked at
    assert sum(arm.converged and not arm.is_blind for arm in arms) > 1


def test_arms_of_one_cost_have_no_front(study: StudyResults, tmp_path: Path) -> None:
    page = write_report(dataclasses.replace(study, cost_front=None), tmp_path).read_text()
    assert 'id="cost"' not in page


def test_hostile_names_are_shown_as_text(tmp_path: Path) -> None:
    names = (BAD, "x" * 10_000, "b", "c", "d", "blind")
    results = EXAMPLE["study_results"](names=names)
    points = tuple(FrontPoint(arm=name, on_front=True, probability=0.5) for name in names[:4])
    page = write_report(
        dataclasses.replace(results, cost_front=CostFront(kind="macs", points=points)), tmp_path
    )
    reader = READER(page.read_text())
    assert "script" not in reader.tags
    assert "x" * 10_000 in reader.text


@given(POINTS, st.integers(1, 20))
def test_names_cover_neither_points_nor_each_other_nor_the_edge(
    points: list[tuple[float, float]], letters: int
) -> None:
    wall = Box(100, 0, 110, 200)
    places = place_labels(points, ["n" * letters] * len(points), width=300, height=200, obstacles=[wall])
    boxes = []
    for (x, y), place in zip(points, places, strict=True):
        if place is not None:
            length = 6.0 * letters
            left = x + place.dx - {"left": 0, "right": length, "center": length / 2}[place.align]
            boxes.append((left, y + place.dy - 6, left + length, y + place.dy + 6))
    for box in boxes:
        assert box[0] >= 0
        assert box[2] <= 300
        assert not any(box[0] < x < box[2] and box[1] < y < box[3] for x, y in points)
        assert not (box[0] < 110 and box[2] > 100)
    for one, other in itertools.combinations(boxes, 2):
        assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
