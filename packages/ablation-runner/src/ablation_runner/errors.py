"""The one exception a user sees: a line that says what was wrong, where, and what would be right."""

from collections.abc import Iterable
from difflib import get_close_matches


class StudyError(ValueError):
    r"""A study, an argument or a run folder that cannot be used as it is.

    >>> print(StudyError("no arm 'a" + chr(10) + "b'"))
    no arm 'a\nb'
    """

    def __init__(self, message: str) -> None:
        """Keeps the message to one line, whatever names and values it quotes."""
        super().__init__("".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in message))


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of an error about an unknown name: the nearest valid one, or all where none is near.

    >>> nearest("conector", ["connector", "language_model"])
    "did you mean 'connector'?"
    """
    names = sorted(known)
    close = get_close_matches(name, names, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(names)}"
