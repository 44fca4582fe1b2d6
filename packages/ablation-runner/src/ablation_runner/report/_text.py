"""Other people's text, shown as text: in HTML (where Jinja escapes), Markdown, LaTeX, figures and the terminal."""

import re
import unicodedata
from collections.abc import Sequence

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "_": r"\_",
    "%": r"\%",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    "-": "{-}",  # two in a row would become a dash
    "[": "{[}",  # after a row's end it would be an argument
    "]": "{]}",
    "*": "{*}",
    "\u00a0": "~",
    "−": "$-$",
    "×": r"$\times$",
    "–": "--",
    "…": r"\ldots{}",
    "✓": "right",
    "✗": "wrong",
    "≈": r"$\approx$",
    "→": r"$\rightarrow$",
    "⟨": r"$\langle$",
    "⟩": r"$\rangle$",
    "\u200e": "",
}
_STEERING = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
_MARKDOWN_SPECIAL = re.compile(r"[\\`*_{}\[\]#|~$^]|!(?=\[)|=(?==)")
_MARKDOWN_START = re.compile(r"^\s*(\d*)([-+.)=])(?=[\s=-]|$)")  # a list, a heading's underline
_MARKDOWN_LINKS = re.compile(r":(?=//)|(?<=www)\.|(?<=mailto):|(?<=xmpp):|@", re.IGNORECASE)


def visible(text: str) -> str:
    r"""The text on one line, with every character that a reader would not see written as its code.

    Control characters could steer a terminal or break an SVG; direction overrides could reorder the page.

    >>> visible("red\x1b[31m")
    'red⟨1B⟩[31m'
    """
    return "".join(_visible_character(character) for character in text)


def _visible_character(character: str) -> str:
    if character in "\n\r\t\u2028\u2029":
        return " "
    invisible = unicodedata.category(character) in {"Cc", "Cs"} or character in "\ufffe\uffff"
    steers = unicodedata.bidirectional(character) in _STEERING
    return f"⟨{ord(character):02X}⟩" if invisible or steers else character


def in_line(text: str) -> str:
    """The text for the middle of an English sentence: right-to-left letters do not pull along what follows them."""
    return f"{text}\u200e" if _is_right_to_left(text) else text


def _is_right_to_left(text: str) -> bool:
    return any(unicodedata.bidirectional(character) in {"R", "AL"} for character in text)


def markdown(text: str) -> str:
    """The text as Markdown that shows exactly it: no markup, no link, no HTML, no end of a table cell."""
    shown = visible(text)
    isolated = _is_right_to_left(shown)
    shown = _MARKDOWN_SPECIAL.sub(r"\\\g<0>", shown.replace("&", "&amp;"))
    shown = _MARKDOWN_START.sub(r"\1\\\2", shown)
    shown = shown.replace("<", "&lt;").replace(">", "&gt;")
    shown = _MARKDOWN_LINKS.sub(lambda match: f"&#{ord(match[0])};", shown)
    return f"\u2068{shown}\u2069" if isolated else shown


def latex(text: str) -> str:
    """The text as LaTeX that shows exactly it (T1 fonts, textcomp; XeLaTeX or LuaLaTeX for other scripts)."""
    return "".join(_LATEX.get(character, character) for character in visible(text)).replace(",,", ",{},")


def listed(parts: Sequence[str]) -> str:
    """Parts of a sentence in a row; those that are rows themselves are kept apart.

    >>> listed(["a", "b", "c"]), listed(["a and b", "c"])
    ('a, b and c', 'a and b; c')
    """
    if any(" and " in part for part in parts):
        return "; ".join(parts)
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def first(names: Sequence[str], most: int = 6) -> list[str]:
    """As many names as a sentence bears, and how many more there are.

    >>> first(["a", "b", "c"], most=2)
    ['a', 'b', '1 more']
    """
    more = [f"{len(names) - most} more"] if len(names) > most else []
    return [*names[:most], *more]


def shorten(text: str, width: int) -> str:
    """The text, cut to `width` characters with an ellipsis where it is longer."""
    shown = visible(text)
    return shown if len(shown) <= width else f"{shown[: width - 1]}…"


def short_names(names: list[str], width: int) -> dict[str, str]:
    """Every name cut to `width` characters, and numbered where two would look the same.

    >>> short_names(["a-long-name-1", "a-long-name-2", "b"], width=8)
    {'a-long-name-1': 'a-long-…', 'a-long-name-2': 'a-lo… 2', 'b': 'b'}
    """
    short: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        shown, count = shorten(name, width), 1
        while shown in taken:
            count += 1
            ending = f" {count}"
            shown = shorten(name, width - len(ending) - 1).rstrip("…") + "…" + ending
        taken.add(shown)
        short[name] = shown
    return short
