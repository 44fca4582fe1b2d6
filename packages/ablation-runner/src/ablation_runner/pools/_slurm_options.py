"""What the jobs of a Slurm cluster are given, as it is written on the command line."""

import re
from collections.abc import Mapping, Sequence

from ablation_runner.errors import StudyError

# A job's time where none is given; what it has not finished then it goes on with when it is requeued.
_MINUTES = 60
_TIME = re.compile(r"(\d+)|(\d+):([0-5]\d):([0-5]\d)", re.ASCII)


def slurm_options(given: Sequence[str]) -> dict[str, str]:
    """Options of the jobs, by name: partition, time, gpus, cpus, memory, or any other long one of sbatch.

    Args:
        given: each as `key=value`.

    Raises:
        StudyError: one is not of that form, is there twice, or cannot be.
    """
    options: dict[str, str] = {}
    for each in given:
        key, equals, value = each.partition("=")
        if not (equals and value and re.fullmatch(r"[a-z][a-z0-9-]*", key)):
            raise StudyError(f"--cluster-option {each!r} is not of the form key=value, such as partition=gpu")
        if key in options:
            raise StudyError(f"--cluster-option {key} is there twice: {options[key]!r} and {value!r}")
        options[key] = value
    minutes(options)
    for key in ("gpus", "cpus"):
        if not re.fullmatch(r"\d+", options.get(key, "0"), re.ASCII):
            raise StudyError(f"--cluster-option {key}={options[key]}: not a number")
    return options


def minutes(options: Mapping[str, str]) -> int:
    """A job's time limit; seconds count as a minute begun."""
    found = _TIME.fullmatch(given := options.get("time", str(_MINUTES)))
    if found is None or not given.strip("0:"):
        raise StudyError(f"--cluster-option time={given}: minutes, or hours:minutes:seconds as 8:00:00")
    if found[1]:
        return int(found[1])
    return int(found[2]) * 60 + int(found[3]) + (int(found[4]) > 0)
