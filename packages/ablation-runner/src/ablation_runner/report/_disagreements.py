"""Questions on which arms disagree most, chosen by a rule and not by hand."""

from dataclasses import dataclass

import polars as pl

from ablation_runner.results import StudyResults

RULE = (
    "Chosen by rule: the questions on which arms differ most in how often they are right over their seeds "
    "(the blind control aside), each of another image and, where possible, of another kind."
)
TOKENS = (
    "Below the answers: where arms that allocate tokens (the first six) put them, under their first seed. A frame is one token: "
    "blue of one patch of the image, orange of 2 by 2, purple of 4 by 4; what is dark was dropped. White boxes hold what the answer "
    "can be read from, where that is known."
)
SHOWN = 5
_QUESTION = ["task", "item"]


@dataclass(frozen=True, kw_only=True)
class Given:
    """An answer that an arm gave: how many of its seeds gave it, and how right it is."""

    text: str
    seeds: int
    mark: str


@dataclass(frozen=True, kw_only=True)
class Disagreement:
    """A question with the right answers and, in the study's order, every arm's."""

    item: str
    image_id: str
    question: str
    question_type: str
    answers: tuple[str, ...]
    given: tuple[tuple[str, tuple[Given, ...]], ...]


def disagreements(results: StudyResults, count: int = SHOWN) -> list[Disagreement]:
    """Up to `count` questions; fewer, or none, where arms agree or only one has results."""
    if results.predictions.is_empty():
        return []
    seeing = [arm.name for arm in results.arms if not arm.is_blind]
    chosen = most_disputed(_spread(results.predictions.lazy().filter(pl.col("arm").is_in(seeing))), count)
    rows = results.predictions.lazy().join(chosen.lazy(), on=_QUESTION, how="inner").collect()
    return [
        _disagreement(rows.filter(task=task, item=item), results)
        for task, item in chosen.select(_QUESTION).rows()
    ]


def most_disputed(spread: pl.LazyFrame, count: int = SHOWN) -> pl.DataFrame:
    """The questions that the rule chooses, the first to show first.

    Args:
        spread: one row per question: task, item, question_type, cluster, and `spread`, the variance over arms of how
            often they are right.
        count: how many at most.
    """
    ranked = (
        spread.with_columns(pl.col("spread").round(6))
        .filter(pl.col("spread").is_finite() & (pl.col("spread") > 0))
        .sort("spread", *_QUESTION, descending=[True, False, False])
        .unique("cluster", keep="first", maintain_order=True)
        .with_columns(rank=pl.int_range(pl.len()).over("question_type"))
    )
    return (
        ranked.sort("rank", "spread", *_QUESTION, descending=[False, True, False, False])
        .head(count)
        .collect()
    )


def _spread(rows: pl.LazyFrame) -> pl.LazyFrame:
    described = {name: pl.col(name).first() for name in ("question_type", "cluster")}
    return (
        rows.group_by(*_QUESTION, "arm")
        .agg(right=pl.col("value").sum() / pl.col("weight").sum(), **described)
        .group_by(_QUESTION)
        .agg(spread=pl.col("right").var(ddof=0), **described)
    )


def _disagreement(rows: pl.DataFrame, results: StudyResults) -> Disagreement:
    first = rows.row(0, named=True)
    arms = [arm.name for arm in results.arms if arm.name in set(rows["arm"])]
    return Disagreement(
        item=str(first["item"]),
        image_id=str(first["cluster"]),
        question=first["question"],
        question_type=first["question_type"],
        answers=tuple(dict.fromkeys(first["answers"])),
        given=tuple((arm, _given(rows.filter(arm=arm).sort("seed"))) for arm in arms),
    )


def _given(rows: pl.DataFrame) -> tuple[Given, ...]:
    same = ["prediction", "value", "weight", "valid"]
    counted = (
        rows.group_by(same, maintain_order=True)
        .agg(seeds=pl.len())
        .sort("seeds", descending=True, maintain_order=True)
    )
    return tuple(
        Given(text=prediction or "", seeds=seeds, mark=_mark(value, weight, valid))
        for prediction, value, weight, valid, seeds in counted.iter_rows()
    )


def _mark(value: float, weight: float, valid: bool) -> str:
    if not valid:
        return "not a valid answer"
    if value >= weight:
        return "right"
    return "partly right" if value > 0 else "wrong"
