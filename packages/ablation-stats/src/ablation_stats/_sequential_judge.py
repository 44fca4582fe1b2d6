"""Verdicts of a study that adds seeds until its claims are decided: alpha spent over looks, and shared over claims."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ablation_stats._adjust import adjust_pvalues
from ablation_stats._claim import Claim, Verdict
from ablation_stats._claim_look import LookRule
from ablation_stats._cube import PairedCube, paired_cube
from ablation_stats._frame import to_lazy
from ablation_stats._gates import Outcome
from ablation_stats._looks_outcome import looks_outcome
from ablation_stats._looks_taken import CubeOf, LooksTaken, take_looks
from ablation_stats._refuse import require_level
from ablation_stats._result import Tabular
from ablation_stats._unit import AS_STORED, Unit


@dataclass(frozen=True, kw_only=True)
class SequentialVerdict(Tabular):
    """The verdict on a claim after the looks so far.

    Attributes:
        verdict: as `judge` gives it. Its p-value is corrected for the looks, and its `p_adjusted` for looks and claims; both
            are None where it ended before the last look without a decision. Its interval is not corrected for the looks.
        end: "decided", "last look", "hopeless" (the last look would hardly decide), "blocked" (more seeds cannot help) or "open".
        seeds: at the look it ended at or the last so far; 0 before the first.
        needs: seeds that its two arms need; more than they have while it is open.
        control_needs: seeds that it looked at the positive control with, or has to; 0 where it did not need it.
    """

    verdict: Verdict
    end: str
    seeds: int
    needs: int
    control_needs: int

    @property
    def stop(self) -> bool:
        """Whether the claim needs no more seeds."""
        return self.end != "open"


def judge_sequential(
    claims: Sequence[Claim],
    cube_of: CubeOf | Sequence[CubeOf],
    *,
    looks: Sequence[int],
    control: str | None = None,
    not_converged: Collection[str] = (),
    generalize_to: str = "both",
    alpha: float = 0.05,
    spending: str = "obrien-fleming",
    futility: float | None = 0.05,
    adjust: str = "holm",
    unit: Unit = AS_STORED,
) -> tuple[SequentialVerdict, ...]:
    """A verdict on every claim of a study that looks at its claims after each of `looks` seeds, in the order given.

    Each claim spends alpha / claims over its looks (`sequential_boundaries`) and keeps the verdict of the look that stopped
    it, whatever seeds its arms are given for other claims later. The p-values, corrected for the looks, are then adjusted
    over all claims, which can only add decisions at the last look. A claim of no difference needs the control, told apart
    at a boundary that spends alpha over the same looks. So the probability of a false verdict over the whole study is at
    most what `judge` has for one look.

    Args:
        claims: fixed before the results.
        cube_of: gives an arm and its baseline on the seeds that both have, which the looks take in sorted order, or None;
            `pairs_of` makes one from a frame. A list of one for each claim, where they are about different items.
        looks: numbers of seeds at all looks, those to come included.
        control: the positive control, an arm that must come out worse.
        not_converged: arms still improving when training stopped; claims about them are inconclusive and get no more seeds.
        generalize_to: "both" or "seeds".
        alpha: error over all looks and claims, 0..0.5.
        spending: "obrien-fleming" or "pocock".
        futility: stop a claim where the predictive power of its last look is below this; None never does.
        adjust: method of `adjust_pvalues` that controls the family-wise error at no more than Bonferroni's p.
        unit: in which the reasons write the metric.

    Raises:
        ValueError: no claim, another number of `cube_of` than of claims; as `sequential_decision`.

    >>> rows = [{"arm": arm, "seed": seed, "item": item, "value": (arm == "new") * (1 + seed * item % 3 / 9)}
    ...         for arm in ("new", "old") for seed in range(3) for item in range(12)]
    >>> claim = Claim(text="new is better", arm="new", baseline="old")
    >>> (found,) = judge_sequential([claim], pairs_of(pl.DataFrame(rows)), looks=[3, 4, 5])
    >>> found.verdict.verdict, found.end, found.seeds
    ('supported', 'decided', 3)
    """
    require_level(2 * alpha)
    if not claims:
        raise ValueError("claims must hold at least one claim, got none")
    rule = LookRule(
        looks=tuple(int(look) for look in looks),
        alpha=alpha / len(claims),
        family_alpha=alpha,
        spending=spending,
        futility=futility,
        generalize_to=generalize_to,
    )
    pairs = [cube_of] * len(claims) if callable(cube_of) else list(cube_of)
    if len(pairs) != len(claims):
        raise ValueError(
            f"cube_of must be one, or one for each of the {len(claims)} claims, got {len(pairs)}"
        )
    taken = [
        take_looks(claim, own, rule, control=control, not_converged=not_converged, unit=unit)
        for claim, own in zip(claims, pairs, strict=True)
    ]
    p_values = [[_corrected(each, refuted=refuted) for each in taken] for refuted in (False, True)]
    adjusted = [adjust_pvalues([1.0 if p is None else p for p in side], adjust) for side in p_values]
    verdicts = []
    for at, (claim, each) in enumerate(zip(claims, taken, strict=True)):
        own = [float(side[at]) for side in adjusted]
        found = looks_outcome(claim, each, rule, adjusted_for=own[0], adjusted_against=own[1], unit=unit)
        verdicts.append(_verdict(claim, each, found, [side[at] for side in p_values], own))
    return tuple(verdicts)


def pairs_of(frame: Any, **selection: str | None) -> CubeOf:
    """What gives an arm and its baseline of a long frame, or of a cube, on the seeds that both have; None without one.

    Args:
        frame: as for `paired_cube`; arms may hold different seeds.
        selection: metric, task and condition to read, where the frame holds several.
    """
    if isinstance(frame, PairedCube):
        return lambda arm, baseline: frame if {arm, baseline} <= set(frame.arms) else None
    lazy = to_lazy(frame)

    def cube_of(arm: str, baseline: str) -> PairedCube | None:
        rows = lazy.filter(pl.col("arm").is_in([arm, baseline]))
        both = rows.group_by("seed").agg(pl.col("arm").n_unique()).filter(pl.col("arm") == 2).collect()
        shared = rows.filter(pl.col("seed").is_in(both["seed"].implode()))
        return None if both.is_empty() else paired_cube(shared, arms=[arm, baseline], **selection)  # type: ignore[arg-type]

    return cube_of


def _corrected(taken: LooksTaken, *, refuted: bool) -> float | None:
    """The p-value corrected for the looks: of the side that stopped, or of both at the last look; None elsewhere.

    A claim that ended otherwise could have had another look, so no p-value of it is valid.
    """
    if taken.look is None or taken.end not in ("decided", "last look"):
        return None
    crossed = taken.look.fails if refuted else taken.look.holds
    return taken.look.corrected(refuted=refuted).p_adjusted if taken.look.is_last or crossed else None


def _verdict(
    claim: Claim,
    taken: LooksTaken,
    found: Outcome,
    p_values: Sequence[float | None],
    adjusted: Sequence[float],
) -> SequentialVerdict:
    """The verdict; p-values and adjusted ones are of the claim, then of its refutation."""
    look = taken.look
    reverse = claim.kind == "superiority" and look is not None and look.p_against < look.p_for
    shown = int(found.verdict == "refuted" or reverse)
    return SequentialVerdict(
        verdict=Verdict(
            claim=claim,
            verdict=found.verdict,
            reason=found.reason,
            settle=found.settle,
            comparison=None if look is None else look.evidence.comparison,
            control=None,
            p_value=p_values[shown],
            p_adjusted=None if p_values[shown] is None else float(adjusted[shown]),
        ),
        end=taken.end,
        seeds=0 if look is None else look.seeds,
        needs=taken.needs,
        control_needs=taken.control_needs,
    )
