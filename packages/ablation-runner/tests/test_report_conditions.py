"""Trained models tested under other conditions: the table, and the matrix of training and test levels."""

import dataclasses
import runpy
from pathlib import Path

import polars as pl
import pytest
from markdown_it import MarkdownIt

import ablation_stats as stats
from ablation_runner.analysis import analyze
from ablation_runner.report import write_report
from ablation_runner.results import StudyResults

HERE = Path(__file__)
MADE = runpy.run_path(str(HERE.with_name("test_report_made_run.py")))
READER = runpy.run_path(str(HERE.with_name("test_report.py")))["Reader"]
BAD = runpy.run_path(str(HERE.with_name("test_report_hostile.py")))["BAD"]
LEVELS = {"four": 4, "sixteen": 16, "sixty-four": 64}


def chance(arm: str, condition: str, seed: int) -> float:
    """Best at the budget that the arm was trained at."""
    own = 16 if arm == "blind" else int(arm.rsplit("-", 1)[-1])
    tested = LEVELS.get(condition, own)
    return 0.3 if arm == "blind" else 0.5 + 0.1 * (tested >= 16) - 0.15 * (tested != own) + 0.01 * seed


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[StudyResults, pl.DataFrame]:
    prepared = MADE["make_run"](tmp_path_factory.mktemp("made"), score=chance, asked=300)
    return analyze(prepared), MADE["rows_of"](prepared)


def test_every_arm_is_compared_with_the_baseline_under_the_same_condition(
    study: tuple[StudyResults, pl.DataFrame],
) -> None:
    results, rows = study
    assert results.conditions.height == 4 * 4
    for row in results.conditions.filter(~pl.col("arm").is_in(["budget-16", "blind"])).iter_rows(named=True):
        place = "" if row["condition"] == "as-trained" else f" @ {row['condition']}"
        others = [f"{arm}{place}" for arm in ("budget-4", "budget-64")]
        expected = {each.arm: each for each in stats.paired_differences(
            rows, baseline=f"budget-16{place}", arms=others
        )}[f"{row['arm']}{place}"]  # fmt: skip
        found = (row["difference"], row["difference_low"], row["difference_high"], row["p_adjusted"])
        assert found == pytest.approx(
            (expected.estimate, expected.ci_low, expected.ci_high, expected.p_adjusted)
        )


def test_the_matrix_is_that_of_ablation_stats(study: tuple[StudyResults, pl.DataFrame]) -> None:
    results, rows = study
    assert results.transfer is not None
    split = pl.col("arm").str.split(" @ ")
    pairs = rows.filter(~pl.col("arm").str.starts_with("blind")).with_columns(
        train=split.list.first().str.strip_prefix("budget-").cast(pl.Int64),
        test=split.list.get(1, null_on_oob=True).replace_strict(LEVELS, return_dtype=pl.Int64),
    )
    own = pairs.filter(pl.col("test").is_null()).with_columns(test="train")
    matrix = pl.concat([own, pairs.filter(pl.col("test") != pl.col("train"))]).drop("arm")
    expected = stats.transfer_matrix(matrix, train="train", test="test", levels=["4", "16", "64"])
    found = [mean for row in results.transfer.means for mean in row]
    assert found == pytest.approx([cell.estimate for cell in expected.cells])
    losses = [loss for row in results.transfer.losses for loss in row if loss is not None]
    assert [-loss.estimate for loss in losses] == pytest.approx(
        [each.estimate for each in expected.degradations]
    )
    assert [-loss.low for loss in losses] == pytest.approx([each.ci_high for each in expected.degradations])


