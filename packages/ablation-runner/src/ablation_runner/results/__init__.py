"""What a study found: made by `analysis.analyze`, shown by `report`."""

from ablation_runner.results._arms import ArmResult, ClaimResult, Interval
from ablation_runner.results._choices import Candidacy, Choice
from ablation_runner.results._dose import DosePoint, DoseResponse
from ablation_runner.results._effects import CellMean, DesignEffects, EffectResult
from ablation_runner.results._parts import (
    COSTS,
    Candidate,
    CostFront,
    FrontPoint,
    Recommendation,
    TransferTable,
)
from ablation_runner.results._seeds import SeedsAdded, SeedsGiven
from ablation_runner.results._study import StudyResults

__all__ = [
    "COSTS",
    "ArmResult",
    "Candidacy",
    "Candidate",
    "CellMean",
    "Choice",
    "ClaimResult",
    "CostFront",
    "DesignEffects",
    "DosePoint",
    "DoseResponse",
    "EffectResult",
    "FrontPoint",
    "Interval",
    "Recommendation",
    "SeedsAdded",
    "SeedsGiven",
    "StudyResults",
    "TransferTable",
]
