"""The pages of the built-in studies: what the tool makes of a report, and the pages about all studies."""

import importlib
import json
import re
import sys
from pathlib import Path

import pytest

from ablation_runner.ledger import judge_ledger, load_ledger
from ablation_runner.running.prepared import prepare
from ablation_runner.study import built_in_studies

ROOT = Path(__file__).parent.parent
REPORT = """# Title

Why?

**Answer.**

## Recommendation

Take it.

## Claims

- **refuted**: one

    a against b.

- **supported**: two

- **refuted**: three

## Arms

![Forest](figures/forest.svg)

## How to read this

Read.

- **arm**: one

## Reproduce

run
"""


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch):
    """Imports a module of tools/."""
    monkeypatch.syspath_prepend(ROOT)
    yield lambda name: importlib.import_module(f"tools.{name}")
    for name in [name for name in sys.modules if name.partition(".")[0] == "tools"]:
        del sys.modules[name]


def test_a_page_does_not_say_where_its_runs_lay(tool, tmp_path) -> None:
    study = prepare("fusion-method", runs=tmp_path)
    page = tool("_study_page").study_page(study, REPORT.replace("\nrun\n", f"\n{study.command}\n"))
    assert page.endswith("## Reproduce\n\nablate run fusion-method\n")
    assert str(tmp_path) not in page


def test_a_page_has_the_verdicts_first_then_how_to_run_then_the_rest_of_the_report(tool, tmp_path) -> None:
    page = tool("_study_page").study_page(prepare("fusion-method", runs=tmp_path), REPORT)
    parts = ["# Title", "**Answer.**", "## Claims", "Take it.", "## How to run it", "## Arms", "## Reproduce"]
    places = [page.index(part) for part in parts]
    assert places == sorted(places)
    assert "ablate run fusion-method --scale gpu\n" in page
    assert "connectors with fresh weights" in page  # what stands for what at gpu scale
    assert "](fusion-method/forest.svg)" in page


def test_what_is_the_same_on_every_page_unfolds(tool, tmp_path) -> None:
    page = tool("_study_page").study_page(prepare("fusion-method", runs=tmp_path), REPORT)
    folded = page.partition('??? note "How to read this"\n')[2].partition("\n## ")[0]
    assert folded.strip().splitlines() == ["Read.", "", "    - **arm**: one"]


def test_the_list_names_every_built_in_study_and_counts_the_verdicts_of_its_page(tool, tmp_path) -> None:
    (tmp_path / "fusion-method.md").write_text(REPORT)
    page = tool("_study_index").index_page(tmp_path)
    assert "| [fusion-method](fusion-method.md) |" in page
    assert "2 refuted, 1 supported |" in page
    assert page.count("| not measured yet |") == len(built_in_studies()) - 1


def test_a_study_without_a_theme_is_refused(tool, tmp_path, monkeypatch) -> None:
    index = tool("_study_index")
    monkeypatch.setitem(index.THEMES, "Compression", ("compression-method",))
    with pytest.raises(ValueError, match="compression-limits"):
        index.index_page(tmp_path)


def test_the_page_of_the_claims_says_what_the_page_of_their_study_was_made_of(tool, tmp_path) -> None:
    claims = tool("_claims_page")
    lines = claims.study_claims(judge_ledger(load_ledger(), tmp_path), "fusion-method")
    assert {line["verdict"] for line in lines} == {"not run"}
    answer = {
        "measured": "+1.3 (−4.4 to +7.0) cpu, 3 seeds",
        "verdict": "inconclusive",
        "reason": "nothing is shown",
    }
    (tmp_path / "fusion-method").mkdir()
    (tmp_path / "fusion-method" / claims.FILE).write_text(json.dumps([lines[0] | answer, *lines[1:]]))
    page = claims.claims_page(tmp_path)
    row = next(row for row in page.splitlines() if answer["measured"] in row)
    assert row.endswith("**inconclusive**: nothing is shown |")
    total, *parts = re.findall(r"\d+", page.partition("**")[2].partition("**")[0])
    assert sum(map(int, parts)) == int(total) == len(load_ledger().claims)


def test_the_pages_about_all_studies_are_made_of_the_pages_that_lie_there(tool) -> None:
    for path, text in tool("study_pages").lists():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: nox -s study-pages -- lists"


def test_a_drawing_follows_the_readers_dark_and_keeps_its_size(tool) -> None:
    drawing = '<svg width="4" height="2"><rect fill="#ffffff"/></svg>'
    changed = tool("_study_page").follows_dark(drawing)
    assert changed.startswith('<svg width="4" height="2"><style>@media (prefers-color-scheme: dark)')
    assert changed.endswith('<rect fill="#ffffff"/></svg>')
