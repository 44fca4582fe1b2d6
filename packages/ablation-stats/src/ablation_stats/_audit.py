"""The audit of a finished study: everything that should keep a reader from believing it, in plain words."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from ablation_stats._claim import Claim, Verdict
from ablation_stats._compare_t import estimate_t
from ablation_stats._confound import confound_report
from ablation_stats._contrast import arm_contrast
from ablation_stats._convergence import convergence_findings
from ablation_stats._cube import PairedCube, as_cube, paired_cube
from ablation_stats._finding import Finding
from ablation_stats._gates import p_text
from ablation_stats._known_arms import arm_names, require_arms
from ablation_stats._reporting import selective_reporting
from ablation_stats._unit import AS_STORED, Unit
from ablation_stats._variance import two_way

FEW_SEEDS = 3
FLIPPABLE_SEEDS = 6


def audit(
    frame: Any,
    *,
    baseline: str,
    control: str | None = None,
    claims: Sequence[Claim] = (),
    verdicts: Sequence[Verdict] = (),
    costs: Any = None,
    factors: Sequence[str] = (),
    not_converged: Collection[str] = (),
    declared_metrics: Sequence[str] = (),
    declared_seeds: Sequence[int | str] = (),
    declared_arms: Sequence[str] = (),
    metric: str | None = None,
    task: str | None = None,
    condition: str | None = None,
    alpha: float = 0.05,
    unit: Unit = AS_STORED,
) -> tuple[Finding, ...]:
    """All findings of a study, the most severe first.

    Args:
        frame: long frame of results.
        baseline: arm the others are compared with.
        control: the positive control; None says there is none.
        claims: claims declared; their arms count as declared.
        verdicts: verdicts to check for over-interpretation.
        costs: frame with one row per arm and its costs; None skips confounds.
        factors: columns of `costs` meant to differ.
        not_converged: arms still improving when training stopped, as the function `not_converged` finds them.
        declared_metrics: metrics declared; empty checks none.
        declared_seeds: seeds declared; empty checks that all arms have the same.
        declared_arms: arms declared; empty takes the frame's.
        metric: metric to judge by, where the frame holds several.
        task: likewise.
        condition: likewise.
        alpha: error rate for "told apart".
        unit: in which the findings write the metric.

    Raises:
        ValueError: as `paired_cube`, but for seeds that some arms lack, which are a finding; an
            unknown baseline or arm of `not_converged`.
    """
    cube = (
        as_cube(frame, metric=metric, task=task, condition=condition)
        if isinstance(frame, PairedCube)
        else None
    )
    found: list[Finding] = []
    if cube is None:
        arms = list(declared_arms) or arm_names(frame)
        found += selective_reporting(frame, arms=arms, metrics=declared_metrics, seeds=declared_seeds)
        cube = _shared(frame, metric, task, condition)
    cube.index(baseline)
    require_arms([frame], not_converged, what="an arm of not_converged")
    if costs is not None:
        found += confound_report(costs, baseline=baseline, factors=factors)[1]
    found += seed_sufficiency(cube, baseline=baseline)
    found += convergence_findings(not_converged, claims)
    found += assay_sensitivity(cube, baseline=baseline, control=control, alpha=alpha, unit=unit)
    found += over_interpretation(verdicts, unit=unit)
    order = {"error": 0, "warning": 1, "note": 2}
    return tuple(sorted(found, key=lambda each: order[each.severity]))


def seed_sufficiency(frame: Any, *, baseline: str, metric: str | None = None) -> tuple[Finding, ...]:
    """Findings on whether there are enough seeds to speak about recipes, and where their spread dominates.

    Args:
        frame: long frame or cube.
        baseline: arm the others are compared with.
        metric: metric to read, where the frame holds several.

    Raises:
        ValueError: an unknown baseline, or as `paired_cube`.
    """
    cube = as_cube(frame, metric=metric)
    seeds = len(cube.seeds)
    cube.index(baseline)
    if seeds < 2:
        text = (
            "One seed: differences are between these trained models; nothing is known of how training varies."
        )
        return (Finding(check="seeds", severity="error", subject="study", text=text),)
    found = []
    if seeds < FEW_SEEDS:
        text = f"{seeds} seeds leave one degree of freedom: intervals are 6 times as wide as they need be. Train at least 3."
        found.append(Finding(check="seeds", severity="warning", subject="study", text=text))
    elif seeds < FLIPPABLE_SEEDS:
        least = f"{2.0 ** (1 - seeds):.3g}"
        text = (
            f"{seeds} seeds are too few for a test without assumptions (of a sign-flip test the smallest p is {least}): "
            "intervals and verdicts rest on a t distribution, which takes seeds to differ normally."
        )
        found.append(Finding(check="seeds", severity="note", subject="study", text=text))
    for arm in cube.arms:
        if arm == baseline or cube.clusters.len() < 2:
            continue
        contrast = arm_contrast(cube, arm, baseline)
        table = two_way(contrast.cluster_table())
        rest = max(table.ms_cluster, table.ms_residual)
        if not contrast.is_constant and table.df < seeds and table.ms_seed > 4 * rest:
            text = f"{arm} against {baseline}: most of the error is the spread over seeds, so more seeds would narrow its interval; a larger test set would not."
            found.append(Finding(check="seeds", severity="note", subject=arm, text=text))
    return tuple(found)


def assay_sensitivity(
    frame: Any,
    *,
    baseline: str,
    control: str | None,
    alpha: float = 0.05,
    metric: str | None = None,
    unit: Unit = AS_STORED,
) -> tuple[Finding, ...]:
    """Whether the study can tell its positive control from the baseline; without that, "no difference" says nothing.

    Args:
        frame: long frame or cube.
        baseline: arm the control is compared with.
        control: an arm that must be worse (images shuffled across items); None says there is none.
        alpha: error rate of "told apart".
        metric: metric to read, where the frame holds several.
        unit: in which the finding writes the metric.

    Raises:
        ValueError: unknown arms, or as `paired_cube`.
    """
    if control is None:
        text = (
            "No positive control: where arms do not differ, nothing shows that this study could have seen it."
        )
        return (Finding(check="assay sensitivity", severity="warning", subject="study", text=text),)
    cube = as_cube(frame, metric=metric)
    seeds, clusters = len(cube.seeds), cube.clusters.len()
    if seeds < 2 and clusters < 2:
        text = "One seed and one cluster of items: nothing varies, so nothing can be told apart."
        return (Finding(check="assay sensitivity", severity="error", subject=control, text=text),)
    target = "items" if seeds < 2 else "seeds" if clusters < 2 else "both"
    found = estimate_t(arm_contrast(cube, control, baseline), generalize_to=target, level=1 - alpha)
    p = found.p_value if found.p_value is not None else 1.0
    if p < alpha:
        return ()
    text = (
        f"The control {control} is not told apart from {baseline}, {unit.interval(found)}, {p_text(p)}: the task can be done "
        "without the input, or the study is too small. No arm can be called equivalent."
    )
    return (Finding(check="assay sensitivity", severity="error", subject=control, text=text),)


def over_interpretation(verdicts: Sequence[Verdict], *, unit: Unit = AS_STORED) -> tuple[Finding, ...]:
    """Findings on differences that are within the noise, or real but smaller than what a repeat would show.

    Args:
        verdicts: from `judge`.
        unit: in which the findings write the metric.
    """
    found = []
    for verdict in verdicts:
        shown = verdict.comparison
        if shown is None:
            continue
        half = (shown.ci_high - shown.ci_low) / 2
        if verdict.verdict == "inconclusive" and abs(shown.estimate) < half:
            text = (
                f"{shown.arm} against {shown.baseline} is {unit.signed(shown.estimate)}, within its noise of ±{unit.amount(half)}: it ranks nothing, and it does "
                "not show that the two are the same."
            )
            found.append(
                Finding(
                    check="over-interpretation", severity="warning", subject=verdict.claim.text, text=text
                )
            )
        if verdict.verdict == "supported" and np.isfinite(half) and abs(shown.estimate) < 1.5 * half:
            text = f"{shown.arm} against {shown.baseline} is {unit.signed(shown.estimate)} ± {unit.amount(half)}: its sign is shown, its size hardly. Quote the interval."
            found.append(
                Finding(check="over-interpretation", severity="note", subject=verdict.claim.text, text=text)
            )
    return tuple(found)


def _shared(frame: Any, metric: str | None, task: str | None, condition: str | None) -> PairedCube:
    return paired_cube(frame, metric=metric, task=task, condition=condition, on_missing="report")
