"""The page laid out as HTML, Markdown and LaTeX by the templates beside this file."""

import re
from typing import TYPE_CHECKING

from markupsafe import Markup

from ablation_runner.report._page import Page
from ablation_runner.report._pictures import data_uri, enlarged, enlargement, png
from ablation_runner.report._tables import (
    arms_table,
    differences_table,
    grid_table,
    isolated,
    trials_table,
)
from ablation_runner.report._text import latex, markdown, visible

if TYPE_CHECKING:
    import jinja2


_NAMESPACES = re.compile(r' xmlns(:xlink)?="[^"]*"')  # needless inside HTML, and they look like addresses

_PERCENT = re.compile(r"(?<=\d) %")  # a number and its unit stay on one line


def html(page: Page) -> str:
    """One self-contained page: styles, figures and pictures inside, no script, no address of another place."""
    environment = _environment(escape=True)
    environment.filters["bare"] = lambda svg: Markup(_NAMESPACES.sub("", svg))
    environment.filters["data_uri"] = lambda image: data_uri(png(image))
    environment.filters["enlargement"] = enlargement
    for table in (arms_table, grid_table, differences_table, trials_table):
        environment.filters[table.__name__] = table
    environment.filters["t"] = isolated
    environment.filters["plain"] = lambda text: visible(str(text))
    return _PERCENT.sub("\u00a0%", environment.get_template("index.html.j2").render(page=page))


def markdown_text(page: Page) -> str:
    """The report as Markdown; its figures lie beside it."""
    environment = _environment(escape=False)
    environment.filters["t"] = lambda text: markdown(str(text))
    environment.filters["code"] = _fenced
    environment.filters["whole"] = lambda cell: cell.replace(
        " ", "\u00a0"
    )  # breaks before its bracket, not inside
    return environment.get_template("report.md.j2").render(page=page)


def latex_text(page: Page) -> str:
    """The tables as LaTeX with booktabs."""
    environment = _environment(escape=False)
    environment.filters["t"] = lambda text: latex(str(text))
    environment.filters["plain"] = lambda text: visible(str(text))
    return environment.get_template("tables.tex.j2").render(page=page)


def pictures(page: Page) -> dict[str, bytes]:
    """File names and contents of the questions' pictures, enlarged, and of where tokens went, for the Markdown."""
    found = {}
    for place, (_, image, allocations) in enumerate(page.disagreements, start=1):
        if image is not None:
            found[f"question-{place}.png"] = png(enlarged(image))
        for at, picture in enumerate(allocations.values(), start=1):
            found[f"question-{place}-tokens-{at}.png"] = png(picture)
    return found


def _fenced(text: str) -> str:
    """A block of code whose fence the text cannot close."""
    shown = "\n".join(visible(line) for line in text.splitlines())
    fence = "```"
    while fence in shown:
        fence += "`"
    return f"{fence}text\n{shown}\n{fence}"


def _environment(*, escape: bool) -> "jinja2.Environment":
    """The templates' environment; what is not HTML keeps its braces and marks its places <<so>>."""
    import jinja2

    return jinja2.Environment(
        loader=jinja2.PackageLoader("ablation_runner.report"),
        autoescape=escape,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        block_start_string="{%" if escape else "<%",
        block_end_string="%}" if escape else "%>",
        variable_start_string="{{" if escape else "<<",
        variable_end_string="}}" if escape else ">>",
        comment_start_string="{#" if escape else "<#",
        comment_end_string="#}" if escape else "#>",
    )
