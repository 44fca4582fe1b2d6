"""The study file: its schema, and reading it from disk."""

from ablation_runner.study._configuration import Configuration, Data, Reducer, Stage, Training, reducer_needs
from ablation_runner.study._engine import Engine
from ablation_runner.study._factors import Changes, Design, Factor
from ablation_runner.study._load import built_in_studies, find_study, load_study, parse_study
from ablation_runner.study._schema import AS_TRAINED, Arm, Claim, Study
from ablation_runner.study._variants import Variant

__all__ = [
    "AS_TRAINED",
    "Arm",
    "Changes",
    "Claim",
    "Configuration",
    "Data",
    "Design",
    "Engine",
    "Factor",
    "Reducer",
    "Stage",
    "Study",
    "Training",
    "Variant",
    "built_in_studies",
    "find_study",
    "load_study",
    "parse_study",
    "reducer_needs",
]
