"""With how many processes trials were trained, where they differ in it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any


def differing_processes(records: Iterable[Mapping[str, Any] | None]) -> dict[str, str]:
    """A line of the report's environment; empty where all trials had the same number of processes throughout.

    >>> differing_processes([{"processes": [2]}, {"processes": [2]}, {"processes": [2, 1]}])
    {'processes per trial': '2 (2 trials), 2 then 1 (1 trial)'}
    >>> differing_processes([{"processes": [2]}, None])
    {}
    """
    counts = Counter(tuple(record["processes"]) for record in records if record and record.get("processes"))
    if len(counts) < 2:
        return {}
    lines = [
        f"{' then '.join(map(str, used))} ({count} trial{'s' if count > 1 else ''})"
        for used, count in counts.most_common()
    ]
    return {"processes per trial": ", ".join(lines)}
