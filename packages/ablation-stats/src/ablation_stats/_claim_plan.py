"""What a planned study can say about one claim."""

from collections.abc import Callable
from dataclasses import dataclass

from ablation_stats._claim import Claim
from ablation_stats._claim_power import claim_test, right_verdict, smallest_findable, verdict_power
from ablation_stats._error_model import clusters_for, error_model
from ablation_stats._pilot_uncertainty import cautious_factor
from ablation_stats._result import Tabular
from ablation_stats._search import smallest
from ablation_stats._settle import MOST_SEEDS, MOST_TIMES_ITEMS
from ablation_stats._unit import AS_STORED, Unit
from ablation_stats._variance_components import VarianceComponents


@dataclass(frozen=True, kw_only=True)
class PlannedSize(Tabular):
    """The planned study.

    Attributes:
        seeds: training runs per arm; items: questions; generalize_to: "both", "items" or "seeds".
        level: error rate of one claim, after correction for their number; power: wanted.
    """

    seeds: int
    items: int
    generalize_to: str
    level: float
    power: float


@dataclass(frozen=True, kw_only=True)
class ClaimPlan(Tabular):
    """Whether a planned study decides one claim.

    Attributes:
        claim: the claim.
        size: of the study.
        gain: true difference assumed, in the claim's direction, metric's unit; None where there is none to assume.
        verdict: the one that this gain calls for.
        clusters: of items that the plan has.
        se: standard error that the comparison will have.
        power: probability of that verdict; power_cautious: the same if the error is as large as the pilot leaves possible
            (upper 80 % limit); None where the components are assumed.
        decidable: whether the power is at least the one wanted; None where the pilot cannot tell.
        min_detectable: smallest gain that is supported with the power wanted; for equivalence and non-inferiority the
            smallest margin that can be shown of arms that do not differ.
        seeds_needed: seeds that decide the claim on the planned items; items_needed: items under the planned seeds; None
            where no number up to 100 seeds, or 100 times the items, is enough.
        reason: all of it in words.
        components: what the plan rests on; None where the pilot cannot give them.
        warnings: what a reader must know.
    """

    claim: Claim
    size: PlannedSize
    gain: float | None
    verdict: str | None
    clusters: int | None
    se: float | None
    power: float | None
    power_cautious: float | None
    decidable: bool | None
    min_detectable: float | None
    seeds_needed: int | None
    items_needed: int | None
    reason: str
    components: VarianceComponents | None
    warnings: tuple[str, ...] = ()


def plan_claim(
    claim: Claim,
    components: VarianceComponents,
    *,
    gain: float,
    size: PlannedSize,
    unit: Unit = AS_STORED,
    warnings: tuple[str, ...] = (),
) -> ClaimPlan:
    """The plan of one claim from the components of its difference and an assumed gain.

    Args:
        claim: the claim.
        components: of the paired difference.
        gain: true difference assumed, in the claim's direction.
        size: of the study.
        unit: in which the reason writes the metric.
        warnings: to carry along, besides those of the components.
    """
    test = claim_test(claim)
    verdict = right_verdict(test, gain)

    def power(seeds: int, items: int, factor: float = 1.0) -> float:
        model = error_model(components, seeds=seeds, items=items, generalize_to=size.generalize_to)
        return verdict_power(test, gain, model.scaled(factor), alpha=size.level, verdict=verdict)

    model = error_model(components, seeds=size.seeds, items=size.items, generalize_to=size.generalize_to)
    said = (*components.warnings, *warnings)
    if model.true_se <= 0:
        text = "The differences do not vary in the pilot, so there is no error to plan with."
        return unplanned(claim, size, text, components=components, warnings=said)
    factor = cautious_factor(components, seeds=size.seeds, items=size.items, generalize_to=size.generalize_to)
    planned = power(size.seeds, size.items)
    seeds_needed, items_needed = _needed(power, size)
    detectable = smallest_findable(test, model, alpha=size.level, power=size.power)
    return ClaimPlan(
        claim=claim,
        size=size,
        gain=gain,
        verdict=verdict,
        clusters=clusters_for(components, size.items),
        se=model.true_se,
        power=planned,
        power_cautious=None if factor is None else power(size.seeds, size.items, factor),
        decidable=planned >= size.power,
        min_detectable=detectable,
        seeds_needed=seeds_needed,
        items_needed=items_needed,
        reason=_words(claim, size, gain, verdict, planned, detectable, seeds_needed, items_needed, unit),
        components=components,
        warnings=said,
    )


def unplanned(
    claim: Claim,
    size: PlannedSize,
    reason: str,
    *,
    components: VarianceComponents | None = None,
    warnings: tuple[str, ...] = (),
) -> ClaimPlan:
    """A plan without numbers, for a pilot that cannot give them."""
    return ClaimPlan(
        claim=claim,
        size=size,
        gain=None,
        verdict=None,
        clusters=None,
        se=None,
        power=None,
        power_cautious=None,
        decidable=None,
        min_detectable=None,
        seeds_needed=None,
        items_needed=None,
        reason=reason,
        components=components,
        warnings=warnings,
    )


def _needed(power: Callable[[int, int], float], size: PlannedSize) -> tuple[int | None, int | None]:
    """The seeds for the planned items, and the items for the planned seeds, that reach the power."""
    least = 1 if size.generalize_to == "items" else 2
    most_items = MOST_TIMES_ITEMS * size.items
    seeds = smallest(lambda n: power(n, size.items) >= size.power, least, MOST_SEEDS)
    items = smallest(lambda n: power(size.seeds, n) >= size.power, 2, most_items)
    return seeds, items


def _words(
    claim: Claim,
    size: PlannedSize,
    gain: float,
    verdict: str,
    power: float,
    detectable: float,
    seeds: int | None,
    items: int | None,
    unit: Unit,
) -> str:
    truth = f"a true gain of {unit.signed(gain)}" if gain else "no true difference"
    margin = f" (margin {unit.amount(claim.margin)})" if claim.margin else ""
    start = (
        f"With {size.seeds} seed{'s' if size.seeds > 1 else ''} and {size.items:,} items, {truth} gives "
        f"'{verdict}'{margin} with power {power:.2f}"
    )
    shown = "gain found" if claim.kind == "superiority" else "margin shown of equal arms"
    start += f"; the smallest {shown} with power {size.power:g} is {unit.amount(detectable)}."
    if power >= size.power:
        return start
    options = [] if seeds is None else [f"{seeds} seeds on these items"]
    options += [] if items is None else [f"{items:,} items under these seeds"]
    if options:
        return f"{start} It takes {' or '.join(options)}."
    return f"{start} Neither {MOST_SEEDS} seeds nor {MOST_TIMES_ITEMS} times the items alone are enough."
