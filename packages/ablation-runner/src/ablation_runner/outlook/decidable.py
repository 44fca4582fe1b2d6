"""Which claims the planned seeds and items can decide: from the study's own trials, or from a stated assumption."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import polars as pl

import ablation_stats as stats
from ablation_runner.outlook.tasks import items_of
from ablation_runner.report import scale_of
from ablation_runner.running.pipeline import is_finished
from ablation_runner.running.prepared import Prepared
from ablation_runner.scores.stats_claims import stats_claim
from ablation_runner.scores.tested_rows import tested_rows
from ablation_runner.storage.lock import ALPHA
from ablation_runner.study import Study, TrainedStudy

# What is assumed where no trials tell, in the metric's unit: one question in ten is answered differently by two arms,
# most of it by chance of training, and training runs move the whole difference by a point.
SD_SEED, SD_ITEM, SD_RESIDUAL = 0.01, 0.2, 0.25
GAIN = 0.02
ASSUMED = (
    f"assumed: the difference between two arms has a standard deviation of {100 * SD_SEED:g} points from seed to seed and "
    f"of {100 * (SD_ITEM**2 + SD_RESIDUAL**2) ** 0.5:.0f} from question to question; a true gain is {100 * GAIN:g} points "
    "above its margin"
)


@dataclass(frozen=True, kw_only=True)
class DecidableClaim:
    """What the planned seeds and items can say about a claim.

    Attributes:
        text, arm, against: the claim, and the two arms that it compares.
        type: of the questions that count; None where all do.
        rests_on: "own trials" or the assumption, in words.
        decidable: whether the verdict that fits the assumed gain comes with a power of 0.8.
        power: the probability of that verdict; None where nothing can be planned.
        gain: true difference that is assumed, in the claim's direction, in the metric's unit.
        min_detectable: smallest gain, or smallest margin of arms that do not differ, that is found with a power of 0.8.
        seeds_needed, items_needed: what decides the claim, the other as planned; None where no number is enough.
        reason: all of it in words.
        warnings: what a reader must know.
    """

    text: str
    arm: str
    against: str
    type: str | None
    rests_on: str
    decidable: bool
    power: float | None
    gain: float | None
    min_detectable: float | None
    seeds_needed: int | None
    items_needed: int | None
    reason: str
    warnings: tuple[str, ...]


def decidable_claims(prepared: Prepared) -> tuple[DecidableClaim, ...]:
    """The study's claims in their order, then that of the blind control where a claim needs it and trials tell.

    The pilot of a claim is what the study's own finished trials say of its two arms, from three seeds on.

    Raises:
        StudyError: a finished trial's predictions cannot be read.
    """
    finished = [trial for trial in prepared.trials if is_finished(prepared.folder, trial)]
    rows = tested_rows(prepared.folder, finished) if finished else None
    items, found = _test_items(prepared), []
    for claim, kind in _claims(prepared):
        own = rows if rows is None or kind is None else rows.filter(pl.col("question_type") == kind)
        level = _level(prepared.study, claim)
        planned = _planned(claim, prepared, _asked(items, kind, own), own, level=level)
        if planned is not None:
            found.append(replace(planned, type=kind))
    return tuple(found)


def _claims(prepared: Prepared) -> Iterator[tuple[stats.Claim, str | None]]:
    """The claims for ablation-stats, each with the type of its questions.

    Equivalence is given only where the blind control is told apart.
    """
    baseline, blind = prepared.arms[0].name, prepared.blind
    for claim in prepared.study.claims:
        yield stats_claim(claim, baseline), claim.type
    if blind and any(claim.kind in ("equivalent", "not-worse") for claim in prepared.study.claims):
        text = "The blind control answers worse than the baseline (needed for equivalence)."
        yield stats.Claim(text=text, arm=blind, baseline=baseline, expects="worse"), None


def _planned(
    claim: stats.Claim,
    prepared: Prepared,
    asked: tuple[int, int] | None,
    rows: pl.DataFrame | None,
    *,
    level: float,
) -> DecidableClaim | None:
    """What is known of a claim; None of the blind control's without trials: nobody knows beforehand what it loses."""
    seeds, unit = len(prepared.study.all_seeds), scale_of(prepared.study.metric).in_sentences
    target = prepared.study.generalizes_to
    if seeds < 2 and target == "both":
        reason = (
            "One seed cannot tell a difference between arms from one between training runs; plan at least 2."
        )
        return _undecidable(claim, reason, seeds_needed=2)
    own = (
        None
        if rows is None
        else _from_trials(claim, rows, target=target, seeds=seeds, level=level, unit=unit)
    )
    if own is not None:
        return _described(own, "own trials")
    if claim.arm == prepared.blind:
        return None
    if asked is None:
        return _undecidable(claim, "How many items the command tests on is known once a trial has finished.")
    if not asked[0]:
        return _undecidable(claim, "None of the test questions within data.limit is of this type.")
    planned = _assumed(claim, target=target, seeds=seeds, asked=asked, level=level, unit=unit)
    return _described(planned, ASSUMED)


