"""The smallest whole number that is enough."""

from collections.abc import Callable


def smallest(enough: Callable[[int], bool], low: int, high: int) -> int | None:
    """The smallest n in low..high that is `enough`, by doubling and bisection; None where not even `high` is.

    Args:
        enough: False up to some n and True from there on.
        low: first candidate.
        high: last candidate.

    >>> smallest(lambda n: n * n >= 50, 1, 100)
    8
    """
    if low > high or not enough(high):
        return None
    step = 1
    while low + step < high and not enough(low + step):
        low, step = low + step + 1, 2 * step
    high = min(high, low + step)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low
