"""The dose-response of the report: which dose is enough, where the curve bends, and where neither can be said."""

import dataclasses
import runpy
from pathlib import Path

import polars as pl
import pytest

import ablation_stats as stats
from ablation_runner.analysis import analyze
from ablation_runner.analysis._doses import find_doses
from ablation_runner.report import write_report
from ablation_runner.results import StudyResults

HERE = Path(__file__)
MADE = runpy.run_path(str(HERE.with_name("test_report_made_run.py")))
READER = runpy.run_path(str(HERE.with_name("test_report.py")))["Reader"]
BUDGETS = [1, 4, 9, 16, 36, 64]
CHANCE = {1: 0.3, 4: 0.5, 9: 0.7, 16: 0.8, 36: 0.81, 64: 0.81}
CLAIM = """
[[claims]]
text = "A quarter is enough"
arm = "budget-36"
kind = "not-worse"
margin = 0.1
"""
STUDY = MADE["STUDY"].split("[conditions]")[0].replace("[4, 16, 64]", str(BUDGETS)) + CLAIM


def chance(arm: str, condition: str, seed: int) -> float:
    return 0.1 if arm == "blind" else CHANCE[int(arm.removeprefix("budget-"))]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[StudyResults, pl.DataFrame]:
    prepared = MADE["make_run"](tmp_path_factory.mktemp("made"), STUDY, score=chance, asked=300)
    return analyze(prepared), MADE["rows_of"](prepared)


def test_enough_is_the_smallest_dose_of_the_fixed_sequence(study: tuple[StudyResults, pl.DataFrame]) -> None:
    results, rows = study
    (found,) = results.dose_responses
    arms = [f"budget-{budget}" for budget in BUDGETS]
    expected, tests = stats.smallest_non_inferior_dose(rows, doses=arms, margin=0.1)
    assert [point.arm for point in found.points] == arms
    assert found.enough == expected.dose
    assert found.enough in {"budget-16", "budget-36"}
    assert found.failed == arms[arms.index(str(found.enough)) - 1]
    assert not tests[-1].non_inferior


def test_the_bend_is_the_knee_of_the_broken_stick(study: tuple[StudyResults, pl.DataFrame]) -> None:
    results, rows = study
    (found,) = results.dose_responses
    assert found.bend is not None
    seeing = rows.filter(pl.col("arm") != "blind")
    knee = stats.fit_curve(
        seeing, doses={f"budget-{budget}": budget for budget in BUDGETS}, curve="broken-stick", rng=1
    )[0]  # fmt: skip
    assert found.bend.estimate == pytest.approx(knee.estimate)
    assert found.bend.low <= knee.estimate <= found.bend.high


def test_the_page_names_the_dose_and_every_format_has_the_numbers(
    study: tuple[StudyResults, pl.DataFrame], tmp_path: Path
) -> None:
    results, _ = study
    reader = READER(write_report(results, tmp_path).read_text())
    (found,) = results.dose_responses
    assert (
        f"Enough: {str(found.enough).removeprefix('budget-')} visual tokens ({found.enough})." in reader.text
    )
    assert "dose-response" in reader.ids
    assert "## Accuracy by visual tokens" in (tmp_path / "report.md").read_text()
    assert (tmp_path / "figures" / "dose-response.png").is_file()
    assert "Visual tokens & Accuracy" in (tmp_path / "tables.tex").read_text()


def test_nothing_is_enough_where_the_blind_control_keeps_up(tmp_path: Path) -> None:
    prepared = MADE["make_run"](tmp_path, STUDY, score=lambda *_: 0.5, asked=90)
    (found,) = analyze(prepared).dose_responses
    assert found.enough is None
    assert "blind control" in found.blocked


def test_a_dose_that_had_not_converged_is_drawn_and_not_tested(
    study: tuple[StudyResults, pl.DataFrame], tmp_path: Path
) -> None:
    results, _ = study
    (found,) = results.dose_responses
    points = (*found.points[:-1], dataclasses.replace(found.points[-1], converged=False))
    late = dataclasses.replace(
        found, points=points, enough=None, blocked="the largest dose had not converged"
    )
    page = write_report(dataclasses.replace(results, dose_responses=(late,)), tmp_path).read_text()
    assert "Which dose is enough cannot be said: the largest dose had not converged." in READER(page).text


@pytest.mark.parametrize(
    ("path", "levels", "expected"),
    [
        ("tokens.budget", "[4, 16, 64]", ("visual tokens", [4.0, 16.0, 64.0])),
        ("model.language_model", '{ a = "llama-tiny", b = { name = "llama-tiny", width = 64 } }', None),
        (
            "model.connector",
            (
                '{ few = { name = "q-former", queries = 4 }, some = { name = "q-former", queries = 8 }, '
                'many = { name = "q-former", queries = 16 }, concatenation = "concatenation" }'
            ),
            None,
        ),
        (
            "data.task",
            (
                '{ more = { name = "easy-vqa", validation_images = 300 }, '
                'some = { name = "easy-vqa", validation_images = 2400 }, '
                'few = { name = "easy-vqa", validation_images = 3900 } }'
            ),
            ("training images", [100.0, 1600.0, 3600.0, 3700.0]),
        ),
        ("training.learning_rate", "[1e-3, 2e-3, 4e-3, 3e-3]", ("learning rate", [1e-3, 2e-3, 3e-3, 4e-3])),
    ],
)
def test_a_dose_is_a_number_that_every_arm_sets_to_another_value(
    path: str, levels: str, expected: tuple[str, list[float]] | None, tmp_path: Path
) -> None:
    text = (
        MADE["STUDY"]
        .split("[design]")[0]
        .replace('"easy-vqa"', '{ name = "easy-vqa", validation_images = 400 }')
    )
    text += f'[factors.it]\npath = "{path}"\nlevels = {levels}\n'
    (tmp_path / "made.toml").write_text(text)
    found = list(find_doses(MADE["prepare"](str(tmp_path / "made.toml"), runs=tmp_path)))
    assert [(doses.quantity, list(doses.of_arm.values())) for doses in found] == (
        [expected] if expected else []
    )
