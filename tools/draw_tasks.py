"""Makes the tables and the figure of docs/tasks.md from what `tools.measure_tasks` measured.

`python -m tools.draw_tasks` from the repository's root prints the tables and writes docs/tasks-budgets.svg.
"""

from pathlib import Path

import altair as alt
import polars as pl
import vl_convert

MEASURED = Path("docs/tasks-measured.csv")
FIGURE = Path("docs/tasks-budgets.svg")
BLIND = ("majority", "question_only", "nearest_caption")
CHANCE = {
    "object": 1 / 2, "hallucination": 1 / 2, "reasoning": 1 / 2, "spatial": 1 / 2, "count": 1 / 3,
    "attribute": (1 / 8 + 1 / 6 + 1 / 4) / 3, "fine-grained": (1 / 4 + 1 / 2) / 2, "ocr": (1 / 58 + 1 / 900) / 2,
}  # fmt: skip
"""What is scored by guessing among the answers that a question leaves open, in easy scenes."""
WITHIN = 1.96
"""Standard errors on either side of a share that hold its true value 19 times in 20."""
LEARNED = 0.05
"""How much more than chance a model has to score before it is said what it keeps."""
BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#5b6470"


def read_measured(path: Path) -> tuple[pl.DataFrame, list[str]]:
    """A row per task, those that keep most in four tokens last, and the budgets from the largest.

    `kept_4` and `kept_1` are the shares that so many tokens keep of what all of them add to chance; null where they
    add less than `LEARNED`.
    """
    table = pl.read_csv(path).pivot("given", index=["task", "items"], values="accuracy")
    table = table.with_columns(chance=pl.col("task").replace_strict(CHANCE))
    budgets = [name for name in table.columns if name.isdecimal()]
    gain = pl.col(budgets[0]) - pl.col("chance")
    kept = {
        f"kept_{budget}": pl.when(gain >= LEARNED).then((pl.col(budget) - pl.col("chance")) / gain)
        for budget in ("4", "1")
    }
    return table.with_columns(**kept).sort("kept_4", nulls_last=True), budgets


def markdown(table: pl.DataFrame, columns: dict[str, str]) -> str:
    """The columns as a Markdown table under their headings; shares with three digits, – where there is none."""
    lines = [f"| task | {' | '.join(columns.values())} |", f"|---|{'---|' * len(columns)}"]
    for row in table.rows(named=True):
        cells = " | ".join("–" if row[name] is None else f"{row[name]:.3f}" for name in columns)
        lines.append(f"| {row['task']} | {cells} |")
    return "\n".join(lines)


def draw(table: pl.DataFrame, budgets: list[str]) -> str:
    """SVG with a panel per task: accuracy against tokens, from the regions alone, and by chance."""
    rows = [
        {
            "task": row["task"], "tokens": int(budget), "accuracy": row[budget],
            "low": row[budget] - error(row[budget], row["items"]),
            "high": row[budget] + error(row[budget], row["items"]),
            "regions": row["regions"], "chance": row["chance"],
        }
        for row in table.rows(named=True)
        for budget in budgets
    ]  # fmt: skip
    tokens = alt.X(
        "tokens:Q", title="visual tokens",
        scale=alt.Scale(type="log", base=2), axis=alt.Axis(values=[int(budget) for budget in budgets]),
    )  # fmt: skip
    share = alt.Y("accuracy:Q", title="accuracy", scale=alt.Scale(domain=[0, 1]))
    base = alt.Chart().properties(width=165, height=130)
    layers = alt.layer(
        base.mark_rule(color=GREY, strokeDash=[2, 3]).encode(y="chance:Q"),
        base.mark_rule(color=ORANGE, strokeDash=[6, 3]).encode(y="regions:Q"),
        base.mark_rule(color=BLUE).encode(x=tokens, y="low:Q", y2="high:Q"),
        base.mark_line(color=BLUE, point=alt.OverlayMarkDef(color=BLUE, size=28)).encode(x=tokens, y=share),
        data=alt.InlineData(values=rows),
    )
    order = [row["task"] for row in table.rows(named=True)]
    chart = layers.facet(facet=alt.Facet("task:N", title=None, sort=order), columns=4)
    styled = chart.configure(background="white", font="Arial, Helvetica, sans-serif").configure_view(
        stroke=None
    )
    return str(vl_convert.vegalite_to_svg(styled.to_dict(), allowed_base_urls=[]))


def error(share: float, items: int) -> float:
    """Half the width of the 95 % interval of a share of so many independent items."""
    return WITHIN * float((share * (1 - share) / items) ** 0.5)


def main() -> None:
    table, budgets = read_measured(MEASURED)
    blind = dict(zip(BLIND, ("majority", "question only", "nearest caption"), strict=True))
    print(
        markdown(table, {"chance": "chance"} | blind | {budgets[0]: "whole image", "regions": "regions only"})
    )
    print()
    print(
        markdown(
            table, {budget: budget for budget in budgets} | {"kept_4": "kept in 4", "kept_1": "kept in 1"}
        )
    )
    FIGURE.write_text(draw(table, budgets), encoding="utf-8")


if __name__ == "__main__":
    main()
