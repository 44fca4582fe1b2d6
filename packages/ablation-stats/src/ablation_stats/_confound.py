"""What differs between arms besides the factor: parameters, compute, tokens, steps, samples, time, anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ablation_stats._finding import Finding
from ablation_stats._frame import to_lazy
from ablation_stats._refuse import require_known
from ablation_stats._result import Tabular

# Columns of results, never costs.
NOT_COSTS = (
    "arm",
    "study",
    "seed",
    "condition",
    "task",
    "item",
    "cluster",
    "metric",
    "value",
    "weight",
    "valid",
)
# Followed by time and energy, which measure the machine as much as the arm.
MEASURED = ("seconds", "time", "energy")


@dataclass(frozen=True, kw_only=True)
class Confound(Tabular):
    """One quantity of one arm beside the baseline's.

    Attributes:
        arm: the arm; quantity: the column; value: the arm's; baseline: the baseline's, as text.
        change: (value - baseline) / baseline; None for text or a baseline of 0.
        differs: beyond the tolerance.
    """

    arm: str
    quantity: str
    value: str
    baseline: str
    change: float | None
    differs: bool


def confound_report(
    costs: Any, *, baseline: str, factors: Sequence[str] = (), tolerance: float = 0.01
) -> tuple[tuple[Confound, ...], tuple[Finding, ...]]:
    """Every quantity in which an arm differs from the baseline besides the factors, and the findings.

    Args:
        costs: frame with one row per arm (or per arm and seed: numbers are averaged, text must agree), column `arm`
            and one column per quantity; or the long frame of results with cost columns.
        baseline: arm that the others are compared with.
        factors: columns that are meant to differ; everything else should not.
        tolerance: relative difference allowed, at least 0; times get ten times as much.

    Raises:
        ValueError: no arm column, an unknown baseline, no quantity to compare, tolerance below 0.
    """
    if not tolerance >= 0:
        raise ValueError(f"tolerance must be at least 0, got {tolerance!r}")
    lazy = to_lazy(costs)
    names = lazy.collect_schema().names()
    require_known("arm", names, what="a column of costs")
    for factor in factors:
        require_known(factor, names, what="factor")
    quantities = [name for name in names if name not in NOT_COSTS and name not in factors]
    if not quantities:
        raise ValueError(f"costs has no column besides {sorted(names)}: there is nothing to compare")
    table = _per_arm(lazy, quantities)
    require_known(baseline, table["arm"].to_list(), what="baseline")
    base = table.row(by_predicate=pl.col("arm") == baseline, named=True)
    rows = [
        _compare(row, base, quantity, tolerance)
        for row in table.iter_rows(named=True)
        if row["arm"] != baseline
        for quantity in quantities
    ]
    return tuple(rows), tuple(_findings(rows, baseline))


def _per_arm(lazy: pl.LazyFrame, quantities: list[str]) -> pl.DataFrame:
    schema = lazy.collect_schema()
    expressions = []
    for name in quantities:
        column = pl.col(name)
        if schema[name].is_numeric():
            expressions.append(column.cast(pl.Float64).mean().fill_nan(None))
        else:
            expressions.append(column.cast(pl.String).unique().sort().str.join(" | "))
    table = lazy.group_by(pl.col("arm").cast(pl.String)).agg(expressions).sort("arm").collect()
    return table


def _compare(row: dict[str, Any], base: dict[str, Any], quantity: str, tolerance: float) -> Confound:
    value, other = row[quantity], base[quantity]
    change = None
    if isinstance(value, float) and isinstance(other, float):
        allowed = tolerance * (10 if any(part in quantity.lower() for part in MEASURED) else 1)
        change = 0.0 if value == other else (value - other) / other if other else None
        differs = abs(change) > allowed if change is not None else value != other
    else:
        differs = value != other
    shown = [f"{each:,.6g}" if isinstance(each, float) else str(each) for each in (value, other)]
    return Confound(
        arm=row["arm"], quantity=quantity, value=shown[0], baseline=shown[1], change=change, differs=differs
    )


def _findings(rows: list[Confound], baseline: str) -> list[Finding]:
    found = []
    arms = sorted({row.arm for row in rows})
    for arm in arms:
        differing = [row for row in rows if row.arm == arm and row.differs]
        for row in differing:
            by = f" ({row.change:+.1%})" if row.change is not None else ""
            text = (
                f"{arm} differs from {baseline} in {row.quantity} as well: {row.value} against {row.baseline}{by}. "
                "The effect of the factor is not identifiable apart from it; add an arm matched in it, or say so."
            )
            measured = any(part in row.quantity.lower() for part in MEASURED)
            found.append(
                Finding(check="confound", severity="note" if measured else "warning", subject=arm, text=text)
            )
    for quantity in sorted({row.quantity for row in rows}):
        if len(arms) > 1 and all(row.differs for row in rows if row.quantity == quantity):
            text = f"Every arm differs from {baseline} in {quantity}: no comparison with it holds {quantity} equal."
            found.append(Finding(check="confound", severity="warning", subject=quantity, text=text))
    return found
