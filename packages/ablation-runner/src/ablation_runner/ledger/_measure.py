"""What a study measured for a contrast; every interval and p-value comes from ablation-stats."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

import ablation_stats as stats
from ablation_runner.analysis._cubes import of_items
from ablation_runner.ledger._claim import Contrast
from ablation_runner.ledger._study_run import StudyRun
from ablation_runner.plan import BLIND

_OWN, _OTHER = "a change", "the other change"
_EXACT = frozenset({"visual_tokens", "trainable_parameters", "macs"})  # the same under every seed
_POINTS = 100.0


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A contrast as measured: points of a percentage for scores, a ratio for costs.

    Attributes:
        scale: "cpu" or "gpu"; seeds: that all arms have.
        estimate: arm minus against, or arm to against; low, high: its 95 % interval, both the estimate where the number is exact.
        exact: a count without error.
        p: two-sided, of "no difference"; p_equivalent: of the two one-sided tests against the margin; each None where there is
            no error to test with, both adjusted over what the ledger asks of the study.
        blind_loss: points by which the blind control is worse than the best arm of the contrast; None where the study has
            no such control, or the contrast is of costs; blind_p: two-sided, of that.
        identical: the arms score the same on every item under every seed.
        not_converged: arms of the contrast that were still improving.
        notes: what a reader must know of the run, such as trials that are missing.
    """

    scale: str
    seeds: int
    estimate: float
    low: float
    high: float
    exact: bool = False
    p: float | None = None
    p_equivalent: float | None = None
    blind_loss: float | None = None
    blind_p: float | None = None
    identical: bool = False
    not_converged: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def measure(contrast: Contrast, run: StudyRun, *, margin: float) -> Measured | str:
    """The contrast in a study's results, or why the study cannot give it.

    Args:
        contrast: what is compared.
        run: of the study that it names.
        margin: points, or for a ratio the share of 1 that counts as none; above 0.
    """
    cube = run.tested.cube_of(*contrast.arms)
    if cube is None:
        return f"the run has not finished {' and '.join(map(repr, contrast.arms))} on the same questions"
    if contrast.quantity != "score":
        return _noted(_cost(contrast, run, margin), run)
    if contrast.question_types:
        if cube is not run.tested.main:
            return "the question types of these conditions are not known"
        kept = run.tested.questions["question_type"].is_in(contrast.question_types).to_numpy()
        if not kept.any():
            return f"the run asks no question of the type {' or '.join(contrast.question_types)}"
        cube = of_items(cube, kept)
    if contrast.beyond and cube.weights is not None:
        return "a difference of differences needs a metric that is a mean over questions"
    return _noted(_score(contrast, cube, run, margin), run)


def _noted(found: Measured | str, run: StudyRun) -> Measured | str:
    notes = []
    if run.finished < run.trials:
        notes.append(f"{run.finished} of {run.trials} trials are finished")
    if run.changed:
        notes.append(f"not as built in: {', '.join(run.changed)}")
    return replace(found, notes=tuple(notes)) if isinstance(found, Measured) else found


def _score(contrast: Contrast, cube: stats.PairedCube, run: StudyRun, margin: float) -> Measured:
    over = "both" if len(cube.seeds) > 1 else "items"
    if contrast.beyond:
        changes = _changes(cube, (contrast.arm, contrast.against), contrast.beyond)
        found = stats.paired_difference(changes, arm=_OWN, baseline=_OTHER, generalize_to=over)
    else:
        found = stats.paired_difference(cube, arm=contrast.arm, baseline=contrast.against, generalize_to=over)
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
        identical=found.se == 0 and found.estimate == 0,
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


def _cost(contrast: Contrast, run: StudyRun, margin: float) -> Measured | str:
    """The ratio of a cost; of seconds, the paired t of the logarithms, as a ratio's error is the same both ways."""
    own, other = (run.records[arm.split(" @ ")[0]] for arm in (contrast.arm, contrast.against))
    seeds = sorted(own.keys() & other.keys())
    pairs = [[float(each[seed].get(contrast.quantity) or 0) for seed in seeds] for each in (own, other)]
    if not seeds or not all(map(all, pairs)):
        return f"the run has no {contrast.quantity} of both arms under one seed"
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


def adjusted(found: Sequence[Measured]) -> list[Measured]:
    """The same with p-values adjusted by Holm, those of differences and those of equivalence each for themselves."""
    different = _holm([each.p for each in found])
    equivalent = _holm([each.p_equivalent for each in found])
    return [
        replace(each, p=p, p_equivalent=p_equivalent)
        for each, p, p_equivalent in zip(found, different, equivalent, strict=True)
    ]


def _holm(values: Sequence[float | None]) -> list[float | None]:
    tested = [value for value in values if value is not None]
    left = iter(stats.adjust_pvalues(tested, "holm").tolist() if tested else ())
    return [None if value is None else float(next(left)) for value in values]
