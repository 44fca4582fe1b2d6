"""Which look ended the adding of seeds to each arm, and why."""

from collections.abc import Iterator

import ablation_stats as stats
from ablation_runner.plan import PlannedArm, SeedsNeeded
from ablation_runner.results import SeedsAdded, SeedsGiven
from ablation_runner.running.prepared import Prepared

_SPENDING = {"obrien-fleming": "as O'Brien and Fleming spend it", "pocock": "evenly, after Pocock"}
_ENDS = {
    "decided": "was decided",
    "last look": "was open until the last look",
    "hopeless": "would hardly have been decided by the last look",
    "blocked": "could not have been decided by more seeds",
    "open": "is not decided yet",
}


def seeds_added(prepared: Prepared) -> SeedsAdded | None:
    """Seeds of each arm with the claims that asked for them; None where the seeds are a list."""
    rule, needed = prepared.study.seeds_as_needed, prepared.needed
    if rule is None or needed is None:
        return None
    return SeedsAdded(
        fewest=rule.min,
        most=rule.max,
        spending=_SPENDING[rule.spending],
        arms=tuple(
            SeedsGiven(arm=arm.name, seeds=needed.seeds[arm.name], why=_why(arm, needed))
            for arm in prepared.arms
        ),
    )


def _why(arm: PlannedArm, needed: SeedsNeeded) -> str:
    found = list(_asking(arm, needed))
    if not found:
        return "The fewest: no locked claim needed more of it."
    return " ".join(
        f"“{each.verdict.claim.text}” {_ENDS[each.end]} after {each.seeds} seeds." for each in found
    )


def _asking(arm: PlannedArm, needed: SeedsNeeded) -> Iterator[stats.SequentialVerdict]:
    """The locked claims that gave an arm as many seeds as it has."""
    for name, found in needed.verdicts.items():
        if name not in needed.locked:
            continue
        claim = found.verdict.claim
        is_named = arm.name in (claim.arm.split(" @ ")[0], claim.baseline.split(" @ ")[0])
        asked = max(found.needs * is_named, found.control_needs * arm.is_blind)
        if asked == needed.seeds[arm.name]:
            yield found
