"""The report's files, each written beside its place and renamed."""

import re
from functools import partial
from pathlib import Path

from ablation_runner.report._page import Page
from ablation_runner.report._render import html, latex_text, markdown_text, pictures
from ablation_runner.storage.files import write_atomically

_OURS = re.compile(
    r"(question-\d(-tokens-\d)?|forest|dose-response(-\d+)?|effects|interactions|attribution|cost|transfer|accuracy-by-type|learning-curves)\.(png|svg)"
)


def write_files(page: Page, folder: Path) -> Path:
    """The path of the page, written last: what it stands beside is then complete."""
    index, report, tables = html(page), markdown_text(page), latex_text(page)
    figures = folder / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    contents = pictures(page)
    for figure in page.figures:
        contents[f"{figure.name}.svg"] = figure.wide.encode()
        contents[f"{figure.name}.png"] = figure.png
    for name, content in contents.items():
        write_atomically(figures / name, partial(_fill, content=content))
    for old in list(figures.iterdir()):
        if _OURS.fullmatch(old.name) and old.name not in contents:
            old.unlink()
    for name, text in {"tables.tex": tables, "report.md": report, "index.html": index}.items():
        write_atomically(folder / name, partial(_fill, content=text.encode()))
    return folder / "index.html"


def _fill(file: Path, *, content: bytes) -> None:
    file.write_bytes(content)
