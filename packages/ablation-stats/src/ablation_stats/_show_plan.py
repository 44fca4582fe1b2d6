"""A plan as a terminal shows it."""

from collections.abc import Sequence

from rich.console import Console

from ablation_stats._claim_plan import ClaimPlan
from ablation_stats._show import SPEAKS_OF, add_row, counted, plain_table


def show_plan(plans: Sequence[ClaimPlan], console: Console) -> None:
    """What is planned, a row per claim, and the reasons."""
    size, claim = plans[0].size, plans[0].claim
    margin = f", margin {claim.margin:g}" if claim.margin else ""
    console.print(
        f"{counted(size.seeds, 'seed')} x {counted(size.items, 'item')}, about {SPEAKS_OF[size.generalize_to]}\n"
        f"{claim.kind} against {claim.baseline}{margin}; power wanted {size.power:g} at level {size.level:.3g} per arm",
        markup=False,
        highlight=False,
    )
    detectable = "smallest gain" if claim.kind == "superiority" else "smallest margin"
    table = plain_table("arm", "gain", "power", detectable, "seeds", "items", "decidable")
    for each in plans:
        cells = (
            _number(each.gain, "+.3g"),
            _number(each.power, ".2f"),
            _number(each.min_detectable, ".3g"),
            _number(each.seeds_needed, ","),
            _number(each.items_needed, ","),
            {True: "yes", False: "no", None: "unknown"}[each.decidable],
        )
        add_row(table, each.claim.arm, *cells)
    console.print(table)
    console.print("seeds, items: needed of either, the other as planned; - where none is enough.")
    for each in plans:
        console.print(f"{each.claim.arm}: {each.reason}", markup=False, highlight=False)
    for said, arms in _warnings(plans).items():
        of = "" if len(arms) == len(plans) else f" on {', '.join(arms)}"
        console.print(f"note{of}: {said}", markup=False, highlight=False)


def _warnings(plans: Sequence[ClaimPlan]) -> dict[str, list[str]]:
    """The arms that each warning is about."""
    found: dict[str, list[str]] = {}
    for each in plans:
        for said in each.warnings:
            found.setdefault(said, []).append(each.claim.arm)
    return found


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