def _level(study: Study, claim: stats.Claim) -> float:
    """What the claim's p must not exceed while no other is shown; where seeds are added as needed, at the last look.

    Earlier looks can only add to the power that follows from it.
    """
    level = ALPHA / max(1, len(study.claims))
    rule = study.seeds_as_needed
    if rule is None:
        return level
    sides = 2 if claim.kind == "superiority" else 1
    bounds = stats.sequential_boundaries(rule.looks, alpha=level, spending=rule.spending, sides=sides)
    return bounds.nominal[-1]


def _from_trials(
    claim: stats.Claim, rows: pl.DataFrame, *, target: str, seeds: int, level: float, unit: stats.Unit
) -> stats.ClaimPlan | None:
    """The plan from the seeds that both arms have finished; None where they are too few, or do not vary."""
    own = rows.filter(pl.col("arm").is_in([claim.arm, claim.baseline]))
    both = own.group_by("seed").agg(pl.col("arm").n_unique()).filter(pl.col("arm") == 2)["seed"]
    own = own.filter(pl.col("seed").is_in(both.implode()))
    if own.is_empty():
        return None
    (found,) = stats.plan([claim], own, seeds=seeds, generalize_to=target, alpha=level, unit=unit)
    return found if found.decidable is not None else None


def _assumed(
    claim: stats.Claim, *, target: str, seeds: int, asked: tuple[int, int], level: float, unit: stats.Unit
) -> stats.ClaimPlan:
    items, images = asked
    spread = stats.assumed_components(
        sd_seed=SD_SEED, sd_item=SD_ITEM, sd_residual=SD_RESIDUAL, items_per_cluster=items / images
    )
    gain = claim.margin + GAIN if claim.kind == "superiority" else 0.0
    (found,) = stats.plan(
        [claim], spread, seeds=seeds, items=items, effect=gain, generalize_to=target, alpha=level, unit=unit
    )
    return found


def _test_items(prepared: Prepared) -> pl.DataFrame | None:
    """The test questions of the baseline, drawn once for all claims; None of a command's."""
    if not isinstance(prepared.study, TrainedStudy):
        return None
    return items_of(prepared.study.baseline.data, "test")


def _asked(items: pl.DataFrame | None, kind: str | None, rows: pl.DataFrame | None) -> tuple[int, int] | None:
    """Test questions that are of a type, or all, and how many images they are about.

    None of a command's before its first result, as only that tells.
    """
    if items is None:
        asked = rows.unique("item") if rows is not None else None
        return None if asked is None else (asked.height, asked["cluster"].n_unique())
    asked = items if kind is None else items.filter(pl.col("question_type") == kind)
    return len(asked), asked["image_id"].n_unique()


def _undecidable(claim: stats.Claim, reason: str, *, seeds_needed: int | None = None) -> DecidableClaim:
    return DecidableClaim(
        text=claim.text,
        arm=claim.arm,
        against=claim.baseline,
        type=None,
        rests_on="the plan",
        decidable=False,
        power=None,
        gain=None,
        min_detectable=None,
        seeds_needed=seeds_needed,
        items_needed=None,
        reason=reason,
        warnings=(),
    )


def _described(found: stats.ClaimPlan, rests_on: str) -> DecidableClaim:
    return DecidableClaim(
        text=found.claim.text,
        arm=found.claim.arm,
        against=found.claim.baseline,
        type=None,
        rests_on=rests_on,
        decidable=bool(found.decidable),
        power=found.power,
        gain=found.gain,
        min_detectable=found.min_detectable,
        seeds_needed=found.seeds_needed,
        items_needed=found.items_needed,
        reason=found.reason,
        warnings=found.warnings,
    )
