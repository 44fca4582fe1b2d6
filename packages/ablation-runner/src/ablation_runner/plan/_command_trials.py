"""Trials of a command: each named by the command with its settings and seed, and the files that the study lists.

The run of the command is the trial's one stage, which trials and studies share that read its results differently.
"""

import hashlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ablation_runner.errors import StudyError
from ablation_runner.plan._arm import PlannedArm
from ablation_runner.plan._trial import CommandTrial, trial_name
from ablation_runner.storage.store import content_hash
from ablation_runner.study import AS_TRAINED, CommandStudy, OwnSettings
from ablation_runner.study._command import ARM, OUT, PROCESSES, PYTHON, SEED, Value, filled


def command_trials(
    study: CommandStudy, arms: tuple[PlannedArm, ...], *, processes: int, data: str
) -> list[CommandTrial]:
    """All trials, every arm of the first seed before the second.

    Args:
        study: the study.
        arms: its resolved arms.
        processes: ranks that the command is told to start.
        data: digest of the files that determine what the command does, as `listed_sources` gives it.
    """
    return [_trial(study, arm, seed, processes, data) for seed in study.all_seeds for arm in arms]


def command_line(trial: CommandTrial, *, out: Path) -> list[str]:
    """Program and arguments of a trial that leaves its results in the folder `out`."""
    values: dict[str, Value] = {
        OUT: str(out),
        SEED: trial.seed,
        ARM: trial.arm,
        PYTHON: sys.executable,
        PROCESSES: trial.processes,
    }
    return filled(trial.engine.command, values | trial.configuration.values())


def listed_sources(patterns: list[str], *, folder: Path) -> str:
    """A digest of all files that some patterns name.

    Args:
        patterns: paths of files, or patterns such as `trainer/**/*.py`.
        folder: that they start from, where the command will run.

    Raises:
        StudyError: a pattern that names no file.
    """
    digest = hashlib.sha256()
    for pattern in patterns:
        for path in _files(pattern, folder):
            digest.update(f"{path}\0".encode())
            digest.update((folder / path).read_bytes())
    return digest.hexdigest()[:16] if patterns else ""


def _files(pattern: str, folder: Path) -> Iterator[str]:
    if Path(pattern).is_absolute():
        found = [Path(pattern)] if Path(pattern).is_file() else []
    else:
        found = [path.relative_to(folder) for path in sorted(folder.glob(pattern)) if path.is_file()]
    if not found:
        raise StudyError(f"engine.sources: {pattern!r} names no file in {folder}")
    yield from (path.as_posix() for path in found)


def _trial(study: CommandStudy, arm: PlannedArm, seed: int, processes: int, sources: str) -> CommandTrial:
    settings = arm.configuration
    assert isinstance(settings, OwnSettings)
    trial = CommandTrial(
        name=arm.name,
        arm=arm.name,
        seed=seed,
        configuration=settings,
        engine=study.engine,
        processes=processes,
        metric=study.metric,
        conditions={AS_TRAINED: settings},
        stages=(),
    )
    # What determines the run comes first, so that another metric or pattern of results does not run it again.
    run = {
        "command": command_line(trial, out=Path("{out}")),
        "threads": study.engine.threads,
        "sources": sources or study.title,  # what names no files is no other study's
    }
    key = content_hash(run)
    read = study.engine.model_dump(include={"results", "cluster"}) | {"metric": study.metric}
    name = trial_name(arm.name, seed, content_hash({"stages": [key], **read}))
    return replace(trial, name=name, stages=(key,))
