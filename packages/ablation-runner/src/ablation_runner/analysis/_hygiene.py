"""The audit of the study: everything that should keep a reader from believing it."""

from collections.abc import Mapping, Sequence

import polars as pl

import ablation_stats as stats
from ablation_runner.analysis._cubes import Tested
from ablation_runner.plan import Trial
from ablation_runner.report import scale_of
from ablation_runner.results import COSTS, ArmResult
from ablation_runner.running.prepared import Prepared
from ablation_runner.scores.curves import without_curves
from ablation_runner.study import CommandStudy

_ORDER = {"error": 0, "warning": 1, "note": 2}


def hygiene(
    tested: Tested,
    prepared: Prepared,
    finished: Sequence[Trial],
    arms: Sequence[ArmResult],
    verdicts: Mapping[str, stats.Verdict],
    curves: pl.DataFrame,
) -> tuple[stats.Finding, ...]:
    """What the audit found, the most severe first.

    Args:
        tested: the scores.
        prepared: the study, which declares arms and seeds.
        finished: trials with a result.
        arms: what the report says of each arm.
        verdicts: on the claims.
        curves: losses by step, as far as they are known.
    """
    found = [
        *_selective(prepared, finished),
        *_scored(tested, arms, verdicts, unit=scale_of(prepared.study.metric).in_sentences),
    ]
    unknown = without_curves(curves, [arm.name for arm in arms if arm.mean])
    if prepared.study.stages is not None:
        found.append(_not_trained(prepared))
    elif unknown:
        found.append(_unknown_convergence(unknown))
    if prepared.study.tuning is None and prepared.study.stages is None:
        found.append(_untuned(by_command=isinstance(prepared.study, CommandStudy)))
    if prepared.study.generalizes_to == "items":  # one checkpoint is not one training run of several
        found = [finding for finding in found if finding.check != "seeds"]
    return tuple(sorted(found, key=lambda each: _ORDER[each.severity]))


def _selective(prepared: Prepared, finished: Sequence[Trial]) -> list[stats.Finding]:
    """Arms and seeds that were planned and are not reported; arms may differ in their seeds where a rule adds them."""
    by_arm: dict[str, set[int]] = {arm.name: set() for arm in prepared.arms}
    for trial in prepared.trials:
        by_arm[trial.arm].add(trial.seed)
    found: list[stats.Finding] = []
    for seeds in dict.fromkeys(frozenset(each) for each in by_arm.values()):
        arms = [arm for arm, own in by_arm.items() if own == seeds]
        ran = [trial for trial in finished if trial.arm in arms]
        frame = pl.DataFrame(
            {"arm": [trial.arm for trial in ran], "seed": [trial.seed for trial in ran]},
            schema={"arm": pl.String, "seed": pl.Int64},
        )
        found += stats.selective_reporting(frame, arms=arms, seeds=sorted(seeds))
    return found


def _scored(
    tested: Tested, arms: Sequence[ArmResult], verdicts: Mapping[str, stats.Verdict], *, unit: stats.Unit
) -> list[stats.Finding]:
    """What the scores themselves say, as trained."""
    baseline, blind = arms[0].name, next((arm.name for arm in arms if arm.is_blind), None)
    if tested.main is None or baseline not in tested.main.arms:
        return []
    findings = stats.audit(
        tested.main,
        baseline=baseline,
        control=blind if blind in tested.main.arms else None,
        verdicts=list(verdicts.values()),
        not_converged=[arm.name for arm in arms if arm.name in tested.main.arms and not arm.converged],
        unit=unit,
    )
    return [finding for finding in findings if " @ " not in finding.subject] + _besides(arms)


def _besides(arms: Sequence[ArmResult]) -> list[stats.Finding]:
    """What differs besides the factor: one finding for each cost, with all arms that it concerns."""
    tested = [arm for arm in arms if arm.mean]
    kinds = [kind for kind in COSTS if all(getattr(arm, kind) for arm in tested)]  # known of every arm
    rows = [{"arm": arm.name} | {kind: getattr(arm, kind) for kind in kinds} for arm in tested]
    if len(rows) < 2 or not kinds:
        return []
    differing: dict[str, list[str]] = {}
    for confound in stats.confound_report(pl.DataFrame(rows), baseline=arms[0].name)[0]:
        if confound.differs:
            change = "" if confound.change is None else f" ({confound.change:+.0%})".replace("-", "−")
            differing.setdefault(confound.quantity, []).append(confound.arm + change.replace("%", "\u00a0%"))
    return [_confound(kind, found, len(rows) - 1) for kind, found in differing.items()]


def _confound(kind: str, differing: list[str], others: int) -> stats.Finding:
    match = (
        f'; match = "{kind}" in the study file would hold it equal' if kind in ("macs", "parameters") else ""
    )
    text = (
        f"Not the same as in the baseline: {COSTS[kind]}, in {len(differing)} of {others} arms: {', '.join(differing)}. "
        f"A difference of these arms may come from that and not from the factor itself{match}."
    )
    severity = "note" if kind == "train_seconds" else "warning"  # time follows from the rest
    return stats.Finding(check="confound", severity=severity, subject=kind, text=text)


def _unknown_convergence(arms: Sequence[str]) -> stats.Finding:
    text = (
        f"Convergence not known: the command reports no validation losses of {', '.join(arms)}. An arm that was still "
        "improving would be judged too early; train.parquet with columns step, split and loss tells."
    )
    return stats.Finding(check="convergence", severity="note", subject="study", text=text)


def _not_trained(prepared: Prepared) -> stats.Finding:
    text = (
        "Nothing was trained: weights that were there were tested, so there are no learning curves and convergence is not "
        "judged; how they were trained is not part of this study."
    )
    if prepared.study.generalizes_to == "items":
        text += (
            " Each arm is one set of weights: intervals and verdicts are about these weights and other questions, not about "
            "other training runs."
        )
    return stats.Finding(check="training", severity="note", subject="study", text=text)


def _untuned(*, by_command: bool) -> stats.Finding:
    tries = (
        "what gives every arm the same number of tries on validation is the command itself"
        if by_command
        else "[tuning] gives every arm the same number of tries"
    )
    text = (
        "No arm was tuned: all use the baseline's settings of training, which were not chosen for the others. An arm "
        f"that needs another learning rate is at a disadvantage; {tries}."
    )
    return stats.Finding(check="tuning", severity="note", subject="study", text=text)
