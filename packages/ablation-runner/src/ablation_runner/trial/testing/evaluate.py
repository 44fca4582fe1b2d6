"""A trained model's answers to the test questions, scored: one row per prediction."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import polars as pl
import torch

from ablation_runner.plan import TrainedTrial
from ablation_runner.study import AS_TRAINED, Configuration
from ablation_runner.trial._allocating import AllocatingModel
from ablation_runner.trial._seeding import stream
from ablation_runner.trial.engine.engine import own_device, training_type
from ablation_runner.trial.inputs.feed import Feed
from ablation_runner.trial.inputs.material import Material
from ablation_runner.trial.inputs.pairs import PairFeed, learner_of
from ablation_runner.trial.model.assemble import make_allocator
from ablation_runner.trial.testing.ranking import ranked_texts
from ablation_runner.trial.testing.writing import written_texts
from vlm_fusion import VisionLanguageModel
from vlm_tasks import result_rows

_IMAGES_AT_ONCE = 32
Read = Callable[[Configuration, int], Material]


def evaluate(
    model: VisionLanguageModel,
    trial: TrainedTrial,
    condition: Configuration,
    *,
    name: str,
    material: Material,
) -> pl.DataFrame:
    """The result rows of the test split under a condition, the same on every rank and for any number of ranks.

    Args:
        model: plain, with whole parameters; not wrapped by an engine.
        trial: names arm, seed and metric.
        condition: how the tokens are reduced, and which images are shown.
        name: of the condition.
        material: the test split and its images.
    """
    ranks, rank = torch.distributed.get_world_size(), torch.distributed.get_rank()
    split = material.splits["test"]
    shown = shown_images(
        len(split.images), trial.random_seed, shuffled=condition.data.images == "shuffled"
    ).tolist()
    kind = PairFeed if condition.pair_objectives else Feed
    allocates = condition.model.allocator is not None
    feed = kind(material=material, reducer=condition.tokens, seed=trial.random_seed, allocates=allocates)
    # Whole batches are dealt to the ranks, so that a batch is the same whoever has it.
    starts = range(rank * _IMAGES_AT_ONCE, len(split.images), ranks * _IMAGES_AT_ONCE)
    images = [range(first, min(first + _IMAGES_AT_ONCE, len(split.images))) for first in starts]
    model.eval()
    if condition.data.answers == "ranked":
        texts = ranked_texts(learner_of(model, condition.training), feed, images, shown)
    else:
        with _allocating_as(model, trial, condition):
            texts = written_texts(model, feed, images, shown)
    return result_rows(
        split.items,
        split.items.select("item_id", prediction=pl.Series(texts)),
        trial.metric,
        arm=trial.arm,
        seed=trial.seed,
        task=condition.data.task.name,
        condition=name,
    )


@contextmanager
def _allocating_as(
    model: VisionLanguageModel, trial: TrainedTrial, condition: Configuration
) -> Iterator[None]:
    """The model with the condition's allocator for the time of the block, where that is another one."""
    if condition.model.allocator == trial.configuration.model.allocator:
        yield
        return
    assert isinstance(model, AllocatingModel)
    trained = model.allocator
    other = make_allocator(condition, model.config.text_config.hidden_size, seed=trial.seed)
    model.allocator = other.eval().to(model.device)
    try:
        yield
    finally:
        model.allocator = trained


def evaluate_conditions(model: VisionLanguageModel, trial: TrainedTrial, read: Read) -> pl.DataFrame:
    """The result rows of every condition; the model is moved to the accelerator and to the trial's precision.

    Args:
        model: plain, with whole parameters.
        trial: what is tested.
        read: gives what a configuration reads.
    """
    model.to(own_device(), training_type(trial.engine))
    return pl.concat(
        evaluate(model, trial, condition, name=name, material=read(condition, trial.random_seed))
        for name, condition in trial.conditions.items()
    )


def score_of(rows: pl.DataFrame) -> float:
    """The metric over all items, as trained."""
    own = rows.filter(pl.col("condition") == AS_TRAINED)
    return float(own.select(pl.col("value").sum() / pl.col("weight").sum()).item())


def shown_images(images: int, seed: int, *, shuffled: bool) -> np.ndarray:
    """For each test image the one that is shown: itself, or where they are shuffled always another one."""
    own = np.arange(images)
    if not shuffled or images == 1:
        return own
    order = stream(seed, "shown", "test").permutation(images)
    shown = np.empty(images, dtype=np.int64)
    shown[order] = np.roll(order, 1)  # one long cycle: nobody keeps their own
    return shown
