"""How the score grows with a dose: the smallest that is enough, and where the curve bends."""

from collections.abc import Iterator, Sequence

import ablation_stats as stats
from ablation_runner.analysis._arms import interval_of, mean_of
from ablation_runner.analysis._cubes import Tested, of_items
from ablation_runner.analysis._doses import Doses, find_doses
from ablation_runner.analysis._recommend import blocked, smallest_margin
from ablation_runner.results import ArmResult, DosePoint, DoseResponse, Interval
from ablation_runner.running.prepared import Prepared

_RESAMPLES = 999
_LEAST_FOR_BEND = 5
_SEED = 0  # of the resamples, so that two reports of one run agree


def dose_responses(tested: Tested, prepared: Prepared, arms: Sequence[ArmResult]) -> tuple[DoseResponse, ...]:
    """Factor by factor: over all questions, then over each question type that a claim speaks of.

    Args:
        tested: the scores.
        prepared: the study.
        arms: what the report says of each arm.
    """
    if tested.main is None:
        return ()
    found: list[DoseResponse] = []
    for doses in find_doses(prepared):
        for subject, cube in _subjects(tested, prepared):
            shown = _response(doses, subject, cube, prepared, arms, blocked(tested, arms))
            found += [shown] if len(shown.points) > 2 else []
    return tuple(found)


def _subjects(tested: Tested, prepared: Prepared) -> Iterator[tuple[str, stats.PairedCube]]:
    """The name and the scores of what is asked: everything, and the types of which a claim speaks."""
    assert tested.main is not None
    yield "", tested.main
    types = {claim.type for claim in prepared.study.claims} - {None}
    for kind in tested.questions["question_type"].unique().sort():
        if kind in types:
            yield kind, of_items(tested.main, (tested.questions["question_type"] == kind).to_numpy())


def _response(
    doses: Doses,
    subject: str,
    cube: stats.PairedCube,
    prepared: Prepared,
    arms: Sequence[ArmResult],
    why_not: str,
) -> DoseResponse:
    converged = {arm.name: arm.converged for arm in arms}
    means = {arm: mean_of(cube, arm) for arm in doses.of_arm}
    points = tuple(
        DosePoint(arm=arm, dose=doses.of_arm[arm], mean=mean, converged=converged[arm])
        for arm, mean in means.items()
        if mean is not None
    )
    margin = smallest_margin(prepared.study.claims)
    usable = {point.arm: point.dose for point in points if point.converged}
    if points and not points[-1].converged:
        why_not = why_not or f"the largest dose, {points[-1].arm}, had not converged"
    enough, failed = (None, None) if why_not or margin is None else _enough(cube, list(usable), margin)
    bend, no_bend = _bend(cube, usable)
    return DoseResponse(
        factor=doses.factor,
        quantity=doses.quantity,
        subject=subject,
        points=points,
        margin=margin,
        enough=enough,
        failed=failed,
        blocked=why_not,
        bend=bend,
        no_bend=no_bend,
    )


def _enough(cube: stats.PairedCube, rising: list[str], margin: float) -> tuple[str | None, str | None]:
    """The smallest dose that holds the score of the largest, and the first that is not shown to."""
    if len(rising) < 2:
        return None, None
    found, tests = stats.smallest_non_inferior_dose(cube, doses=rising, margin=margin)
    tried = rising[-2 : -2 - len(tests) : -1]
    failed = [arm for arm, test in zip(tried, tests, strict=True) if not test.non_inferior]
    return found.dose, failed[0] if failed else None


def _bend(cube: stats.PairedCube, doses: dict[str, float]) -> tuple[Interval | None, str]:
    """Where two straight lines through the scores meet, with its interval; or why they do not."""
    if len(doses) < _LEAST_FOR_BEND:
        return None, f"it takes {_LEAST_FOR_BEND} doses that had converged, and there are {len(doses)}"
    if min(doses.values()) <= 0:
        return None, "a dose of 0 has no logarithm"
    try:
        knee, *_ = stats.fit_curve(cube, doses=doses, curve="broken-stick", rng=_SEED, n_resamples=_RESAMPLES)
    except ValueError as error:
        return None, str(error)
    return interval_of(knee), ""
