"""When a cost counts as lower than another one."""

# The share by which a measured cost has to be lower: times vary by as much from run to run.
_SPREAD = {"train_seconds": 0.1}


def is_lower(cost: float, than: float, *, kind: str) -> bool:
    """Whether a cost is lower than another one, by more than it varies.

    Args:
        cost: of one arm.
        than: of another one.
        kind: of both, one of `COSTS`.

    >>> is_lower(95, 100, kind="macs"), is_lower(95, 100, kind="train_seconds")
    (True, False)
    """
    return cost < than * (1 - _SPREAD.get(kind, 0.0))
