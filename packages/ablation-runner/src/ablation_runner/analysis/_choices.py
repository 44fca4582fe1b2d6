"""What a study chose on validation before its test: the value that tuning picked for each arm, the levels of a greedy search."""

from collections.abc import Iterator, Mapping
from typing import Any

from ablation_runner.plan import greedy_stages, pick_level, show_value
from ablation_runner.results import Candidacy, Choice
from ablation_runner.running.prepared import Prepared, read_scores


def choices(prepared: Prepared) -> tuple[Choice, ...]:
    """Every choice with its candidates and their validation accuracy; empty where the study makes none."""
    return (*_tuned(prepared), *_searched(prepared))


def _tuned(prepared: Prepared) -> Iterator[Choice]:
    """One choice per arm; those of an arm are consecutive trials, in the order of the values."""
    tuning = prepared.study.tuning
    if tuning is None:
        return
    for place, arm in enumerate(prepared.arms):
        own = prepared.tuning[place * len(tuning.values) : (place + 1) * len(tuning.values)]
        known = [prepared.folder.trial(trial.name).record() for trial in own]
        found = [record for record in known if record is not None]
        if not own or len(found) < len(own):
            continue
        values = [show_value(value) for value in tuning.values]
        accuracies = [_accuracy(record) for record in found]
        picked = show_value(_value(arm.configuration.model_dump(), tuning.path))
        yield Choice(
            what=tuning.path,
            of=arm.name,
            picked=picked,
            candidates=tuple(map(Candidacy, values, accuracies)),
        )


def _searched(prepared: Prepared) -> Iterator[Choice]:
    """One choice per factor of a greedy search, as far as it has gone."""
    chosen: dict[str, str] = {}
    read = read_scores(prepared.folder)
    while len(chosen) < greedy_stages(prepared.study):
        found = pick_level(prepared.study, prepared.arms, prepared.trials, chosen, read)
        if found is None:
            return
        levels = tuple(Candidacy(level, score[0]) for level, score in found.scores.items())
        yield Choice(what="level", of=found.factor, picked=found.level, candidates=levels)
        chosen[found.factor] = found.level


def _accuracy(record: Mapping[str, Any]) -> float | None:
    return record["validation_accuracy"] if record["status"] == "finished" else None


def _value(node: Any, path: str) -> Any:
    for part in path.split("."):
        node = node[part]
    return node
