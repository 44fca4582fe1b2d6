"""What a study chose on validation, before anything was tested."""

from dataclasses import dataclass
from typing import NamedTuple


class Candidacy(NamedTuple):
    """A candidate and its accuracy on validation, 0..1; None where its trial failed."""

    value: str
    accuracy: float | None


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One choice among candidates.

    Attributes:
        what: is chosen: a path of the configuration, or "level".
        of: the arm it is chosen for, or the factor.
        picked: one of the candidates' values.
        candidates: in the study's order.
    """

    what: str
    of: str
    picked: str
    candidates: tuple[Candidacy, ...]
