"""One thing that was examined."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing examined.

    Attributes:
        what: the thing.
        state: ok, note (a study runs, but mind this) or broken.
        found: what was found.
        advice: what to do about it, empty where nothing is to be done.
    """

    what: str
    state: Literal["ok", "note", "broken"]
    found: str
    advice: str = ""
