"""The documents say what is true: examples run, studies resolve, packages exist, links lead somewhere."""

import re
import sys
import tomllib
from pathlib import Path
from runpy import run_path

import pytest

from ablation_runner.plan import resolve_arms
from ablation_runner.study import load_study

ROOT = Path(__file__).parent.parent
PACKAGES = sorted((ROOT / "packages").iterdir())
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *(package / "README.md" for package in PACKAGES),
]
NAMES = {page: str(page.relative_to(ROOT)) for page in PAGES}
# A fence with a title is a file that later examples of the page import.
PYTHON = re.compile(r'```python(?: title="([^"]+)")?\n(.*?)```', re.DOTALL)
TOML = re.compile(r"^```toml\n(.*?)^```", re.DOTALL | re.MULTILINE)


def pages_with(fence: re.Pattern[str], pages: list[Path]) -> list[Path]:
    return [page for page in pages if fence.search(page.read_text(encoding="utf-8"))]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """An empty folder to work in, from which modules are imported, and forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.split(".")[0] == "my_parts":
            del sys.modules[name]


def write_files(page: Path, folder: Path) -> list[str]:
    """Writes the page's titled fences as files; gives the code of the others."""
    examples = []
    for title, code in PYTHON.findall(page.read_text(encoding="utf-8")):
        if title:
            (folder / title).parent.mkdir(exist_ok=True)
            (folder / title).write_text(code, encoding="utf-8")
        else:
            examples.append(code)
    return examples


@pytest.mark.parametrize(
    "page", pages_with(PYTHON, [page for page in PAGES if "docs" in page.parts]), ids=NAMES.get
)
def test_examples_of_a_page_run_in_turn_and_print_what_they_say(
    page: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, object] = {}
    for number, code in enumerate(write_files(page, folder)):
        example = folder / f"example_{number}.py"
        example.write_text(code, encoding="utf-8")
        names = run_path(str(example), init_globals=names)
        printed = capsys.readouterr().out
        said = re.findall(r"^print\(.*\)  # (.+)$", code, re.MULTILINE)
        assert [line for line in said if line not in printed] == []


@pytest.mark.parametrize("page", pages_with(TOML, PAGES), ids=NAMES.get)
def test_a_study_in_a_document_is_a_valid_study_at_every_scale(page: Path, folder: Path) -> None:
    write_files(page, folder)
    for text in TOML.findall(page.read_text(encoding="utf-8")):
        (folder / "study.toml").write_text(text, encoding="utf-8")
        for scale in (None, *tomllib.loads(text).get("scales", ())):
            assert len(resolve_arms(load_study(folder / "study.toml", scale=scale))) >= 3


@pytest.mark.parametrize("page", PAGES, ids=NAMES.get)
def test_relative_links_lead_to_files(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_a_package_is_complete(package: Path) -> None:
    project = tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["name"] == package.name
    assert (package / "src" / package.name.replace("-", "_") / "py.typed").is_file()
    assert "```python\n" in (package / "README.md").read_text(encoding="utf-8")
    assert (package / "LICENSE").read_text(encoding="utf-8").strip().startswith("Apache License")
