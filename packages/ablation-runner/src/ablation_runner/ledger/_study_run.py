"""A study's finished trials, as the ledger reads them: from the folder of the run, as it was run."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

import ablation_stats as stats
from ablation_runner.analysis._cubes import Tested, read_tested
from ablation_runner.cleaning.garbage import read_known_plan
from ablation_runner.errors import StudyError
from ablation_runner.ledger._folders import SCALES, run_folder
from ablation_runner.plan import Trial, tested_name
from ablation_runner.storage.records import Record
from ablation_runner.storage.store import RunFolder
from ablation_runner.study import AS_TRAINED, find_study, load_study

# What decides a study's results; titles and claims may change.
_DECIDES = (
    "metric", "seeds", "baseline", "factors", "design", "match", "tuning", "arms", "conditions", "engine",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class StudyRun:
    """What there is of a study at one scale.

    Attributes:
        scale: "cpu" or "gpu".
        tested: scores of the seeds that every arm with a result has finished; an arm under another condition than it
            was trained for is named "ARM @ CONDITION".
        records: arm to seed to the trial's record, of all finished trials.
        not_converged: arms whose validation loss was still falling, averaged over seeds.
        planned: all arms, each as trained and under every other condition; trials: how many; finished: with a result.
        changed: keys of the study file that were not as they are built in, such as by `--set`.
    """

    scale: str
    tested: Tested
    records: Mapping[str, Mapping[int, Record]]
    not_converged: frozenset[str]
    planned: frozenset[str]
    trials: int
    finished: int
    changed: tuple[str, ...]


def read_study_run(runs: Path, study: str) -> StudyRun | None:
    """A study's results at the first of the scales that has any, gpu before cpu; None where none has.

    Raises:
        StudyError: a file of a finished trial cannot be read.
    """
    for scale in SCALES:
        folder = run_folder(runs, study, scale)
        plan = read_known_plan(folder)
        if plan is None and folder.plan_file.is_file():
            raise StudyError(f"{folder.plan_file}: cannot be read; run the study again")
        records = {trial.name: folder.trial(trial.name).record() for trial in plan or ()}
        finished = [trial for trial in plan or () if _is_result(trial, records[trial.name])]
        if plan and finished:
            changed = _changed(folder, study, scale)
            return _study_run(folder, scale, plan, finished, records, changed)
    return None


def _is_result(trial: Trial, record: Record | None) -> bool:
    return bool(trial.conditions) and record is not None and record["status"] == "finished"


def _study_run(
    folder: RunFolder,
    scale: str,
    plan: list[Trial],
    finished: list[Trial],
    records: Mapping[str, Record | None],
    changed: tuple[str, ...],
) -> StudyRun:
    by_arm: dict[str, dict[int, Record]] = {}
    for trial in finished:
        if record := records[trial.name]:
            by_arm.setdefault(trial.arm, {})[trial.seed] = record
    try:
        tested = read_tested(
            folder, finished, [name for name in finished[0].conditions if name != AS_TRAINED]
        )
        curves = pl.concat(pl.read_parquet(folder.trial(trial.name).curve_file) for trial in finished)
        falling = frozenset(stats.not_converged(curves))
    except (OSError, pl.exceptions.PolarsError) as error:
        raise StudyError(
            f"{folder.path}: the files of a finished trial cannot be read; run the study again"
        ) from error
    return StudyRun(
        scale=scale,
        tested=tested,
        records=by_arm,
        not_converged=falling,
        planned=frozenset(tested_name(trial.arm, name) for trial in plan for name in trial.conditions),
        trials=sum(bool(trial.conditions) for trial in plan),
        finished=len(finished),
        changed=changed,
    )


def _changed(folder: RunFolder, name: str, scale: str) -> tuple[str, ...]:
    """Keys that decide results and are not those of the built-in study at this scale."""
    if not folder.study_file.is_file():
        return ()
    try:
        ran = load_study(folder.study_file)
    except StudyError:  # of another version of the software
        return ("study file",)
    try:
        built_in = load_study(find_study(name), scale=scale)
    except StudyError:  # it has no such scale
        return ("scale",)
    return tuple(key for key in _DECIDES if getattr(ran, key) != getattr(built_in, key))
