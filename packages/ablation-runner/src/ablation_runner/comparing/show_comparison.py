"""A comparison of two runs, printed."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ablation_runner.comparing.compare import ArmChange, Comparison
from ablation_runner.report import scale_of
from ablation_runner.report._numbers import Scale, range_text, signed, value_text
from ablation_runner.results import Interval


def show_comparison(comparison: Comparison, console: Console) -> None:
    """Prints every arm's means and their difference, then what else differs."""
    console.print(Text(f"{comparison.first} → {comparison.second}"), soft_wrap=True)
    scale = scale_of(comparison.metric)
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("arm", "first", "second", f"difference, {scale.step} (95 % interval)", "seeds", ""):
        table.add_column(heading, justify="left" if heading in ("arm", "") else "right")
    for arm in comparison.arms:
        table.add_row(*map(Text, _cells(arm, scale)))
    console.print(table)
    for heading, lines in (
        ("Trials:", comparison.missing),
        ("Settings:", comparison.configurations),
        ("Environment:", comparison.environment),
    ):
        for line in (heading, *(f"  {line}" for line in lines)) if lines else ():
            console.print(Text(line), soft_wrap=True)


def _cells(arm: ArmChange, scale: Scale) -> tuple[str, ...]:
    if arm.first is None or arm.second is None or arm.difference is None:
        return arm.arm, "", "", "", str(len(arm.seeds)), arm.note
    means = [value_text(mean, scale) for mean in (arm.first, arm.second)]
    shown = signed(arm.difference, scale)
    if arm.low is not None and arm.high is not None and not arm.low == arm.high == 0:
        interval = Interval(estimate=arm.difference, low=arm.low, high=arm.high)
        shown += f" ({range_text(interval, scale, sign=True)})"
    return arm.arm, *means, shown, str(len(arm.seeds)), arm.note
