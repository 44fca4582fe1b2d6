"""The plan of a study as plain values: what runs, what it will cost, what it can decide, what is there already."""

import shlex
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from ablation_runner.errors import StudyError
from ablation_runner.outlook.decidable import decidable_claims
from ablation_runner.outlook.memory import saved_activations, testing_memory, trial_memory
from ablation_runner.outlook.reuse import find_reuse
from ablation_runner.outlook.stored_size import stored_bytes
from ablation_runner.plan import CommandTrial, PlannedArm, TrainedTrial, Trial, command_line, most_seeds
from ablation_runner.resources import default_workers
from ablation_runner.running.looks import may_add_seeds
from ablation_runner.running.pipeline import is_finished
from ablation_runner.running.prepared import Prepared
from ablation_runner.study import Checkpoint, TrainedStudy

Described = dict[str, Any]


def describe_plan(prepared: Prepared, *, workers: int | None = None) -> Described:
    """Arms, seeds, differences, expected cost, claims and reuse; builds every model once, trains none.

    `seconds` are those of the trials that are planned by now; `most`, where seeds are added as needed, is what it comes to
    if no claim is decided before the last look.

    Args:
        prepared: the study.
        workers: trials at a time; as many as the cores allow if None.
    """
    study = prepared.study
    left = [trial for trial in prepared.trials if not is_finished(prepared.folder, trial)]
    costs = _costs(prepared)
    arms = {arm.name: _described_arm(arm, prepared) | costs.get(arm.name, {}) for arm in prepared.arms}
    return {
        "name": prepared.name,
        "question": study.question,
        "metric": study.metric,
        "claims": len(study.claims),
        "seeds": study.all_seeds,
        "seeds_as_needed": study.seeds_as_needed.model_dump() if study.seeds_as_needed else None,
        "steps": _steps(prepared),
        "command": prepared.command,
        "arms": list(arms.values()),
        "trials": [
            {"trial": trial.name, "arm": trial.arm, "seed": trial.seed, "finished": trial not in left}
            for trial in prepared.trials
        ],
        "at_once": workers or default_workers(prepared.trials[0].processes, study.engine.threads, len(left)),
        "seconds": _seconds(prepared, left, arms),
        "most": _most(prepared, left, arms),
        "decidable": [asdict(claim) for claim in decidable_claims(prepared)],
        "reuse": asdict(find_reuse(prepared)),
    }


def _most(prepared: Prepared, left: Sequence[Trial], arms: dict[str, Described]) -> Described:
    """Trials, and seconds that are left, if no claim is decided before the last look."""
    study, needed = prepared.study, prepared.needed
    most = most_seeds(study, prepared.arms, needed, is_open=partial(may_add_seeds, study, needed))
    planned = Counter(trial.arm for trial in prepared.trials)
    one_each = {trial.arm: trial for trial in prepared.trials}
    added = [one_each[name] for name, seeds in most.items() for _ in range(seeds - planned[name])]
    return {
        "trials": len(prepared.trials) + len(added),
        "seconds": _seconds(prepared, [*left, *added], arms),
    }


def _described_arm(arm: PlannedArm, prepared: Prepared) -> Described:
    first = next(trial for trial in prepared.trials if trial.arm == arm.name)
    described: Described = {
        "name": arm.name,
        "role": "baseline" if arm.is_baseline else "blind control" if arm.is_blind else "",
        "differences": [str(difference) for difference in arm.differences],
    }
    if isinstance(first, TrainedTrial) and not first.configuration.model.is_of_transformers:
        described["stored"] = stored_bytes(first.configuration, first.engine)
    if isinstance(first, CommandTrial):
        described["runs"] = shlex.join(command_line(first, out=prepared.folder.stage(first.stages[0]).out))
    return described


def _costs(prepared: Prepared) -> dict[str, Described]:
    """What training takes, by arm; empty where a command trains, of which nothing is known beforehand.

    Arms that test the same weights come one after the other, so that a model of transformers is loaded once.
    """
    first = {trial.arm: trial for trial in reversed(prepared.trials) if isinstance(trial, TrainedTrial)}
    if not first:
        return {}
    from ablation_runner.trial._calibrate import loads_once

    load = loads_once()
    by_weights = sorted(first.values(), key=lambda trial: trial.weights.digest if trial.weights else "")
    return {trial.arm: _cost(trial, load) for trial in by_weights}


def _cost(trial: TrainedTrial, load: Callable[[Checkpoint], Any]) -> Described:
    engine = trial.engine
    if engine.halves and not trial.weights:
        return _counted(trial)
    from ablation_runner.trial._calibrate import expect

    with saved_activations() as kept:
        cost = expect(
            trial.configuration,
            load=load,
            threads=engine.threads,
            recompute=engine.activation_checkpointing,
        )
    memory = (
        testing_memory(cost.parameters, engine)
        if trial.weights
        else trial_memory(cost.parameters, kept(), engine, ranks=trial.processes)
    )
    return {
        "parameters": cost.parameters,
        "macs": cost.macs,
        "visual_tokens": cost.visual_tokens,
        "seconds": cost.seconds,
        "memory": asdict(memory) | {"total": memory.total},
    }


def _counted(trial: TrainedTrial) -> Described:
    """What shapes tell of a trial in half precision: its steps are for an accelerator, and are not timed here."""
    from ablation_runner.outlook.counted import count

    try:
        cost = count(trial.configuration, recompute=trial.engine.activation_checkpointing)
    except StudyError as error:
        return dict.fromkeys(("parameters", "macs", "visual_tokens", "seconds", "memory")) | {
            "unknown": str(error)
        }
    memory = trial_memory(cost.parameters, cost.activations or 0, trial.engine, ranks=trial.processes)
    return {
        "parameters": cost.parameters,
        "macs": cost.macs,
        "visual_tokens": cost.visual_tokens,
        "seconds": None,
        "memory": asdict(memory)
        | {"total": memory.total}
        | ({"activations": None} if cost.activations is None else {}),
    }


def _steps(prepared: Prepared) -> int | None:
    """Steps of the baseline's last stage; 0 where weights that are there are tested, None where a command trains."""
    if not isinstance(prepared.study, TrainedStudy):
        return None
    training = prepared.study.baseline.training
    return training.steps if training else 0


def _seconds(prepared: Prepared, left: Sequence[Trial], arms: dict[str, Described]) -> float | None:
    """What the trials that are left will take: as their steps take here, or as a command's finished trials took."""
    if isinstance(prepared.study, TrainedStudy):
        seconds = [arms[trial.arm]["seconds"] for trial in left]
        return None if None in seconds else sum(map(float, seconds))
    finished = [trial for trial in prepared.trials if is_finished(prepared.folder, trial)]
    records = [prepared.folder.trial(trial.name).record() for trial in finished]
    took = [float(record["train_seconds"]) for record in records if record and record["train_seconds"]]
    return len(left) * sum(took) / len(took) if took else None
