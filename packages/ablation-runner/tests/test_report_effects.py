"""Effects, interactions and attribution in the report: those of ablation-stats, under the study's own names."""

import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import ablation_stats as stats
from ablation_runner.analysis import analyze
from ablation_runner.report import write_report
from ablation_runner.results import StudyResults

HERE = Path(__file__)
MADE = runpy.run_path(str(HERE.with_name("test_report_made_run.py")))
READER = runpy.run_path(str(HERE.with_name("test_report.py")))["Reader"]
CONNECTOR = '[factors.connector]\npath = "model.connector"\nlevels = ["concatenation", "mlp"]\n'
BUDGET = '[factors.budget]\npath = "tokens.budget"\nlevels = [16, 64]\n'
WIDE = BUDGET.replace("[16, 64]", "[16, 36, 64]")


def chance(arm: str, condition: str, seed: int) -> float:
    gains = {"mlp": 0.1, "connector": 0.1, "36": 0.05, "64": 0.1, "budget": 0.1, "full": 0.3}
    return 0.3 if arm == "blind" else 0.4 + sum(gain for word, gain in gains.items() if word in arm)


def run(folder: Path, kind: str, *factors: str) -> tuple[StudyResults, "stats.PairedCube"]:
    head = MADE["STUDY"].split("[design]")[0]
    study = f'{head}[design]\nkind = "{kind}"\n{"".join(factors)}'
    prepared = MADE["make_run"](folder, study, score=chance, asked=90)
    return analyze(prepared), stats.paired_cube(MADE["rows_of"](prepared))


def means(cube: stats.PairedCube) -> dict[str, float]:
    return {arm: float(cube.values[cube.index(arm)].mean()) for arm in cube.arms}


@pytest.fixture(scope="module")
def factorial(tmp_path_factory: pytest.TempPathFactory) -> tuple[StudyResults, "stats.PairedCube"]:
    return run(tmp_path_factory.mktemp("made"), "full-factorial", CONNECTOR, BUDGET)


def test_effects_of_a_two_by_two_are_halves_of_sums_of_means(
    factorial: tuple[StudyResults, "stats.PairedCube"],
) -> None:
    results, cube = factorial
    mean = means(cube)
    none, mlp, many, both = (mean[arm] for arm in ("baseline", "mlp", "budget-64", "mlp + budget-64"))
    assert results.effects is not None
    found = {effect.name: effect.difference.estimate for effect in results.effects.effects}
    assert found == pytest.approx(
        {
            "connector": (mlp + both - none - many) / 2,
            "budget": (many + both - none - mlp) / 2,
            "connector:budget": (both - mlp - many + none) / 2,
        }
    )
    shares = {(each.name, each.kind): each.difference.estimate for each in results.effects.attribution}
    assert shares["connector", "leave one out"] == pytest.approx(both - many)
    assert shares["connector", "add one in"] == pytest.approx(mlp - none)
    assert shares["connector", "shapley"] + shares["budget", "shapley"] == pytest.approx(both - none)


def test_effects_name_the_first_arms_that_had_not_converged_and_count_the_others(
    factorial: tuple[StudyResults, "stats.PairedCube"], tmp_path: Path
) -> None:
    results, _ = factorial
    assert results.effects is not None
    late = tuple(f"arm-{number}" for number in range(8))
    write_report(replace(results, effects=replace(results.effects, late=late)), tmp_path)
    said = "these numbers may still change: arm-0, arm-1, arm-2, arm-3, arm-4, arm-5 and 2 more."
    assert (tmp_path / "report.md").read_text().count(said) == 2  # of the effects and of the components


def test_what_a_cell_has_beyond_both_effects_sums_to_nothing(tmp_path: Path) -> None:
    results, cube = run(tmp_path, "full-factorial", CONNECTOR, WIDE)
    assert results.effects is not None
    cells = results.effects.cells
    assert len(cells) == 6
    assert next(cell for cell in cells if cell.is_baseline).mean == pytest.approx(means(cube)["baseline"])
    beyond = np.array([cell.beyond for cell in cells]).reshape(2, 3)
    np.testing.assert_allclose([*beyond.sum(axis=0), *beyond.sum(axis=1)], 0, atol=1e-12)
    assert abs(beyond).max() > 0.001
    assert results.effects.attribution == ()
    write_report(results, tmp_path / "report")
    row = f"| concatenation | {100 * cells[0].mean:.1f}"
    assert row in (tmp_path / "report" / "report.md").read_text()


@pytest.mark.parametrize(
    ("kind", "whole", "part", "sign"),
    [("leave-one-out", "full", "without budget", 1), ("add-one-in", "none", "only budget", -1)],
)
def test_a_component_is_worth_what_its_presence_adds(
    kind: str, whole: str, part: str, sign: int, tmp_path: Path
) -> None:
    results, cube = run(tmp_path, kind, CONNECTOR, BUDGET)
    assert results.effects is not None
    worth = {effect.name: effect.difference.estimate for effect in results.effects.attribution}
    assert worth["budget"] == pytest.approx(sign * (means(cube)[whole] - means(cube)[part]))
    assert worth["budget"] > 0


def test_every_format_has_effects_interactions_and_attribution(
    factorial: tuple[StudyResults, "stats.PairedCube"], tmp_path: Path
) -> None:
    reader = READER(write_report(factorial[0], tmp_path).read_text())
    assert {"effects", "interactions", "attribution"} <= set(reader.ids)
    assert "connector × budget" in (tmp_path / "report.md").read_text()
    assert r"connector $\times$ budget" in (tmp_path / "tables.tex").read_text()
    for name in ("effects", "interactions", "attribution"):
        assert (tmp_path / "figures" / f"{name}.png").stat().st_size > 1000


def test_a_study_of_one_factor_has_no_such_part(tmp_path: Path) -> None:
    results, _ = run(tmp_path, "one-factor-at-a-time", CONNECTOR)
    assert results.effects is None
    assert 'id="effects"' not in write_report(results, tmp_path).read_text()
