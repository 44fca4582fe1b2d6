"""What is shown beside the metric that is judged, by what the last stage has learned."""

import polars as pl

from ablation_runner.plan import TrainedTrial
from ablation_runner.trial.inputs.material import Material
from ablation_runner.trial.testing.captions import caption_rows
from ablation_runner.trial.testing.retrieval import retrieval_rows
from vlm_fusion import VisionLanguageModel

_ROWS = {"contrastive": retrieval_rows, "masked-language-modelling": caption_rows}


def besides_rows(model: VisionLanguageModel, trial: TrainedTrial, material: Material) -> pl.DataFrame | None:
    """A row per test image and metric; None where the last stage has learned nothing that gives one.

    Args:
        model: plain, with whole parameters.
        trial: names arm, seed and configuration.
        material: the test split and its images.
    """
    weights = trial.configuration.pair_objectives
    frames = [
        rows(model, trial, material) for objective, rows in _ROWS.items() if weights.get(objective, 0) > 0
    ]
    return pl.concat(frames, how="diagonal") if frames else None
