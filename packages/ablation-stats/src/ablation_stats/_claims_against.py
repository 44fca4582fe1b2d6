"""A claim for every arm of a cube against a baseline, for a user who states none of their own."""

from ablation_stats._claim import Claim
from ablation_stats._cube import PairedCube

IN_WORDS = {
    "superiority": "{arm} beats {baseline}",
    "non-inferiority": "{arm} is no worse than {baseline}",
    "equivalence": "{arm} equals {baseline}",
}


def claims_against(
    cube: PairedCube,
    *,
    baseline: str,
    control: str | None = None,
    margin: float | None = None,
    equivalence: bool = False,
    higher_is_better: bool = True,
) -> list[Claim]:
    """One claim per arm besides baseline and control: superiority, or with a margin non-inferiority or equivalence.

    Raises:
        ValueError: equivalence without a margin, an unknown baseline or control, no other arm.
    """
    if equivalence and margin is None:
        raise ValueError("equivalence needs a margin: pass --margin")
    cube.index(baseline)
    if control is not None:
        cube.index(control)
    others = [arm for arm in cube.arms if arm not in (baseline, control)]
    if not others:
        raise ValueError(f"there is no arm to compare with the baseline {baseline!r}")
    kind = "superiority" if margin is None else "equivalence" if equivalence else "non-inferiority"
    return [
        Claim(
            text=IN_WORDS[kind].format(arm=arm, baseline=baseline),
            arm=arm,
            baseline=baseline,
            kind=kind,
            margin=margin or 0.0,
            metric=cube.metric,
            task=cube.task,
            condition=cube.condition,
            higher_is_better=higher_is_better,
        )
        for arm in others
    ]
