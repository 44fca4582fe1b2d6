"""The plan of a study as plain values: what runs, what it will cost, what it can decide, what is there already."""

from dataclasses import asdict
from typing import Any

from ablation_runner.decidable import decidable_claims
from ablation_runner.memory import saved_activations, trial_memory
from ablation_runner.pipeline import default_workers, is_finished
from ablation_runner.plan import PlannedArm
from ablation_runner.prepared import Prepared
from ablation_runner.reuse import find_reuse

Described = dict[str, Any]


def describe_plan(prepared: Prepared, *, workers: int | None = None) -> Described:
    """Arms, seeds, differences, expected cost, claims and reuse; builds every model once, trains none.

    Args:
        prepared: the study.
        workers: trials at a time; as many as the cores allow if None.
    """
    study = prepared.study
    left = [trial for trial in prepared.trials if not is_finished(prepared.folder, trial)]
    arms = {arm.name: _described_arm(arm, prepared) for arm in prepared.arms}
    return {
        "name": prepared.name,
        "question": study.question,
        "metric": study.metric,
        "claims": len(study.claims),
        "seeds": study.seeds,
        "steps": study.baseline.training.steps,
        "command": prepared.command,
        "arms": list(arms.values()),
        "trials": [
            {"trial": trial.name, "arm": trial.arm, "seed": trial.seed, "finished": trial not in left}
            for trial in prepared.trials
        ],
        "at_once": workers or default_workers(prepared.trials[0].processes, study.engine.threads, len(left)),
        "seconds": sum(arms[trial.arm]["seconds"] for trial in left),
        "decidable": [asdict(claim) for claim in decidable_claims(prepared)],
        "reuse": asdict(find_reuse(prepared)),
    }


def _described_arm(arm: PlannedArm, prepared: Prepared) -> Described:
    from ablation_runner.trial._calibrate import expect

    engine, ranks = prepared.study.engine, prepared.trials[0].processes
    with saved_activations() as kept:
        cost = expect(arm.configuration, threads=engine.threads)
    memory = trial_memory(cost.parameters, kept(), engine, ranks=ranks)
    return {
        "name": arm.name,
        "role": "baseline" if arm.is_baseline else "blind control" if arm.is_blind else "",
        "differences": [str(difference) for difference in arm.differences],
        "parameters": cost.parameters,
        "macs": cost.macs,
        "visual_tokens": cost.visual_tokens,
        "seconds": cost.seconds,
        "memory": asdict(memory) | {"total": memory.total},
    }
