"""What workers tell the command that started them: one marked line of JSON per event on standard output."""

import json
import sys
from typing import Any

_MARK = "@ablate "


def emit(event: str, **fields: Any) -> None:
    """Tells the starting command; it names the event and carries plain values."""
    sys.stdout.write(f"{_MARK}{json.dumps({'event': event, **fields})}\n")
    sys.stdout.flush()


def parse_event(line: str) -> dict[str, Any] | None:
    """The event of a line, None where the line is something that a library printed.

    >>> parse_event('@ablate {"event": "step", "step": 3}')
    {'event': 'step', 'step': 3}
    """
    if not line.startswith(_MARK):
        return None
    try:
        event = json.loads(line.removeprefix(_MARK))
    except ValueError:  # two processes wrote at once, or one was killed within the line
        return None
    return event if isinstance(event, dict) else None
