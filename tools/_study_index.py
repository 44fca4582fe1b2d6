"""The list of the built-in studies, by what they ask about, with what was measured of each."""

import re
from collections import Counter
from pathlib import Path

from ablation_runner.study import built_in_studies, load_study

THEMES = {
    "Vision encoder": (
        "encoder-trainability",
        "encoder-architecture",
        "encoder-resolution",
        "encoder-mixture",
    ),
    "Visual tokens": ("token-saturation", "token-budget-transfer", "token-proportions"),
    "Compression": ("compression-method", "compression-limits"),
    "Fusion": ("fusion-method", "fusion-stage", "q-former-queries", "q-former-depth"),
    "Training objectives and data": ("objective-combination", "objective-weights", "data-scale"),
    "Architecture": ("component-removal", "language-model-size"),
    "Relevance": (
        "ways-of-knowing",
        "opponent-processing",
        "dynamic-allocation",
        "texture-array",
        "training-regime",
    ),
    "The method itself": ("a-a", "planted-truth"),
}
_HEAD = """# The built-in studies, as measured

Each study is one file with one question, and runs with one command: `ablate run NAME`. What is measured here ran at its cpu
scale, with small models that stand for large ones; [what small-scale results say](../small-scale.md) tells what carries over,
and [how to read a verdict](../verdicts.md) what the words mean. Results stand as they came out, whatever they say.
"""


def index_page(pages: Path) -> str:
    """The page.

    Args:
        pages: folder of the studies' pages; a study without one is listed as not measured yet.

    Raises:
        ValueError: a built-in study has no theme, or a theme names another.
    """
    named, known = [name for names in THEMES.values() for name in names], set(built_in_studies())
    if sorted(named) != sorted(known):
        raise ValueError(f"THEMES must name every built-in study once; differing: {sorted({*named} ^ known)}")
    return "\n".join(
        [_HEAD, *(line for theme, names in THEMES.items() for line in _table(theme, names, pages))]
    )


def _table(theme: str, names: tuple[str, ...], pages: Path) -> list[str]:
    rows = ["| study | question | claims |", "|:--|:--|:--|", *(_row(name, pages) for name in names)]
    return [f"## {theme}", "", *rows, ""]


def _row(name: str, pages: Path) -> str:
    study, page = load_study(built_in_studies()[name]), pages / f"{name}.md"
    if not page.is_file():
        return f"| {name} | {study.question} | not measured yet |"
    return f"| [{name}]({name}.md) | {study.question} | {_verdicts(page.read_text(encoding='utf-8'))} |"


def _verdicts(page: str) -> str:
    """How many claims came out how, the most frequent first."""
    claims = page.partition("\n## Claims\n")[2].partition("\n## ")[0]
    counted = Counter(re.findall(r"^- \*\*(.+?)\*\*", claims, flags=re.MULTILINE))
    return ", ".join(f"{count} {verdict}" for verdict, count in counted.most_common()) or "none"
