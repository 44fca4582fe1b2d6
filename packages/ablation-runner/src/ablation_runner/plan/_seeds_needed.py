"""How many seeds each arm needs in a study that adds them until its claims are decided."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ablation_runner.plan._arm import PlannedArm
from ablation_runner.study import Claim, Study

if TYPE_CHECKING:  # a plan without looks loads no tables
    from ablation_stats import SequentialVerdict


@dataclass(frozen=True, kw_only=True)
class SeedsNeeded:
    """What the looks so far say.

    Attributes:
        seeds: arm to number of seeds; more than it has where a claim about it is undecided.
        verdicts: hash of each claim to its verdict after the looks so far; a claim that was not locked before the first
            result is judged like the others and adds no seeds.
        locked: hashes of the claims that add seeds.
    """

    seeds: Mapping[str, int]
    verdicts: "Mapping[str, SequentialVerdict]"
    locked: frozenset[str]

    @property
    def is_over(self) -> bool:
        """Whether no claim needs more seeds."""
        return all(found.stop for name, found in self.verdicts.items() if name in self.locked)


def most_seeds(
    study: Study, arms: Sequence[PlannedArm], needed: SeedsNeeded | None, *, is_open: Callable[[Claim], bool]
) -> dict[str, int]:
    """Seeds of each arm if no open claim is decided before the last look; the same number for all where they are a list.

    Args:
        study: the study.
        arms: its arms, the baseline first.
        needed: what the looks so far say; None before the first.
        is_open: whether a claim may still add seeds.
    """
    rule = study.seeds_as_needed
    if rule is None:
        return dict.fromkeys((arm.name for arm in arms), len(study.all_seeds))
    most = dict(needed.seeds) if needed else {arm.name: rule.min for arm in arms}
    for claim in filter(is_open, study.claims):
        names = [claim.arm, claim.against or arms[0].name]
        names += [arm.name for arm in arms if arm.is_blind and claim.kind in ("equivalent", "not-worse")]
        most |= {name.split(" @ ")[0]: rule.max for name in names}
    return most
