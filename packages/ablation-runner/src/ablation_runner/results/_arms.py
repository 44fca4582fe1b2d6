"""Arms and claims as the report shows them."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Interval:
    """An estimate with its confidence interval, in the metric's unit (accuracies in 0..1)."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class ArmResult:
    """One arm of the study.

    Attributes:
        name: as the study file says it.
        is_baseline: the arm the others are compared with.
        is_blind: the positive control whose images are shuffled.
        differs: what differs from the baseline under the factor, one line each ("model.connector: mlp").
        implied: what follows from it, one line each ("parameters 312,400 (+12 %)").
        parameters: trainable parameters.
        macs: multiply-accumulates of one question, forward.
        visual_tokens: tokens per image that the language model sees.
        train_seconds: median over seeds.
        seeds: seeds with a finished trial.
        mean: the metric with its interval over seeds and images; None without a finished trial.
        difference: paired difference to the baseline; None for the baseline itself or where not defined.
        p: two-sided p of the difference; p_adjusted: over the study's arms.
        converged: false where the validation loss, averaged over seeds, was still falling at the end.
        convergence_known: false where no validation loss is known; it then counts as converged.
        warnings: what a reader must know, one sentence each.
        invalid: share of its test answers that are no valid answer, 0..1; None without a finished trial.
    """

    name: str
    is_baseline: bool
    is_blind: bool
    differs: tuple[str, ...]
    implied: tuple[str, ...]
    parameters: int
    macs: int
    visual_tokens: int
    train_seconds: float | None
    seeds: tuple[int, ...]
    mean: Interval | None
    difference: Interval | None
    p: float | None
    p_adjusted: float | None
    converged: bool
    warnings: tuple[str, ...]
    invalid: float | None = None
    convergence_known: bool = True


@dataclass(frozen=True, kw_only=True)
class ClaimResult:
    """A claim of the study file with its verdict.

    Attributes:
        text: the claim in words.
        arm: the arm it is about.
        against: the arm it is compared with; None for the baseline.
        verdict: supported, refuted, equivalent, non-inferior, inconclusive or not informative.
        reason: why, in one sentence, with the numbers.
        settle: what would settle it (more seeds, more items), empty where it is settled.
        locked: the claim was in the study's lock before its first result; else it is exploratory.
        question_type: of the questions that count; None where all do.
    """

    text: str
    arm: str
    verdict: str
    reason: str
    settle: str
    locked: bool
    against: str | None = None
    question_type: str | None = None
