"""The score of every arm by question type."""

import polars as pl

from ablation_runner.analysis._arms import mean_of
from ablation_runner.analysis._cubes import Tested, of_items

_SCHEMA = {
    "arm": pl.String, "question_type": pl.String, "estimate": pl.Float64, "low": pl.Float64, "high": pl.Float64,
    "items": pl.Int64,
}  # fmt: skip


def scores_by_type(tested: Tested, arms: list[str]) -> pl.DataFrame:
    """Each arm's mean by question type, with its interval; empty while no seed is shared.

    Args:
        tested: the scores.
        arms: names, in the order of the report.
    """
    cube = tested.main
    if cube is None:
        return pl.DataFrame(schema=_SCHEMA)
    rows = []
    for question_type in tested.questions["question_type"].unique().sort():
        own = of_items(cube, (tested.questions["question_type"] == question_type).to_numpy())
        for arm in arms:
            mean = mean_of(own, arm)
            if mean is not None:
                row = {"arm": arm, "question_type": question_type, "items": own.items.len()}
                rows.append(row | {"estimate": mean.estimate, "low": mean.low, "high": mean.high})
    return pl.DataFrame(rows, schema=_SCHEMA)
