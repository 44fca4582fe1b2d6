"""The audit of the study: everything that should keep a reader from believing it."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

import ablation_stats as stats
from ablation_runner.analysis._cubes import Tested
from ablation_runner.plan import Trial
from ablation_runner.prepared import Prepared
from ablation_runner.results import ArmResult

_ORDER = {"error": 0, "warning": 1, "note": 2}
_COSTS = ("parameters", "macs", "visual_tokens", "train_seconds")
_WORDS = {"macs": "MACs", "visual_tokens": "visual tokens", "train_seconds": "training time (seconds)"}


def hygiene(
    tested: Tested,
    prepared: Prepared,
    finished: Sequence[Trial],
    arms: Sequence[ArmResult],
    verdicts: Mapping[str, stats.Verdict],
) -> tuple[stats.Finding, ...]:
    """What the audit found, the most severe first.

    Args:
        tested: the scores.
        prepared: the study, which declares arms and seeds.
        finished: trials with a result.
        arms: what the report says of each arm.
        verdicts: on the claims.
    """
    ran = pl.DataFrame({"arm": [trial.arm for trial in finished], "seed": [trial.seed for trial in finished]})
    found = [
        *stats.selective_reporting(
            ran, arms=[arm.name for arm in prepared.arms], seeds=[str(seed) for seed in prepared.study.seeds]
        ),
        *_scored(tested, arms, verdicts),
    ]
    if prepared.study.tuning is None:
        found.append(_untuned())
    return tuple(sorted(found, key=lambda each: _ORDER[each.severity]))


def _scored(
    tested: Tested, arms: Sequence[ArmResult], verdicts: Mapping[str, stats.Verdict]
) -> list[stats.Finding]:
    """What the scores themselves say, as trained."""
    baseline, blind = arms[0].name, arms[-1].name
    if tested.main is None or baseline not in tested.main.arms:
        return []
    findings = stats.audit(
        tested.main,
        baseline=baseline,
        control=blind if blind in tested.main.arms else None,
        verdicts=list(verdicts.values()),
        costs=_costs(arms),
        not_converged=[arm.name for arm in arms if arm.mean and not arm.converged],
    )
    return [finding for finding in findings if " @ " not in finding.subject]


def _costs(arms: Sequence[ArmResult]) -> pl.DataFrame:
    rows: list[dict[str, Any]] = [
        {"arm": arm.name} | {_WORDS.get(kind, kind): getattr(arm, kind) for kind in _COSTS}
        for arm in arms
        if arm.mean
    ]
    return pl.DataFrame(rows)


def _untuned() -> stats.Finding:
    text = (
        "No arm was tuned: all use the baseline's settings of training, which were not chosen for the others. An arm "
        "that needs another learning rate is at a disadvantage; [tuning] gives every arm the same number of tries."
    )
    return stats.Finding(check="tuning", severity="note", subject="study", text=text)
