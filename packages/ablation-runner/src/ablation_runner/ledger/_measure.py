"""What a study measured for a contrast; every interval and p-value comes from ablation-stats."""

import math
from dataclasses import replace

import numpy as np

import ablation_stats as stats
from ablation_runner.analysis._cubes import NotAsked
from ablation_runner.ledger._claim import Contrast
from ablation_runner.ledger._measured import Measured, Missing
from ablation_runner.ledger._study_run import StudyRun
from ablation_runner.plan import BLIND

_OWN, _OTHER = "a change", "the other change"
_EXACT = frozenset({"visual_tokens", "trainable_parameters", "macs"})  # the same under every seed
_POINTS = 100.0


def measure(contrast: Contrast, run: StudyRun, *, margin: float) -> Measured | Missing:
    """The contrast in a study's results, or why they do not give it.

    Args:
        contrast: what is compared.
        run: of the study that it names.
        margin: points, or for a ratio the share of 1 that counts as none; above 0.
    """
    missing = _missing(contrast, run)
    if missing:
        return missing
    found = _score(contrast, run, margin) if contrast.quantity == "score" else _cost(contrast, run, margin)
    notes = []
    if run.finished < run.trials:
        notes.append(f"{run.finished} of {run.trials} trials are finished")
    if run.changed:
        notes.append(f"it ran with other settings than the built-in study has now: {', '.join(run.changed)}")
    return replace(found, notes=tuple(notes)) if isinstance(found, Measured) else found


def _missing(contrast: Contrast, run: StudyRun) -> Missing | None:
    for arm in contrast.arms:
        if arm not in run.planned:
            return Missing(reason=f"the run has no arm {arm!r}")
    for arm in sorted(_trained(contrast)):
        if arm not in run.records:
            return Missing(reason=f"{arm!r} has no finished trial yet", pending=True)
    if not run.tested.cubes:
        return Missing(reason="no seed is finished in all arms yet", pending=True)
    return None


def _asked(contrast: Contrast, run: StudyRun) -> stats.PairedCube | Missing:
    """The scores of the questions that the contrast is about."""
    cube = run.tested.asked(*contrast.arms, types=contrast.question_types)
    if isinstance(cube, NotAsked):
        return Missing(reason=cube.reason)
    if contrast.beyond and cube.weights is not None:
        return Missing(reason="a difference of differences needs a metric that is a mean over questions")
    return cube


def _score(contrast: Contrast, run: StudyRun, margin: float) -> Measured | Missing:
    cube = _asked(contrast, run)
    if isinstance(cube, Missing):
        return cube
    over = "both" if len(cube.seeds) > 1 else "items"
    compared, arm, against = cube, contrast.arm, contrast.against
    if contrast.beyond:
        compared, arm, against = _changes(cube, (arm, against), contrast.beyond), _OWN, _OTHER
    found = stats.paired_difference(compared, arm=arm, baseline=against, generalize_to=over)
    blind_loss, blind_p = _blind(contrast, cube, over)
    return Measured(
        scale=run.scale,
        seeds=len(cube.seeds),
        estimate=_POINTS * found.estimate,
        low=_POINTS * found.ci_low,
        high=_POINTS * found.ci_high,
        p=found.p_value if found.se > 0 else None,
        p_equivalent=_p_equivalent(found, margin / _POINTS),
        blind_loss=blind_loss,
        blind_p=blind_p,
        identical=np.array_equal(*(compared.values[compared.index(name)] for name in (arm, against))),
        not_converged=tuple(sorted(_trained(contrast) & run.not_converged)),
    )


def _trained(contrast: Contrast) -> set[str]:
    """The arms as they were trained, whatever they are tested under."""
    return {arm.split(" @ ")[0] for arm in contrast.arms}


def _changes(cube: stats.PairedCube, own: tuple[str, str], other: tuple[str, str]) -> stats.PairedCube:
    """Two differences as if they were the scores of two arms."""
    values = [
        cube.values[cube.index(arm)] - cube.values[cube.index(against)] for arm, against in (own, other)
    ]
    return replace(cube, arms=(_OWN, _OTHER), values=np.stack(values), weights=None, invalid=None)


def _blind(contrast: Contrast, cube: stats.PairedCube, over: str) -> tuple[float | None, float | None]:
    """By how much the blind control is worse than the contrast's best arm, and the p of that."""
    if BLIND not in cube.arms:
        return None, None
    best = max(contrast.arms, key=lambda arm: stats.arm_mean(cube, arm=arm, generalize_to="items").estimate)
    found = stats.paired_difference(cube, arm=best, baseline=BLIND, generalize_to=over)
    return _POINTS * found.estimate, found.p_value


def _p_equivalent(found: stats.Estimate, margin: float) -> float | None:
    if found.se == 0:
        return None
    return stats.equivalence_tost(found, low=-margin, high=margin).p_value


def _cost(contrast: Contrast, run: StudyRun, margin: float) -> Measured | Missing:
    """The ratio of a cost; of seconds, the paired t of the logarithms, as a ratio's error is the same both ways."""
    own, other = (run.records[arm.split(" @ ")[0]] for arm in (contrast.arm, contrast.against))
    seeds = sorted(own.keys() & other.keys())
    pairs = [[float(each[seed].get(contrast.quantity) or 0) for seed in seeds] for each in (own, other)]
    if not seeds or not all(map(all, pairs)):
        return Missing(reason=f"the run has no {contrast.quantity} of both arms under one seed")
    logs = np.log(pairs)
    exact = contrast.quantity in _EXACT
    if exact or len(seeds) < 2:
        ratio = math.exp(float((logs[0] - logs[1]).mean()))
        return Measured(
            scale=run.scale, seeds=len(seeds), estimate=ratio, low=ratio, high=ratio, exact=exact
        )  # fmt: skip
    found = stats.paired_t(logs[0], logs[1])
    return Measured(
        scale=run.scale,
        seeds=len(seeds),
        estimate=math.exp(found.estimate),
        low=math.exp(found.ci_low),
        high=math.exp(found.ci_high),
        p=found.p_value if found.se > 0 else None,
        p_equivalent=_p_equivalent(found, math.log1p(margin)),
    )
