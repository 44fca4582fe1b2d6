"""A comparison of two runs, printed."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ablation_runner.compare import ArmChange, Comparison


def show_comparison(comparison: Comparison, console: Console) -> None:
    """Prints every arm's means and their difference, then what else differs."""
    console.print(Text(f"{comparison.first} → {comparison.second}"), soft_wrap=True)
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("arm", "first", "second", "difference (95 % interval)", "seeds", ""):
        table.add_column(heading, justify="left" if heading in ("arm", "") else "right")
    for arm in comparison.arms:
        table.add_row(*map(Text, _cells(arm)))
    console.print(table)
    for heading, lines in (
        ("Trials:", comparison.missing),
        ("Settings:", comparison.configurations),
        ("Environment:", comparison.environment),
    ):
        for line in (heading, *(f"  {line}" for line in lines)) if lines else ():
            console.print(Text(line), soft_wrap=True)


def _cells(arm: ArmChange) -> tuple[str, ...]:
    if arm.first is None or arm.second is None or arm.difference is None:
        return arm.arm, "", "", "", str(len(arm.seeds)), arm.note
    interval = (
        f"{arm.difference:+.4f} ({arm.low:+.4f} to {arm.high:+.4f})" if arm.difference or arm.low else "0"
    )
    return arm.arm, f"{arm.first:.4f}", f"{arm.second:.4f}", interval, str(len(arm.seeds)), arm.note
