"""Trained at one level, tested at another: the matrix as a heat map with its numbers."""

from ablation_runner.report._heat import HeatCell, heat_map
from ablation_runner.report._numbers import Scale, number, range_text, signed
from ablation_runner.report._section import Section, grids, with_figure
from ablation_runner.results import Interval, StudyResults, TransferTable

_BLUES = ("#eaf2f9", "#a9cfe8", "#4f9fcd", "#0a5fa0", "#053061")


def transfer(study: StudyResults, scale: Scale) -> Section | None:
    """The section; None where arms and conditions do not vary the same number."""
    table = study.transfer
    if table is None:
        return None
    unit = f", {scale.unit}" if scale.unit else ""
    figure = heat_map(
        _cells(table, scale),
        name="transfer",
        title=f"Trained at one number of {table.quantity}, tested at another"
        if table.quantity == "visual tokens"
        else f"Trained at one {table.quantity}, tested at another",
        short="Train × test",
        caption=(
            f"Mean {scale.word}{unit}; below it, in {scale.axis}, the difference to the arm that was trained at the level "
            "tested. Framed: trained and tested at the same level. Darker is higher."
        ),
        row_title=f"trained at ({table.quantity})",
        column_title=f"tested at ({table.quantity})",
        colours=_BLUES,
    )
    return with_figure(
        figure,
        note=(
            f"What a training level costs when another is used for testing: {scale.word} minus that of the arm trained "
            f"at the level tested, in {scale.axis}, with 95 % intervals."
        ),
        grids=grids(
            "Arm",
            [f"tested at {level}" for level in table.tested],
            [_row(level) for level in table.trained],
            {
                (_row(train), f"tested at {test}"): _difference(loss, scale, same=train == test)
                for train, losses in zip(table.trained, table.losses, strict=True)
                for test, loss in zip(table.tested, losses, strict=True)
            },
        ),
    )


def _row(trained: str) -> str:
    """A level, or the name of an arm that was trained otherwise."""
    return f"trained at {trained}" if trained[:1].isdigit() else trained


def _difference(loss: Interval | None, scale: Scale, *, same: bool) -> tuple[str, str]:
    if loss is None:
        return ("same level" if same else "–"), ""
    return signed(loss.estimate, scale), range_text(loss, scale, sign=True)


def _cells(table: TransferTable, scale: Scale) -> list[HeatCell]:
    known = [mean for row in table.means for mean in row if mean is not None]
    low, spread = min(known), max(known) - min(known)
    return [
        HeatCell(
            row=train,
            column=test,
            strength=(mean - low) / spread if spread else 0.5,
            text=number(mean, scale),
            below=signed(loss.estimate, scale) if loss else "",
            marked=train == test,
        )
        for train, means, losses in zip(table.trained, table.means, table.losses, strict=True)
        for test, mean, loss in zip(table.tested, means, losses, strict=True)
        if mean is not None
    ]
