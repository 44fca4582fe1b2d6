"""Where the names of points stand in a scatter plot, so that none covers another or a point."""

from collections.abc import Sequence
from typing import NamedTuple

_LETTER, _LINE, _GAP = 6.3, 14.0, 9.0  # pixels of a letter, a line, and from the point to its name


class Box(NamedTuple):
    """A rectangle in pixels; y grows downwards."""

    left: float
    top: float
    right: float
    bottom: float


class Place(NamedTuple):
    """Shift of a name from its point, in pixels, and the side of it that is anchored there."""

    dx: float
    dy: float
    align: str


_PLACES = (
    Place(_GAP, 0, "left"),
    Place(-_GAP, 0, "right"),
    Place(0, -_GAP - 4, "center"),
    Place(0, _GAP + 5, "center"),
    Place(_GAP, -_GAP - 4, "left"),
    Place(_GAP, _GAP + 5, "left"),
    Place(-_GAP, -_GAP - 4, "right"),
    Place(-_GAP, _GAP + 5, "right"),
    Place(_GAP, _GAP + 12, "left"),
    Place(-_GAP, _GAP + 12, "right"),
)  # fmt: skip


def place_labels(
    points: Sequence[tuple[float, float]],
    names: Sequence[str],
    *,
    width: float,
    height: float,
    obstacles: Sequence[Box] = (),
) -> list[Place | None]:
    """Where each name goes, the first points first; None where it would cover something.

    Args:
        points: x and y of each point, pixels from the upper left corner.
        names: as they will be written.
        width: of the plotting area, pixels.
        height: likewise.
        obstacles: what else no name may cover, such as lines.

    >>> [place.align for place in place_labels([(10, 50), (95, 50)], ["a", "b"], width=100, height=100)]
    ['left', 'right']
    """
    taken = [Box(x - 6, y - 6, x + 6, y + 6) for x, y in points]
    lines = list(obstacles)
    found: list[Place | None] = []
    for at, ((x, y), name) in enumerate(zip(points, names, strict=True)):
        others = taken[:at] + taken[at + 1 :] + lines
        fitting = (place for place in _PLACES if _fits(_box(x, y, name, place), others, width, height))
        chosen = next(fitting, None)
        found.append(chosen)
        if chosen:
            taken.append(_box(x, y, name, chosen))
    return found


def _box(x: float, y: float, name: str, place: Place) -> Box:
    length = _LETTER * len(name)
    start = {"left": 0.0, "right": -length, "center": -length / 2}[place.align]
    left, middle = x + place.dx + start, y + place.dy
    return Box(left, middle - _LINE / 2, left + length, middle + _LINE / 2)


def _fits(box: Box, others: Sequence[Box], width: float, height: float) -> bool:
    if box.left < 0 or box.right > width or box.top < 0 or box.bottom > height:
        return False
    return not any(
        box.left < other.right
        and other.left < box.right
        and box.top < other.bottom
        and other.top < box.bottom
        for other in others
    )
