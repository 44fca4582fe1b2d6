"""The study file: its schema, and reading it from disk."""

from ablation_runner.study._checkpoint import QUESTION, Checkpoint
from ablation_runner.study._command import Command, OwnSettings
from ablation_runner.study._configuration import Configuration
from ablation_runner.study._data import Data
from ablation_runner.study._encoder import Encoder, SingleEncoder
from ablation_runner.study._engine import Engine
from ablation_runner.study._factors import Changes, Design, Factor
from ablation_runner.study._kinds import CommandStudy, TrainedStudy
from ablation_runner.study._load import built_in_studies, find_study, load_study, parse_study
from ablation_runner.study._recommendation import Budget, ToChooseFrom
from ablation_runner.study._schema import AS_TRAINED, Arm, Claim, Study
from ablation_runner.study._seeds import SeedsAsNeeded
from ablation_runner.study._tokens import Reducer, reducer_needs
from ablation_runner.study._training import PARTS, Stage, Training
from ablation_runner.study._variants import Variant

__all__ = [
    "AS_TRAINED",
    "PARTS",
    "QUESTION",
    "Arm",
    "Budget",
    "Changes",
    "Checkpoint",
    "Claim",
    "Command",
    "CommandStudy",
    "Configuration",
    "Data",
    "Design",
    "Encoder",
    "Engine",
    "Factor",
    "OwnSettings",
    "Reducer",
    "SeedsAsNeeded",
    "SingleEncoder",
    "Stage",
    "Study",
    "ToChooseFrom",
    "TrainedStudy",
    "Training",
    "Variant",
    "built_in_studies",
    "find_study",
    "load_study",
    "parse_study",
    "reducer_needs",
]
