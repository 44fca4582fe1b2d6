"""The audit in the report: what it finds in a study, in plain words, and nothing else."""

import dataclasses
import runpy
import shutil
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from ablation_runner.analysis import analyze
from ablation_runner.report import write_report
from ablation_runner.report._audit import audit_groups
from ablation_runner.results import StudyResults
from ablation_stats import Finding

HERE = Path(__file__)
MADE = runpy.run_path(str(HERE.with_name("test_report_made_run.py")))
EXAMPLE = runpy.run_path(str(HERE.with_name("test_report_example.py")))
BAD = runpy.run_path(str(HERE.with_name("test_report_hostile.py")))["BAD"]
READER = runpy.run_path(str(HERE.with_name("test_report.py")))["Reader"]
RIGHT = {"budget-4": 0.7, "budget-16": 0.72, "budget-64": 0.74, "blind": 0.3}


def findings(study: StudyResults, check: str) -> list[str]:
    return [finding.text for finding in study.audit if finding.check == check]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> StudyResults:
    prepared = MADE["make_run"](
        tmp_path_factory.mktemp("made"), score=lambda arm, condition, seed: RIGHT[arm], asked=300
    )
    found: StudyResults = analyze(prepared)
    return found


def test_what_follows_from_the_factor_is_named(study: StudyResults) -> None:
    said = findings(study, "confound")
    assert any(
        "visual tokens, in 2 of 3 arms: budget-4 (−75\u00a0%), budget-64 (+300\u00a0%)." in text
        for text in said
    )
    assert not any("parameters" in text for text in said)  # all arms have the same


def test_a_missing_arm_is_a_serious_finding(tmp_path: Path) -> None:
    prepared = MADE["make_run"](tmp_path, score=lambda arm, condition, seed: RIGHT[arm])
    shutil.rmtree(prepared.folder.trial(next(t.name for t in prepared.trials if t.arm == "budget-64")).path)
    found = analyze(prepared)
    assert any("budget-64 lacks seeds" in text for text in findings(found, "selective reporting"))
    assert found.audit[0].severity == "error"


def test_a_blind_control_that_keeps_up_is_a_serious_finding(tmp_path: Path) -> None:
    found = analyze(MADE["make_run"](tmp_path, score=lambda *_: 0.7))
    (said,) = findings(found, "assay sensitivity")
    assert "The control blind is not told apart from budget-16" in said


def test_tested_conditions_are_not_audited_as_arms(study: StudyResults) -> None:
    assert not any(" @ " in finding.text for finding in study.audit)


def test_a_study_without_tuning_says_so(study: StudyResults) -> None:
    assert findings(study, "tuning")


def test_findings_are_grouped_and_the_rest_unfolds() -> None:
    many = [Finding(check="confound", severity="warning", subject="a", text=str(place)) for place in range(9)]
    (group,) = audit_groups(many)
    assert (len(group.shown), len(group.more)) == (4, 5)
    assert group.severity == "caution"


def test_hostile_text_in_findings_is_shown_as_text(tmp_path: Path) -> None:
    found = tuple(
        Finding(check="seeds", severity="error", subject="a", text=BAD + "x" * 10_000) for _ in range(6)
    )
    page = READER(
        write_report(dataclasses.replace(EXAMPLE["study_results"](), audit=found), tmp_path).read_text()
    )
    assert "script" not in page.tags
    assert page.text.count("x" * 10_000) == 6
    shown = MarkdownIt("commonmark", {"html": True}).render((tmp_path / "report.md").read_text())
    assert not {"script", "a"} & set(READER(shown).tags)


def test_a_clean_study_says_that_nothing_was_found(tmp_path: Path) -> None:
    page = READER(write_report(EXAMPLE["study_results"](), tmp_path).read_text())
    assert "Nothing was found that speaks against the study." in page.text
