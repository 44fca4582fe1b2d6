"""One arm of the report: its mean, its difference to the baseline, its costs."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import polars as pl

import ablation_stats as stats
from ablation_runner.plan import PlannedArm
from ablation_runner.results import ArmResult, Interval
from ablation_runner.running.prepared import Prepared
from ablation_runner.scores.curves import without_curves


def arm_result(
    arm: PlannedArm,
    prepared: Prepared,
    records: dict[str, Any],
    cube: stats.PairedCube | None,
    differences: dict[str, Any],
    not_converged: list[str],
    curves: pl.DataFrame,
) -> ArmResult:
    """What the report says of an arm.

    Args:
        arm: as planned.
        prepared: the study.
        records: trial name to its record.
        cube: scores on the seeds that are compared; None where there is no such seed.
        differences: arm name to its difference to the baseline.
        not_converged: arms whose validation loss was still falling.
        curves: losses by step, as far as they are known.
    """
    own = [
        record
        for trial in prepared.trials
        if trial.arm == arm.name and (record := records[trial.name]) and record["status"] == "finished"
    ]
    baseline = [record for record in records.values() if record and record["arm"] == prepared.arms[0].name]
    cost = own[0] if own else {}
    difference = differences.get(arm.name)
    # Invalid answers and convergence have columns of their own.
    warnings = [said for said in (difference.warnings if difference else ()) if "are not valid" not in said]
    return ArmResult(
        name=arm.name,
        is_baseline=arm.is_baseline,
        is_blind=arm.is_blind,
        differs=tuple(str(difference) for difference in arm.differences),
        implied=_implied(cost, baseline[0] if baseline else {}),
        parameters=cost.get("trainable_parameters", 0),
        macs=cost.get("macs", 0),
        visual_tokens=cost.get("visual_tokens", 0),
        train_seconds=_median_seconds(own) if prepared.study.stages is None else None,
        seeds=tuple(sorted(record["seed"] for record in own)),
        mean=mean_of(cube, arm.name) if own else None,
        difference=interval_of(difference),
        p=difference.p_value if difference else None,
        p_adjusted=difference.p_adjusted if difference else None,
        converged=arm.name not in not_converged,
        convergence_known=not without_curves(curves, [arm.name]),
        warnings=tuple(warnings),
        invalid=_invalid(cube, arm.name) if cost.get("says_valid", True) else None,
    )


def _median_seconds(records: Sequence[Mapping[str, Any]]) -> float | None:
    """Training time, median over the trials that know theirs: one of them may have run beside other work.

    A command that was interrupted does not know.
    """
    known = [record["train_seconds"] for record in records if record["train_seconds"] is not None]
    return median(known) if known else None


def mean_of(cube: stats.PairedCube | None, arm: str) -> Interval | None:
    """The arm's mean; over seeds and images where there are two seeds, else over images alone; None if not tested."""
    if cube is None or arm not in cube.arms:
        return None
    target = "both" if len(cube.seeds) > 1 else "items"
    return interval_of(stats.arm_mean(cube, arm=arm, generalize_to=target))


def _invalid(cube: stats.PairedCube | None, arm: str) -> float | None:
    if cube is None or cube.invalid is None or arm not in cube.arms:
        return None
    return float(cube.invalid[cube.index(arm)])


def interval_of(estimate: Any) -> Interval | None:
    """The interval of an estimate of ablation-stats; None stays None."""
    if estimate is None:
        return None
    return Interval(estimate=estimate.estimate, low=estimate.ci_low, high=estimate.ci_high)


def _implied(cost: dict[str, Any], baseline: dict[str, Any]) -> tuple[str, ...]:
    """What follows from the factor: costs that are not the baseline's."""
    lines = []
    for key, label in (
        ("trainable_parameters", "parameters"),
        ("macs", "MACs per question"),
        ("visual_tokens", "visual tokens"),
        ("encoder_parameters", "encoder parameters"),
        ("encoder_macs", "encoder MACs per image"),
    ):
        if cost and baseline.get(key) and cost[key] != baseline[key]:
            change = 100 * (cost[key] / baseline[key] - 1)
            lines.append(f"{label} {cost[key]:,} ({change:+.0f} %)".replace("-", "−"))
    return tuple(lines)
