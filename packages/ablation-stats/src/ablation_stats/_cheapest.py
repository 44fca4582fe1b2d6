"""The cheapest arm that is shown not to be worse than a reference, within a limit on cost."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ablation_stats._adjust import adjust_pvalues
from ablation_stats._compare_t import estimate_t
from ablation_stats._contrast import arm_contrast
from ablation_stats._cube import as_cube
from ablation_stats._equivalence import NonInferiorityTest, non_inferiority
from ablation_stats._joint_draws import numbers_of_arms
from ablation_stats._refuse import require_known, require_level, require_positive
from ablation_stats._result import Tabular


@dataclass(frozen=True, kw_only=True)
class Candidate(Tabular):
    """One arm that might do.

    Attributes:
        arm: the arm; cost: its cost.
        test: non-inferiority to the reference, not corrected; None where the difference does not vary.
        p_adjusted: its p over all candidates (Holm); None likewise.
        non_inferior: whether `p_adjusted` is below the error rate.
    """

    arm: str
    cost: float
    test: NonInferiorityTest | None
    p_adjusted: float | None
    non_inferior: bool


@dataclass(frozen=True, kw_only=True)
class CheapestArm(Tabular):
    """The cheapest arm shown to be non-inferior.

    Attributes:
        arm: its name; None where no candidate was shown to be non-inferior.
        cost: its cost, None likewise.
        reference: what it is compared with; limit: most cost allowed, None for no limit.
        margin: largest loss accepted; alpha: chance of naming an arm that loses more.
        reason: in plain words.
    """

    arm: str | None
    cost: float | None
    reference: str
    limit: float | None
    margin: float
    alpha: float
    reason: str


def cheapest_non_inferior(
    frame: Any,
    *,
    costs: Mapping[str, float],
    reference: str,
    margin: float,
    limit: float | None = None,
    metric: str | None = None,
    task: str | None = None,
    generalize_to: str = "both",
    alpha: float = 0.05,
    higher_is_better: bool = True,
) -> tuple[CheapestArm, tuple[Candidate, ...]]:
    """The cheapest arm that loses less than the margin against the reference, and every test made.

    Candidates cost at most `limit` and, where the reference itself does, less than it. All are tested and corrected
    together (Holm), so the chance of naming any arm that loses the margin or more is at most `alpha`, in
    whatever order their costs lie; for doses of one factor `smallest_non_inferior_dose` is the sharper tool.

    Args:
        frame: long frame or cube.
        costs: cost per arm.
        reference: arm whose score must be held, named beforehand.
        margin: largest loss accepted, metric's unit, above 0.
        limit: most cost allowed; None for no limit.
        metric: metric to read, where the frame holds several.
        task: likewise.
        generalize_to: "both", "items" or "seeds".
        alpha: error rate, 0..0.5.
        higher_is_better: False for error rates and losses.

    Raises:
        ValueError: an arm without a cost, no candidate within the limit, or as `non_inferiority`.
    """
    require_positive(margin, what="margin")
    require_level(2 * alpha)
    cube = as_cube(frame, metric=metric, task=task)
    require_known(reference, cube.arms, what="reference")
    cost = dict(
        zip(cube.arms, numbers_of_arms(costs, cube.arms, what="costs", positive=False).tolist(), strict=True)
    )
    allowed = [arm for arm in cube.arms if arm != reference and (limit is None or cost[arm] <= limit)]
    if limit is None or cost[reference] <= limit:
        allowed = [arm for arm in allowed if cost[arm] < cost[reference]]
    if not allowed:
        bound = f"a cost of at most {limit:g}" if limit is not None else "a cost below the reference's"
        raise ValueError(f"no arm besides {reference!r} has {bound}")
    allowed.sort(key=lambda arm: (cost[arm], arm))
    tests: dict[str, NonInferiorityTest] = {}
    for arm in allowed:
        comparison = estimate_t(
            arm_contrast(cube, arm, reference), generalize_to=generalize_to, level=1 - 2 * alpha
        )
        if comparison.se > 0.0:
            tests[arm] = non_inferiority(
                comparison, margin=margin, alpha=alpha, higher_is_better=higher_is_better
            )
    adjusted: dict[str, float] = {}
    if tests:
        corrected = adjust_pvalues([test.p_value for test in tests.values()], "holm")
        adjusted = dict(zip(tests, corrected.tolist(), strict=True))
    candidates = tuple(
        Candidate(
            arm=arm,
            cost=cost[arm],
            test=tests.get(arm),
            p_adjusted=adjusted.get(arm),
            non_inferior=adjusted.get(arm, 1.0) < alpha,
        )
        for arm in allowed
    )
    return _choose(candidates, reference, limit, margin, alpha), candidates


def _choose(
    candidates: tuple[Candidate, ...], reference: str, limit: float | None, margin: float, alpha: float
) -> CheapestArm:
    chosen = next((each for each in candidates if each.non_inferior), None)
    if chosen is None:
        reason = (
            f"None of {len(candidates)} candidates is shown to lose less than {margin:g} against {reference}."
        )
    else:
        reason = (
            f"{chosen.arm} loses less than {margin:g} against {reference} "
            f"(adjusted p = {chosen.p_adjusted:.2g} over {len(candidates)} candidates)."
        )
    return CheapestArm(
        arm=None if chosen is None else chosen.arm,
        cost=None if chosen is None else chosen.cost,
        reference=reference,
        limit=limit,
        margin=margin,
        alpha=alpha,
        reason=reason,
    )
