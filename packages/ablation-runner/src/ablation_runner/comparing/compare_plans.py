"""How the trials of two runs were made differently."""

from collections.abc import Iterator, Sequence

from ablation_runner.cleaning.garbage import read_known_plan
from ablation_runner.errors import StudyError
from ablation_runner.plan import Difference, Trial
from ablation_runner.plan._arm import differences
from ablation_runner.running.pipeline import is_finished
from ablation_runner.storage.store import RunFolder


def read_finished_plan(run: RunFolder) -> list[Trial]:
    """The trials of a run that are finished and tested.

    Raises:
        StudyError: the folder is no run, or has no such trial.
    """
    plan = read_known_plan(run)
    if plan is None:
        raise StudyError(f"{run.path}: no run of a study ({run.plan_file.name} is missing or broken)")
    finished = [trial for trial in plan if trial.conditions and is_finished(run, trial)]
    if not finished:
        raise StudyError(f"{run.path}: no trial has finished")
    return finished


def configuration_changes(first: Sequence[Trial], second: Sequence[Trial]) -> Iterator[str]:
    """Every setting that differs between trials of the same arm; what differs in all arms is said once.

    Args:
        first: trials of the first run.
        second: trials of the second run.
    """
    before, after = ({trial.arm: trial for trial in plan} for plan in (first, second))
    both = [arm for arm in before if arm in after]
    changes = {arm: _changes(before[arm], after[arm]) for arm in both}
    everywhere = (
        [change for change in changes[both[0]] if all(change in each for each in changes.values())]
        if both
        else []
    )
    yield from (f"all arms: {change}" for change in everywhere)
    yield from (f"{arm}: {change}" for arm in both for change in changes[arm] if change not in everywhere)


def _changes(before: Trial, after: Trial) -> list[str]:
    found = [str(each) for each in differences(before.configuration, after.configuration)]
    settings = [
        {f"engine.{key}": value for key, value in trial.engine.model_dump().items()}
        | {"metric": trial.metric}
        for trial in (before, after)
    ]
    found += [
        str(Difference(path=key, baseline=settings[0][key], value=settings[1][key]))
        for key in settings[0]
        if settings[0][key] != settings[1][key]
    ]
    if before.stages != after.stages and not found:
        found.append("code or data: trials were computed by other sources or from other data")
    return found
