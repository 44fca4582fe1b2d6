"""The tables as rows of finished text, which every format then only lays out."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from ablation_runner.report._numbers import (
    NOTHING,
    Scale,
    count_text,
    p_text,
    range_text,
    seconds_text,
    signed,
)
from ablation_runner.report._numbers import value_text as shown
from ablation_runner.report._section import Grid, grids
from ablation_runner.report._standing import standing
from ablation_runner.results import ArmResult, Interval, StudyResults


@dataclass(frozen=True, kw_only=True)
class ArmRow:
    """An arm of the main table; every field is what the reader sees."""

    name: str
    role: str
    mean: str
    mean_range: str
    difference: str
    difference_range: str
    p: str
    verdict: str
    parameters: str
    macs: str
    visual_tokens: str
    train_seconds: str
    converged: str
    invalid: str
    seeds: str


@dataclass(frozen=True, kw_only=True)
class TrialRow:
    """A trial that did not finish."""

    arm: str
    seed: str
    status: str
    cause: str


@dataclass(frozen=True, kw_only=True)
class DifferingRow:
    """What an arm differs in from the baseline: what the study sets, and what follows from it."""

    name: str
    set: tuple[str, ...]
    implied: tuple[str, ...]


# What is said of an arm besides its score: heading of the column, and field of its row.
FACTS = {
    "Parameters": "parameters",
    "MACs": "macs",
    "Visual tokens": "visual_tokens",
    "Training time": "train_seconds",
    "Converged": "converged",
    "Invalid answers": "invalid",
    "Seeds": "seeds",
}


def known_facts(rows: Sequence[ArmRow]) -> dict[str, str]:
    """Those of FACTS that are known of some arm; a trainer of the user's own need not tell any."""
    return {head: name for head, name in FACTS.items() if any(getattr(row, name) != NOTHING for row in rows)}


def arm_rows(results: StudyResults, scale: Scale) -> list[ArmRow]:
    """One row per arm, in the study's order."""
    return [_arm_row(arm, results, scale) for arm in results.arms]


def warnings(results: StudyResults) -> dict[str, list[str]]:
    """What a reader must know of arms: each sentence once, with the arms that it is true of."""
    found: dict[str, list[str]] = {}
    for arm in results.arms:
        for said in arm.warnings:
            found.setdefault(said, []).append(arm.name)
    return found


def _arm_row(arm: ArmResult, results: StudyResults, scale: Scale) -> ArmRow:
    difference = None if arm.is_baseline else arm.difference
    return ArmRow(
        name=arm.name,
        role="baseline" if arm.is_baseline else "blind control" if arm.is_blind else "",
        mean=shown(arm.mean.estimate, scale) if arm.mean else NOTHING,
        mean_range=range_text(arm.mean, scale) if arm.mean else "",
        difference=signed(difference.estimate, scale) if difference else NOTHING,
        difference_range=range_text(difference, scale, sign=True) if difference else "",
        p=NOTHING if arm.is_baseline else p_text(arm.p if arm.p_adjusted is None else arm.p_adjusted),
        verdict=standing(arm, results).value,
        parameters=count_text(arm.parameters) if arm.parameters else NOTHING,
        macs=count_text(arm.macs) if arm.macs else NOTHING,
        visual_tokens=f"{arm.visual_tokens:,}" if arm.visual_tokens else NOTHING,
        train_seconds=seconds_text(arm.train_seconds),
        converged=_converged(arm),
        invalid=NOTHING if arm.invalid is None else _invalid(arm.invalid),
        seeds=str(len(arm.seeds)),
    )


def _converged(arm: ArmResult) -> str:
    if arm.mean is None or not arm.convergence_known:
        return NOTHING
    return "yes" if arm.converged else "no"


def _invalid(share: float) -> str:
    """A share of invalid answers: none, or a percentage that does not round to none."""
    return "none" if share == 0 else "<0.1\u00a0%" if share < 0.0005 else f"{100 * share:.1f}\u00a0%"


def type_tables(results: StudyResults, scale: Scale) -> tuple[Grid, ...]:
    """The score by question type, a few types to a table, the most frequent first."""
    if results.by_type.is_empty():
        return ()
    cells = {
        (arm, kind): (
            shown(estimate, scale),
            range_text(Interval(estimate=estimate, low=low, high=high), scale),
        )
        for arm, kind, estimate, low, high in results.by_type.select(
            "arm", "question_type", "estimate", "low", "high"
        ).iter_rows()
        if estimate is not None and low is not None and high is not None
    }
    arms = [arm.name for arm in results.arms if arm.mean is not None]
    return grids("Arm", question_types(results.by_type), arms, cells)


def question_types(by_type: pl.DataFrame) -> list[str]:
    """The question types, those with most questions first."""
    most = by_type.group_by("question_type").agg(pl.col("items").max())
    return most.sort("items", "question_type", descending=[True, False])["question_type"].to_list()


def open_trials(results: StudyResults) -> list[TrialRow]:
    """The trials that did not finish, with what is known of the cause."""
    if results.trials.is_empty():
        return []
    rows = results.trials.filter(pl.col("status") != "finished").select("arm", "seed", "status", "cause")
    return [
        TrialRow(arm=arm, seed=str(seed), status=status, cause=cause or "")
        for arm, seed, status, cause in rows.iter_rows()
    ]


def differing_rows(results: StudyResults) -> list[DifferingRow]:
    """One row per arm that differs in anything, in the study's order."""
    return [
        DifferingRow(
            name=arm.name,
            set=arm.differs,
            implied=tuple(said.replace(" %", "\u00a0%") for said in arm.implied),
        )
        for arm in results.arms
        if arm.differs or arm.implied
    ]