def test_an_arm_of_the_same_treatment_at_another_arms_level_has_a_row_under_its_name(tmp_path: Path) -> None:
    """Trained with sampled budgets, an arm has the largest of them as its own."""
    levels = "\n".join(
        f'{name} = {{ "tokens.budget" = {budget}, "tokens.schedule" = {schedule} }}'
        for name, budget, schedule in (
            ("many", 16, '{ name = "fixed", budget = 16 }'),
            ("few", 4, '{ name = "fixed", budget = 4 }'),
            ("dynamic", 16, '{ name = "choice", choices = [4, 16], weights = [1, 1] }'),
        )
    )
    fixed = 'tokens = { budget = 16, schedule = { name = "fixed", budget = 16 } }'
    text = MADE["STUDY"].replace("tokens = { budget = 16 }", fixed).replace("sixty-four = ", "# ")
    text = text.replace('[design]\nkind = "dose-response"\n', "").replace(
        'path = "tokens.budget"\nlevels = [4, 16, 64]\n',
        f'paths = ["tokens.budget", "tokens.schedule"]\nreason = "one"\n[factors.budget.levels]\n{levels}\n',
    )
    prepared = MADE["make_run"](tmp_path, text, asked=60)
    found = analyze(prepared).transfer
    assert found is not None
    assert (found.trained, found.tested) == (("4", "16", "dynamic"), ("4", "16"))
    own = [[loss is None for loss in row] for row in found.losses]
    assert own == [[True, False], [False, True], [False, False]]
    rows = MADE["rows_of"](prepared)
    (expected,) = stats.paired_differences(rows, baseline="few", arms=["dynamic @ four"])
    assert found.losses[2][0].estimate == pytest.approx(expected.estimate)


def test_the_page_has_the_table_and_the_matrix_and_markdown_and_latex_too(
    study: tuple[StudyResults, pl.DataFrame], tmp_path: Path
) -> None:
    results, _ = study
    reader = READER(write_report(results, tmp_path).read_text())
    assert {"conditions", "transfer"} <= set(reader.ids)
    cells = [" ".join(row.split()) for table in reader.tables for row in table]
    row = results.conditions.row(by_predicate=(pl.col("arm") == "budget-4") & (pl.col("condition") == "four"), named=True)  # fmt: skip
    assert any(f"{100 * row['estimate']:.1f} % +{100 * row['difference']:.1f}*, +" in line for line in cells)
    assert (tmp_path / "figures" / "transfer.svg").is_file()
    assert "## Trained once, tested under other conditions" in (tmp_path / "report.md").read_text()
    assert "sixty{-}four" in (tmp_path / "tables.tex").read_text()


def test_a_study_without_conditions_has_neither(
    study: tuple[StudyResults, pl.DataFrame], tmp_path: Path
) -> None:
    results, _ = study
    plain = dataclasses.replace(results, conditions=results.conditions.clear(), transfer=None)
    page = write_report(plain, tmp_path).read_text()
    assert 'id="conditions"' not in page
    assert 'id="transfer"' not in page


def test_hostile_names_of_conditions_are_shown_as_text(
    study: tuple[StudyResults, pl.DataFrame], tmp_path: Path
) -> None:
    results, _ = study
    named = results.conditions.with_columns(
        condition=pl.col("condition").replace({"four": BAD, "sixteen": "x" * 10_000})
    )
    page = READER(write_report(dataclasses.replace(results, conditions=named), tmp_path).read_text())
    assert "script" not in page.tags
    assert "alert(1)" in page.text
    assert "x" * 10_000 in page.text
    shown = (
        MarkdownIt("commonmark", {"html": True}).enable("table").render((tmp_path / "report.md").read_text())
    )
    assert not {"script", "a"} & set(READER(shown).tags)
    assert "\\input{z}" not in (tmp_path / "tables.tex").read_text()


def test_conditions_that_ask_other_questions_have_claims_of_their_own(tmp_path: Path) -> None:
    study = (
        MADE["STUDY"].split("[conditions]")[0]
        + """
[conditions]
few = { "data.limit" = 60 }

[[claims]]
text = "64 tokens help on few questions"
arm = "budget-64 @ few"
against = "budget-16 @ few"
kind = "better"

[[claims]]
text = "Few questions are easier"
arm = "budget-64 @ few"
kind = "better"
"""
    )
    prepared = MADE["make_run"](tmp_path, study, score=chance, asked=120, fewer={"few": 60})
    results = analyze(prepared)
    own, across = results.claims
    (row,) = results.conditions.filter(condition="few", arm="budget-64").iter_rows(named=True)
    shown = [f"{100 * row[end]:+.1f}" for end in ("difference", "difference_low", "difference_high")]
    said = f"The difference is {shown[0]} points (95 % interval {shown[1]} to {shown[2]})".replace("-", "−")
    assert own.reason.startswith(said)
    assert across.verdict == "inconclusive"
    assert "different questions" in across.reason
    assert results.conditions.filter(condition="few").height == 4
