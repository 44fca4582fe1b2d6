"""The cheapest configuration that is shown not to lose more than the study's margin, and why there may be none."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import ablation_stats as stats
from ablation_runner.analysis._arms import interval_of
from ablation_runner.analysis._cubes import Tested
from ablation_runner.analysis._lower import is_lower
from ablation_runner.report import is_significant
from ablation_runner.results import COSTS, ArmResult, Candidate, Recommendation
from ablation_runner.study import Claim, Study


def recommend(tested: Tested, arms: Sequence[ArmResult], study: Study) -> Recommendation | None:
    """What to take: the arm shown to be best, or else the baseline, or a cheaper one that holds its score.

    The margin is the smallest that the study's claims declare, a difference that its author calls relevant. None is
    taken that costs more than the study's budget, or that it leaves out.

    Args:
        tested: the scores.
        arms: all arms, the baseline first.
        study: the study file.
    """
    margin = smallest_margin(study.claims)
    could_be_used = [
        arm for arm in arms if not arm.is_blind and arm.name not in study.recommendation.leave_out
    ]
    if margin is None or all(arm.is_baseline for arm in could_be_used):
        return None
    budget = study.recommendation.budget.given
    open_to_choice = [arm for arm in could_be_used if _is_within(arm, budget)]
    reference = _best(open_to_choice) or arms[0]
    found = Recommendation(
        arm=None,
        reference=reference.name,
        margin=margin,
        cost="",
        budget=budget,
        left_out=tuple(study.recommendation.leave_out),
        over_budget=tuple(arm.name for arm in could_be_used if arm not in open_to_choice),
        candidates=(),
        blocked=blocked(tested, arms),
    )
    if found.blocked:
        return found
    return _with_candidates(found, tested, open_to_choice, reference)


def smallest_margin(claims: Sequence[Claim]) -> float | None:
    """The smallest difference that a claim calls relevant; None where none does."""
    return min((claim.margin for claim in claims if claim.margin > 0), default=None)


def _is_within(arm: ArmResult, budget: Mapping[str, float]) -> bool:
    """Whether an arm is known to cost no more; a cost of zero is one that is not known."""
    return all(0 < (getattr(arm, kind) or 0) <= limit for kind, limit in budget.items())


def _best(arms: Sequence[ArmResult]) -> ArmResult | None:
    """The best of the arms that are shown to be better than the baseline."""
    better = [
        (arm.difference.estimate, arm)
        for arm in arms
        if arm.converged and arm.difference and arm.difference.estimate > 0 and is_significant(arm)
    ]  # fmt: skip
    return max(better, key=lambda each: each[0])[1] if better else None


def blocked(tested: Tested, arms: Sequence[ArmResult]) -> str:
    """Why nothing can be recommended whatever the arms scored; empty where something may be."""
    baseline, blind = arms[0], next((arm for arm in arms if arm.is_blind), None)
    if tested.main is None or len(tested.main.seeds) < 2:
        return "a comparison needs two seeds that all its arms have finished"
    if baseline.mean is None or not baseline.converged:
        return f"the baseline {baseline.name} has no result that had converged"
    if blind is None:
        return "the study has no blind control, so it cannot show that it could have seen a loss"
    if blind.difference is None:
        return "the blind control has no result, so the study cannot show that it could have seen a loss"
    if not (is_significant(blind) and blind.difference.estimate < 0):
        return (
            "the study cannot tell even the blind control from the baseline, so it could not have seen a loss"
        )
    return ""


def _with_candidates(
    found: Recommendation, tested: Tested, arms: Sequence[ArmResult], reference: ArmResult
) -> Recommendation:
    best = None if reference.is_baseline else reference.name
    usable = [arm for arm in arms if arm.mean and arm.converged]
    kind = next((kind for kind in COSTS if cheaper_arms(usable, reference, kind)), None)
    if kind is None or tested.main is None:
        return replace(found, arm=best)
    costs = {arm.name: float(getattr(arm, kind)) for arm in cheaper_arms(usable, reference, kind)}
    own = float(getattr(reference, kind))
    # What is no candidate is given the reference's cost, which is not below it.
    every = {name: costs.get(name, own) for name in tested.main.arms}
    cheapest, tests = stats.cheapest_non_inferior(
        tested.main, costs=every, reference=reference.name, margin=found.margin
    )
    candidates = tuple(_candidate(test) for test in tests)
    return replace(found, arm=cheapest.arm or best, cost=COSTS[kind], candidates=candidates)


def cheaper_arms(arms: Sequence[ArmResult], reference: ArmResult, kind: str) -> list[ArmResult]:
    """The arms whose cost of a kind (`COSTS`) is lower than the reference's, by more than it varies."""
    own = getattr(reference, kind)
    return [
        arm for arm in arms if own and getattr(arm, kind) and is_lower(getattr(arm, kind), own, kind=kind)
    ]


def _candidate(tested: stats.Candidate) -> Candidate:
    test = tested.test
    return Candidate(
        arm=tested.arm,
        difference=interval_of(test.comparison) if test else None,
        p_adjusted=tested.p_adjusted,
        non_inferior=tested.non_inferior,
    )
