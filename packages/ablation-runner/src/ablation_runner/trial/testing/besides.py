"""What is shown beside the metric that is judged, by what the last stage has learned."""

import polars as pl

from ablation_runner.plan import TrainedTrial
from ablation_runner.trial.inputs.material import Material
from ablation_runner.trial.inputs.pairs import PairFeed, learner_of
from ablation_runner.trial.testing.captions import caption_rows
from ablation_runner.trial.testing.evaluate import shown_images
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
    configuration, images = trial.configuration, material.splits["test"].images
    learned = [
        rows for objective, rows in _ROWS.items() if configuration.pair_objectives.get(objective, 0) > 0
    ]
    if not learned:
        return None
    feed = PairFeed(material=material, reducer=configuration.tokens, seed=trial.random_seed)
    learner = learner_of(model.eval(), configuration.training)
    blind = configuration.data.images == "shuffled"
    shown = shown_images(len(images), trial.random_seed, shuffled=blind).tolist()
    return pl.concat((rows(learner, feed, shown, trial) for rows in learned), how="diagonal")
