"""Differences to the baseline of arms that were looked at while seeds were added: p-values corrected for the looks."""

from collections.abc import Mapping
from dataclasses import replace

import ablation_stats as stats
from ablation_runner.running.prepared import Prepared
from ablation_runner.scores.paired_scores import PairedScores
from ablation_runner.storage.lock import ALPHA


def looked_at_differences(
    prepared: Prepared, fixed: Mapping[str, stats.Estimate]
) -> dict[str, stats.Estimate]:
    """Arm to its difference, in a study that adds seeds as needed.

    An arm that a locked claim names is compared on all seeds that it shares with the baseline, by a two-sided test that was
    looked at after each of them: it has a p-value where a boundary was reached or the last look was, and none elsewhere,
    since what stopped its seeds would change it. The others are compared on the seeds that every arm has, a number fixed
    beforehand. All p-values are adjusted together, except for the blind control's. Intervals are those of one look.

    Args:
        prepared: the study.
        fixed: arm to difference on the seeds that every arm has.
    """
    rule, needed = prepared.study.seeds_as_needed, prepared.needed
    if rule is None or needed is None:
        return dict(fixed)
    baseline = prepared.arms[0].name
    named = {
        name.split(" @ ")[0]
        for key, found in needed.verdicts.items()
        if key in needed.locked
        for name in (found.verdict.claim.arm, found.verdict.claim.baseline)
    }
    named |= {arm.name for arm in prepared.arms if needed.seeds[arm.name] > rule.min}
    scores = PairedScores(prepared.study, prepared.folder, prepared.trials)
    cubes = {
        arm: cube
        for arm in fixed
        if arm in named and (cube := scores.pair(arm, baseline)) is not None and len(cube.seeds) >= rule.min
    }
    if not cubes:
        return dict(fixed)
    verdicts = stats.judge_sequential(
        [stats.Claim(text=arm, arm=arm, baseline=baseline) for arm in cubes],
        scores.pair,
        looks=rule.looks,
        alpha=ALPHA,
        spending=rule.spending,
        futility=None,
    )
    looked = {
        arm: replace(
            stats.paired_difference(cube, arm=arm, baseline=baseline), p_value=verdict.verdict.p_value
        )
        for (arm, cube), verdict in zip(cubes.items(), verdicts, strict=True)
    }
    return _adjusted({**fixed, **looked}, blind=prepared.blind)


def _adjusted(found: Mapping[str, stats.Estimate], *, blind: str | None) -> dict[str, stats.Estimate]:
    """The same with p-values adjusted over all arms but the blind control; one without a p counts as 1."""
    family = [arm for arm in found if arm != blind]
    p_values = [1.0 if (p := found[arm].p_value) is None else p for arm in family]
    adjusted = dict(zip(family, stats.adjust_pvalues(p_values) if family else (), strict=True))
    return {
        arm: replace(
            estimate,
            p_adjusted=None if estimate.p_value is None else float(adjusted.get(arm, estimate.p_value)),
        )
        for arm, estimate in found.items()
    }
