"""Studies whose later trials depend on earlier ones: tuning, greedy search, and seeds as needed, round after round.

Only validation results choose values and levels. Whether an arm gets another seed is the one thing that test results decide,
by looks whose rule was locked before the first of them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from ablation_runner.plan._arm import PlannedArm, changed, differences
from ablation_runner.plan._cells import greedy_stages
from ablation_runner.plan._resolve import resolve_arms
from ablation_runner.plan._seeds_needed import SeedsNeeded
from ablation_runner.plan._trial import Trial
from ablation_runner.plan._trials import plan_trials
from ablation_runner.study import Study

Score = tuple[float, float]  # validation accuracy, and minus the validation loss
Read = Callable[[Trial], Score | None]
Look = Callable[[tuple[PlannedArm, ...], list[Trial]], SeedsNeeded]


@dataclass(frozen=True, kw_only=True)
class Round:
    """What can be planned with the results there are.

    Attributes:
        arms: as far as they are known; with the value that tuning picked, where it has.
        tuning: trials that have to finish before the arms' own, each arm the same number; empty without tuning.
        trials: of the arms.
        is_last: no result changes the plan any more.
        needed: where seeds are added as needed, what the looks so far say; None elsewhere, and before the first.
    """

    arms: tuple[PlannedArm, ...]
    tuning: list[Trial]
    trials: list[Trial]
    is_last: bool
    needed: SeedsNeeded | None = None


def plan_round(study: Study, *, processes: int, data: str, read: Read, look: Look | None = None) -> Round:
    """Arms and trials of a study, given what has been measured on validation so far.

    Args:
        study: the study.
        processes: ranks per trial.
        data: fingerprint of the data.
        read: a trial's validation score; None where it has none yet, (-inf, -inf) where it failed.
        look: at the claims' test results, where seeds are added as needed; without it every arm has the fewest.

    Raises:
        StudyError: as `resolve_arms`.
    """
    chosen: dict[str, str] = {}
    while True:
        arms = resolve_arms(study, chosen=chosen)
        tuning = list(_tuning_trials(study, arms, processes=processes, data=data))
        tuned = all(read(trial) is not None for trial in tuning)
        if tuning and tuned:
            arms = _tuned(study, arms, tuning, read)
        trials = plan_trials(study, arms, processes=processes, data=data)
        picked = pick_level(study, arms, trials, chosen, read) if tuned else None
        if picked is None or len(chosen) == greedy_stages(study):
            is_last = tuned and len(chosen) == greedy_stages(study)
            planned = Round(arms=arms, tuning=tuning, trials=trials, is_last=is_last)
            return _with_seeds_needed(study, planned, look if tuned else None)
        chosen[picked.factor] = picked.level


def _with_seeds_needed(study: Study, planned: Round, look: Look | None) -> Round:
    """The round with the seeds that each arm needs; the same where seeds are a list."""
    rule = study.seeds_as_needed
    if rule is None:
        return planned
    needed = look(planned.arms, planned.trials) if look else None
    seeds = needed.seeds if needed else dict.fromkeys((arm.name for arm in planned.arms), rule.min)
    return replace(
        planned,
        trials=[trial for trial in planned.trials if trial.seed < seeds[trial.arm]],
        is_last=needed is not None and needed.is_over,
        needed=needed,
    )


def _tuning_trials(
    study: Study, arms: tuple[PlannedArm, ...], *, processes: int, data: str
) -> Iterator[Trial]:
    """Every arm with every value, under the first seed; trained and validated, not tested."""
    if study.tuning is None:
        return
    first = study.model_copy(update={"seeds": study.all_seeds[:1], "conditions": {}})
    for arm in arms:
        for value in study.tuning.values:
            candidate = replace(
                arm,
                name=f"{arm.name} with {study.tuning.path} {value}",
                configuration=changed(arm.configuration, {study.tuning.path: value}, where="tuning"),
            )
            (trial,) = plan_trials(first, (candidate,), processes=processes, data=data)
            yield replace(trial, name=f"tuning-{trial.name}", conditions={})


def _tuned(
    study: Study, arms: tuple[PlannedArm, ...], tuning: list[Trial], read: Read
) -> tuple[PlannedArm, ...]:
    """The arms with the value that was best for each."""
    assert study.tuning is not None
    values = study.tuning.values
    configurations = []
    for index, arm in enumerate(arms):
        own = tuning[index * len(values) : (index + 1) * len(values)]
        best = values[_best([score for trial in own if (score := read(trial)) is not None])]
        configurations.append(changed(arm.configuration, {study.tuning.path: best}, where="tuning"))
    return tuple(
        replace(arm, configuration=found, differences=differences(configurations[0], found))
        for arm, found in zip(arms, configurations, strict=True)
    )


class Pick(NamedTuple):
    """The level that a greedy search takes for a factor, and the score of every level it chose among."""

    factor: str
    level: str
    scores: dict[str, Score]


def pick_level(
    study: Study, arms: Sequence[PlannedArm], trials: Sequence[Trial], chosen: dict[str, str], read: Read
) -> Pick | None:
    """The next level that a greedy search picks; None where it is over, or its trials are not.

    Args:
        study: the study.
        arms: as far as they are known.
        trials: of the arms.
        chosen: factor to the level picked for it so far.
        read: a trial's validation score.
    """
    if len(chosen) == greedy_stages(study):
        return None
    factor = list(study.factors)[len(chosen)]
    scores = {}
    for arm in _greedy_stage(study, arms, chosen):
        found = [read(trial) for trial in trials if trial.arm == arm.name]
        if any(score is None for score in found):
            return None
        scores[arm.levels[factor]] = _mean([score for score in found if score is not None])
    return Pick(factor, list(scores)[_best(list(scores.values()))], scores)


def _greedy_stage(study: Study, arms: Sequence[PlannedArm], chosen: dict[str, str]) -> list[PlannedArm]:
    """The arms among which the next level is picked: earlier factors as chosen, later ones as in the baseline."""
    searched = list(study.factors)[len(chosen)]
    fixed = {name: chosen.get(name, level) for name, level in arms[0].levels.items() if name != searched}
    return [arm for arm in arms if arm.levels and {**arm.levels, **fixed} == arm.levels]


def _best(scores: list[Score]) -> int:
    """Index of the highest score; the first of several."""
    return scores.index(max(scores))


def _mean(scores: list[Score]) -> Score:
    accuracies, losses = zip(*scores, strict=True)
    return sum(accuracies) / len(scores), sum(losses) / len(scores)
