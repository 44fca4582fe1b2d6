"""Sentences that stand in a report only where they are true of its study."""

import dataclasses
import re
import runpy
from pathlib import Path

import pytest
from PIL import Image

from ablation_runner.report import write_report
from ablation_runner.report._disagreements import disagreements
from ablation_runner.results import StudyResults

study_results = runpy.run_path(str(Path(__file__).with_name("test_report_example.py")))["study_results"]


@pytest.fixture(scope="module")
def results() -> StudyResults:
    return study_results()


def both(results: StudyResults, folder: Path) -> list[str]:
    """The page's text without its tags, and the Markdown without its escapes."""
    page = re.sub(r"<[^>]+>", "", write_report(results, folder).read_text())
    return [page, (folder / "report.md").read_text().replace("\\", "")]


def test_a_report_without_pictures_of_tokens_does_not_explain_them(results, tmp_path) -> None:
    none = dataclasses.replace(results, allocations={"q1": {}, "q2": {}})
    assert not any("one token" in text for text in both(none, tmp_path))


def test_markdown_names_each_picture_of_tokens_once_under_its_arm(results, tmp_path) -> None:
    item = disagreements(results)[0].item
    drawn = {arm.name: Image.new("RGB", (8, 8)) for arm in results.arms[:4]}
    text = both(dataclasses.replace(results, allocations={item: drawn}), tmp_path)[1]
    named = re.findall(r"question-1-tokens-\d\.png", text)
    assert named == [f"question-1-tokens-{place}.png" for place in (1, 2, 3, 4)]
    heads = [line for line in text.splitlines() if line.startswith("| Tokens of")]
    assert [head.count("Tokens of") for head in heads] == [3, 1]


def test_that_all_claims_were_fixed_before_the_results_is_said_once(results, tmp_path) -> None:
    locked = tuple(dataclasses.replace(claim, locked=True) for claim in results.claims)
    for text in both(dataclasses.replace(results, claims=locked), tmp_path):
        assert text.count("written down before the first result") == 1
        assert "fixed before the first result" not in text
    for text in both(results, tmp_path):
        assert "written down before the first result" not in text
        assert text.count("fixed before the first result") == sum(claim.locked for claim in results.claims)


def test_sizes_from_the_literature_are_explained_where_claims_name_them(results, tmp_path) -> None:
    first, *others = results.claims
    named = dataclasses.replace(first, text="It helps (literature: 1.2 points).")
    said = "how large the difference is in publications"
    assert not any(said in text for text in both(results, tmp_path))
    assert all(said in text for text in both(dataclasses.replace(results, claims=(named, *others)), tmp_path))


def test_a_number_and_its_percent_sign_stay_on_one_line(results, tmp_path) -> None:
    page = write_report(results, tmp_path).read_text()
    assert "95\u00a0% interval" in page
    assert re.findall(r"\d\s?%", page).count("5 %") == 0


def test_a_control_that_is_not_made_of_other_images_is_not_said_to_be_about_seeing(results, tmp_path) -> None:
    *arms, blind = results.arms
    own = dataclasses.replace(blind, differs=("judged_by: judge → naive",))
    for text in both(dataclasses.replace(results, arms=(*arms, own)), tmp_path):
        assert "below the baseline: this study can tell a worse arm apart." in text
        assert "measure seeing" not in text
    assert all("the score does measure seeing." in text for text in both(results, tmp_path))


def test_an_arm_called_baseline_is_not_called_so_twice(results, tmp_path) -> None:
    renamed = study_results(names=("baseline", "b", "c", "d", "e", "blind"))
    page, text = both(renamed, tmp_path)
    assert "baseline (baseline)" not in text
    assert "baseline baseline" not in " ".join(page.split())
    assert f"{results.arms[0].name} (baseline)" in both(results, tmp_path)[1]


def test_an_interval_in_a_cell_of_markdown_is_not_broken(results, tmp_path) -> None:
    text = both(results, tmp_path)[1]
    assert "88.9\u00a0% (87.8\u00a0to\u00a090.0)" in text


def test_the_table_of_question_types_unfolds_below_its_figure(results, tmp_path) -> None:
    page = write_report(results, tmp_path).read_text()
    (folded,) = re.findall(r'<section id="accuracy-by-type">.*?</section>', page, re.DOTALL)
    assert re.search(r"</figure>.*<details>.*<table.*</table>.*</details>", folded, re.DOTALL)
