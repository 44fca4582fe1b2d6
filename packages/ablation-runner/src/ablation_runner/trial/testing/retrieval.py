"""Texts found by their images, by an arm that learned the contrast: shown beside the metric that is judged."""

from typing import Any

import numpy as np
import polars as pl
import torch

from ablation_runner.plan import TrainedTrial
from ablation_runner.trial.inputs.data import Split
from ablation_runner.trial.inputs.feed import Feed
from ablation_runner.trial.inputs.pairs import statement_rows
from vlm_fusion import Question
from vlm_tasks import recall_at_k

_METRICS = {"recall_at_1": 1, "recall_at_5": 5}
_IMAGES_AT_ONCE = 256


def retrieval_rows(learner: Any, feed: Feed, shown: list[int], trial: TrainedTrial) -> pl.DataFrame:
    """For each test image whether one of its statements is among the nearest of all of them, a row per metric.

    A statement is a question with its answer; every one that the test split says of an image counts as right, and equal
    ones are one.

    Args:
        learner: an `ImageTextModel` that learned the contrast.
        feed: what the tokens are fed as.
        shown: image of the test split that each of them is tested with.
        trial: names arm and seed.
    """
    split = feed.material.splits["test"]
    statements, right = statements_of(split)
    similar = _similarities(learner, feed, statements, shown)
    frames = []
    for metric, k in _METRICS.items():
        if k > len(statements):
            continue  # all of them are among the nearest
        found = recall_at_k(similar, right, k=k)
        frames.append(
            pl.DataFrame(
                {"item": split.images, "cluster": split.images, "value": found.value, "weight": found.weight,
                 "valid": found.valid}
            ).with_columns(arm=pl.lit(trial.arm), seed=pl.lit(trial.seed, pl.Int64), metric=pl.lit(metric))
        )  # fmt: skip
    return pl.concat(frames)


def statements_of(split: Split) -> tuple[list[Question], np.ndarray]:
    """The distinct statements of a split, and for each image (row) which of them (columns) are said of it."""
    numbers: dict[tuple[tuple[int, ...], tuple[int, ...]], int] = {}
    said = []
    for question in split.questions:
        key = (tuple(question.prompt), tuple(question.answer))
        said.append(numbers.setdefault(key, len(numbers)))
    right = np.zeros((len(split.images), len(numbers)), dtype=bool)
    right[split.image_of, said] = True
    return [Question(list(prompt), list(answer)) for prompt, answer in numbers], right


@torch.no_grad()
def _similarities(learner: Any, feed: Feed, statements: list[Question], shown: list[int]) -> np.ndarray:
    """How near each image is to each statement, -1..1."""
    text = statement_rows(statements, feed.material.tokenizer)
    device = next(learner.parameters()).device
    words = text.input_ids.to(device), text.attention_mask.to(device)
    found = []
    for start in range(0, len(shown), _IMAGES_AT_ONCE):
        images = feed.images("test", shown[start : start + _IMAGES_AT_ONCE], model=learner, draw=start)
        found.append(learner.similarities(learner.visual_tokens(images), *words).float().cpu().numpy())
    return np.concatenate(found)
