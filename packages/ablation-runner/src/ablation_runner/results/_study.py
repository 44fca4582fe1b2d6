"""What a finished (or half-finished) study found, as the report reads it; the report draws it and computes nothing."""

from collections.abc import Callable
from dataclasses import dataclass, field

import polars as pl
from PIL import Image

from ablation_runner.results._arms import ArmResult, ClaimResult
from ablation_runner.results._choices import Choice
from ablation_runner.results._dose import DoseResponse
from ablation_runner.results._effects import DesignEffects
from ablation_runner.results._parts import CostFront, Recommendation, TransferTable
from ablation_runner.results._seeds import SeedsAdded
from ablation_stats import Finding


@dataclass(frozen=True, kw_only=True)
class StudyResults:
    """Everything the report shows; a part that the study does not have is empty or None.

    Attributes:
        name, title, question: from the study file.
        metric: of vlm-tasks, that arms are compared by ("exact_match").
        arms: in the study's order, baseline first.
        claims: in the study's order.
        conditions: arm, condition, estimate, low, high: means under every condition; difference, difference_low,
            difference_high, p_adjusted: to the baseline under the same condition, null where there is none. Empty where
            there is only one condition.
        predictions: on the questions that the report shows, one row per prediction as trained: arm, seed, task, item,
            cluster (image), question, question_type, answers (list of str), prediction, value, weight, valid.
        by_type: arm, question_type, estimate, low, high, items.
        curves: arm, seed, step, split ("train" or "validation"), loss; validation rows also have accuracy.
        trials: arm, seed, status ("finished", "failed", ...), cause, train_seconds, evaluate_seconds, steps.
        environment: label to value: versions, hardware, threads, git commit, times.
        command: the command that reproduces the study.
        image: the picture of an image id.
        questions, images: how many test questions were asked, about how many images.
        recommendation: None where the study declares no margin.
        cost_front: None where arms do not differ in cost.
        audit: findings, the most severe first.
        transfer: training level by test level; None where arms and conditions do not vary the same number.
        dose_responses: one for each number that arms vary alone, and for question types; empty where there is none.
        effects: of a design over several factors; None for others.
        allocations: question to arm to a picture of where its tokens went; arms that allocate none are left out.
        besides: arm, metric, estimate, low, high, items: what arms give besides; None or empty where they give nothing.
        choices: made on validation; empty where there is none.
        seeds_added: where seeds were added as needed; None where they are a list.
        scale: of the study ("cpu", "gpu"); stands_for: what its models and data stand for, in the study's words.
    """

    name: str
    title: str
    question: str
    metric: str
    arms: tuple[ArmResult, ...]
    claims: tuple[ClaimResult, ...]
    conditions: pl.DataFrame
    predictions: pl.DataFrame
    by_type: pl.DataFrame
    curves: pl.DataFrame
    trials: pl.DataFrame
    environment: dict[str, str]
    command: str
    image: Callable[[str], Image.Image]
    questions: int
    images: int
    recommendation: Recommendation | None = None
    cost_front: CostFront | None = None
    audit: tuple[Finding, ...] = ()
    transfer: TransferTable | None = None
    dose_responses: tuple[DoseResponse, ...] = ()
    effects: DesignEffects | None = None
    allocations: dict[str, dict[str, Image.Image]] = field(default_factory=dict)
    besides: pl.DataFrame | None = None
    choices: tuple[Choice, ...] = ()
    seeds_added: SeedsAdded | None = None
    scale: str = "cpu"
    stands_for: str | None = None
