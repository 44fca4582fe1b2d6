"""What the report computes itself: rounding, the word for an arm, the answer, and which questions it shows."""

import dataclasses
import itertools
import runpy
import subprocess
import sys
from pathlib import Path
from statistics import pvariance

import polars as pl
import pytest
from rich.console import Console

from ablation_runner.report import print_summary
from ablation_runner.report._answer import answer, cautions
from ablation_runner.report._disagreements import disagreements
from ablation_runner.report._numbers import (
    count_text,
    number,
    p_text,
    range_text,
    scale_of,
    seconds_text,
    signed,
)
from ablation_runner.report._standing import Standing, standing
from ablation_runner.results import ClaimResult, Interval, StudyResults

study_results = runpy.run_path(str(Path(__file__).with_name("test_report_example.py")))["study_results"]
SHARE = scale_of("exact_match")


@pytest.fixture(scope="module")
def results() -> StudyResults:
    return study_results()


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0"), (950, "950"), (3120, "3.1 k"), (312_400, "312 k"), (999_600, "1.0 M"), (9_960_000, "10 M"),
     (1_234_567, "1.2 M"), (3 * 10**15, "3000 T")],
)  # fmt: skip
def test_counts_are_rounded_to_what_matters(count: int, shown: str) -> None:
    assert count_text(count) == shown.replace(" ", "\u00a0")


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.04, "0.0 s"), (9.96, "10 s"), (85.4, "85 s"), (599.6, "10 min"), (7200.0, "2.0 h"), (None, "–")],
)
def test_durations_are_rounded_to_what_matters(seconds: float | None, shown: str) -> None:
    assert seconds_text(seconds) == shown.replace(" ", "\u00a0")


def test_small_differences_have_no_sign_and_no_negative_zero() -> None:
    assert [signed(value, SHARE) for value in (-0.0004, 0.0004, -0.0006, 0.0006)] == [
        "0.0",
        "0.0",
        "−0.1",
        "+0.1",
    ]
    assert number(float("nan"), SHARE) == "not defined"
    wide = Interval(estimate=0.99, low=0.97, high=1.01)
    assert range_text(wide, SHARE) == "97.0 to 100.0"
    assert range_text(wide, SHARE, sign=True) == "+97.0 to +101.0"
    assert p_text(0.0499) == "0.050"


def arm_of(results: StudyResults, name: str, **changes: object) -> StudyResults:
    """The study with one arm changed."""
    arms = tuple(dataclasses.replace(arm, **changes) if arm.name == name else arm for arm in results.arms)
    return dataclasses.replace(results, arms=arms)


def word(results: StudyResults, name: str) -> Standing:
    return standing(next(arm for arm in results.arms if arm.name == name), results)


def test_an_arm_is_judged_by_its_adjusted_p_and_only_when_converged(results: StudyResults) -> None:
    assert word(results, "mlp") is Standing.WORSE
    assert word(arm_of(results, "mlp", p=0.01, p_adjusted=0.06), "mlp") is Standing.UNDECIDED
    assert word(arm_of(results, "mlp", difference=None), "mlp") is Standing.NOT_COMPARED
    assert word(arm_of(results, "mlp", converged=False), "mlp") is Standing.NOT_CONVERGED
    assert word(arm_of(results, "concatenation", converged=False), "mlp") is Standing.NOT_CONVERGED


def test_equivalence_comes_from_a_claim_against_the_baseline_only(results: StudyResults) -> None:
    claim = ClaimResult(text="t", arm="mlp", verdict="equivalent", reason="r", settle="", locked=True)
    unsure = arm_of(results, "mlp", p=0.3, p_adjusted=0.6)
    assert word(dataclasses.replace(unsure, claims=(claim,)), "mlp") is Standing.EQUIVALENT
    other = dataclasses.replace(claim, against="q-former")
    assert word(dataclasses.replace(unsure, claims=(other,)), "mlp") is Standing.UNDECIDED
    some = dataclasses.replace(claim, question_type="ocr")
    assert word(dataclasses.replace(unsure, claims=(some,)), "mlp") is Standing.UNDECIDED


def test_the_answer_names_every_arm_once(results: StudyResults) -> None:
    sentence = answer(results, SHARE)
    assert sentence.startswith("No arm is shown to be better than the baseline concatenation (88.9\u00a0%)")
    assert all(sentence.count(arm.name) == 1 for arm in results.arms if not arm.is_blind)
    assert sentence.count(". ") == 0


def test_a_better_arm_comes_first_in_the_answer(results: StudyResults) -> None:
    better = arm_of(results, "mlp", difference=Interval(estimate=0.031, low=0.02, high=0.04))
    assert answer(better, SHARE).startswith(
        "Compared with the baseline concatenation (88.9\u00a0%), mlp (+3.1\u00a0points) is better; q-former"
    )


def test_a_blind_control_that_keeps_up_makes_the_study_not_informative(results: StudyResults) -> None:
    assert "the score does measure seeing" in " ".join(cautions(results, SHARE))
    level = arm_of(results, "blind", p=0.4, p_adjusted=0.8)
    assert "not informative about vision" in " ".join(cautions(level, SHARE))


def test_disagreements_are_those_with_the_largest_spread(results: StudyResults) -> None:
    seeing = results.predictions.filter(pl.col("arm") != "blind")
    spread = {}
    for item, rows in itertools.groupby(
        sorted(seeing.rows(named=True), key=lambda row: row["item"]), lambda row: row["item"]
    ):
        by_arm: dict[str, list[float]] = {}
        for row in rows:
            by_arm.setdefault(row["arm"], []).append(row["value"])
        spread[item] = pvariance([sum(values) / len(values) for values in by_arm.values()])
    found = disagreements(results)
    assert len(found) == 5
    assert max(spread.values()) == pytest.approx(max(spread[one.item] for one in found))
    assert len({one.image_id for one in found}) == 5
    assert {one.question_type for one in found} == {"color", "shape", "yes/no"}


def test_given_answers_count_every_seed_of_every_arm(results: StudyResults) -> None:
    for one in disagreements(results):
        assert [arm for arm, _ in one.given] == [arm.name for arm in results.arms]
        for arm, given in one.given:
            rows = results.predictions.filter(pl.col("arm") == arm, pl.col("item") == one.item)
            assert sum(answer.seeds for answer in given) == rows.height == 3
            assert sum(answer.seeds for answer in given if answer.mark == "right") == rows["value"].sum()


def test_agreeing_arms_give_no_questions(results: StudyResults) -> None:
    agreed = results.predictions.with_columns(value=pl.lit(1.0))
    assert disagreements(dataclasses.replace(results, predictions=agreed)) == []


def test_the_terminal_summary_fits_eighty_columns_and_names_every_arm(results: StudyResults) -> None:
    console = Console(width=80, record=True, force_terminal=False)
    with console.capture() as capture:
        print_summary(results, console)
    lines = capture.get().splitlines()
    assert max(map(len, lines)) <= 80
    assert all(any(line.startswith(arm.name) for line in lines) for arm in results.arms)
    assert sum(line.startswith(("supported", "refuted", "inconclusive (exploratory)")) for line in lines) == 3


def test_importing_the_report_imports_nothing_heavy() -> None:
    heavy = "{'altair', 'vl_convert', 'jinja2', 'rich', 'torch'}"
    code = f"import sys, ablation_runner.report; print(sorted({heavy} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
