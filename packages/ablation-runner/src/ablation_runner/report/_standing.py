"""Where an arm stands against the baseline, in one word: the arms table, the figures and the answer share it."""

from enum import StrEnum

from ablation_runner.results import ArmResult, StudyResults

LEVEL = 0.05


class Standing(StrEnum):
    """The word for an arm; its value is what the reader sees."""

    BASELINE = "baseline"
    CONTROL = "control"
    NO_RESULT = "no result yet"
    NOT_COMPARED = "not compared yet"
    NOT_CONVERGED = "inconclusive: not converged"
    EQUIVALENT = "equivalent"
    BETTER = "better"
    NON_INFERIOR = "non-inferior"
    WORSE = "worse"
    UNDECIDED = "inconclusive"


def baseline_of(results: StudyResults) -> ArmResult:
    """The arm the others are compared with.

    Raises:
        ValueError: not exactly one arm is marked as the baseline.
    """
    baselines = [arm for arm in results.arms if arm.is_baseline]
    if len(baselines) != 1:
        raise ValueError(f"a study has exactly one baseline arm, got {[arm.name for arm in baselines]}")
    return baselines[0]


def the_baseline(name: str) -> str:
    """The baseline in a sentence, by its name where it has one of its own."""
    return "the baseline" if name == "baseline" else f"the baseline {name}"


def is_significant(arm: ArmResult) -> bool:
    """Whether the difference's p, adjusted where it can be, is below 0.05."""
    p = arm.p if arm.p_adjusted is None else arm.p_adjusted
    return p is not None and p < LEVEL


def standing(arm: ArmResult, results: StudyResults) -> Standing:
    """The arm's word; an arm that had not converged, or whose baseline had not, is never judged.

    "Equivalent" and "non-inferior" need a margin that was declared, so they come from a claim against the baseline.
    """
    if arm.is_baseline:
        return Standing.BASELINE
    if arm.mean is None:
        return Standing.NO_RESULT
    if arm.is_blind:
        return Standing.CONTROL
    if arm.difference is None:
        return Standing.NOT_COMPARED
    if not (arm.converged and baseline_of(results).converged):
        return Standing.NOT_CONVERGED
    return _judged(arm, arm.difference.estimate, _claimed(arm, results))


def _claimed(arm: ArmResult, results: StudyResults) -> set[str]:
    against = {None, baseline_of(results).name}
    return {
        claim.verdict
        for claim in results.claims
        if claim.arm == arm.name and claim.against in against and claim.question_type is None
    }


def _judged(arm: ArmResult, difference: float, claimed: set[str]) -> Standing:
    if "equivalent" in claimed:
        return Standing.EQUIVALENT
    if is_significant(arm) and difference > 0:
        return Standing.BETTER
    if "non-inferior" in claimed:
        return Standing.NON_INFERIOR
    return Standing.WORSE if is_significant(arm) else Standing.UNDECIDED
