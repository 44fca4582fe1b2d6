"""Hostfiles as DeepSpeed's launcher reads them: a line `NAME slots=RANKS` for each machine."""

import re
from dataclasses import dataclass
from pathlib import Path

from ablation_runner.errors import StudyError

_LINE = re.compile(r"(?P<name>[\w.:-]+)\s+slots=(?P<slots>[1-9]\d*)\s*(#.*)?", re.ASCII)


@dataclass(frozen=True)
class Host:
    """A machine, and how many ranks of a trial it takes."""

    name: str
    slots: int


def read_hostfile(path: Path) -> tuple[Host, ...]:
    """The hosts of a file; empty lines and those that begin with # are left out.

    Raises:
        StudyError: it cannot be read, names a host twice, or a line is not `NAME slots=RANKS`.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(
            f"hostfile {path}: {getattr(error, 'strerror', None) or 'not a text file'}"
        ) from error
    hosts: dict[str, Host] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _LINE.fullmatch(line.strip())
        if found is None:
            raise StudyError(
                f"hostfile {path}, line {number}: {line.strip()!r} is not of the form 'NAME slots=RANKS'"
            )
        if found["name"] in hosts:
            raise StudyError(
                f"hostfile {path}, line {number}: {found['name']} is there already; add its slots up"
            )
        hosts[found["name"]] = Host(found["name"], int(found["slots"]))
    if not hosts:
        raise StudyError(f"hostfile {path} names no host; give each a line 'NAME slots=RANKS'")
    return tuple(hosts.values())
