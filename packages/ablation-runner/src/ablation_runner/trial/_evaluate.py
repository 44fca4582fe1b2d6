"""A trained model's written answers to the test questions, scored: one row per prediction."""

from typing import Any

import numpy as np
import polars as pl
import torch

from ablation_runner.plan import Trial
from ablation_runner.study import Configuration
from ablation_runner.trial._feed import Feed
from ablation_runner.trial._material import Material
from ablation_runner.trial._seeding import stream
from vlm_fusion import Question, VisionLanguageModel, pack_questions
from vlm_tasks import result_rows

_IMAGES_AT_ONCE = 32


def evaluate(
    model: VisionLanguageModel, trial: Trial, condition: Configuration, *, name: str, material: Material
) -> pl.DataFrame:
    """The result rows of the test split under a condition, the same on every rank and for any number of ranks.

    Args:
        model: plain, with whole parameters; not wrapped by an engine.
        trial: names arm, seed and metric.
        condition: how the tokens are reduced, and which images are shown.
        name: of the condition.
        material: the test split and its features.
    """
    ranks, rank = torch.distributed.get_world_size(), torch.distributed.get_rank()
    split = material.splits["test"]
    longest = max(len(question.answer) for question in split.questions)
    pad = material.tokenizer.pad_token_id
    written = torch.full((len(split.questions), longest), pad, device=model.device)
    shown = shown_images(len(split.images), trial.seed, shuffled=condition.data.images == "shuffled")
    allocates = condition.model.allocator is not None
    feed = Feed(material=material, reducer=condition.tokens, seed=trial.seed, allocates=allocates)
    write = _written_by_question if allocates else _written
    model.eval()
    # Whole batches are dealt to the ranks, so that a batch is the same whoever has it.
    for first in range(rank * _IMAGES_AT_ONCE, len(split.images), ranks * _IMAGES_AT_ONCE):
        images = range(first, min(first + _IMAGES_AT_ONCE, len(split.images)))
        items = [item for image in images for item in split.questions_of[image]]
        written[items] = write(model, images, shown[images.start : images.stop].tolist(), feed, longest)
    # Relative to padding, what a rank has not written is 0, so the sum over ranks is what somebody wrote.
    torch.distributed.all_reduce(written.sub_(pad))
    texts = material.tokenizer.batch_decode((written + pad).cpu(), skip_special_tokens=True)
    predictions = split.items.select("item_id", prediction=pl.Series([text.strip() for text in texts]))
    return result_rows(
        split.items,
        predictions,
        trial.metric,
        arm=trial.arm,
        seed=trial.seed,
        task=condition.data.task.name,
        condition=name,
    )


def shown_images(images: int, seed: int, *, shuffled: bool) -> np.ndarray:
    """For each test image the one that is shown: itself, or where they are shuffled always another one."""
    own = np.arange(images)
    if not shuffled or images == 1:
        return own
    order = stream(seed, "shown", "test").permutation(images)
    shown = np.empty(images, dtype=np.int64)
    shown[order] = np.roll(order, 1)  # one long cycle: nobody keeps their own
    return shown


def _written(
    model: VisionLanguageModel, images: range, shown: list[int], feed: Feed, longest: int
) -> torch.Tensor:
    """Token ids [questions, longest] that the model writes for all questions of some images."""
    split = feed.material.splits["test"]
    asked = [
        [Question(split.questions[item].prompt, []) for item in split.questions_of[image]] for image in images
    ]
    text = pack_questions(asked, pad=feed.material.tokenizer.pad_token_id)
    ids = model.generate(
        feed.tokens("test", shown, model=model, draw=images.start),
        text.input_ids.to(model.device),
        segments=text.segments.to(model.device),
        max_new_tokens=longest,
    )
    return torch.cat([row[: len(questions)] for row, questions in zip(ids, asked, strict=True)])


def _written_by_question(
    model: Any, images: range, shown: list[int], feed: Feed, longest: int
) -> torch.Tensor:
    """The same where an allocator chooses the tokens for each question: a row holds one."""
    split = feed.material.splits["test"]
    pairs = [
        (item, other)
        for image, other in zip(images, shown, strict=True)
        for item in split.questions_of[image]
    ]
    items, others = (list(column) for column in zip(*pairs, strict=True))
    text = pack_questions(
        [[Question(split.questions[item].prompt, [])] for item in items],
        pad=feed.material.tokenizer.pad_token_id,
    )
    # A price decides how many tokens an image gets under the budget it was fitted for; else the budget does.
    options = model.allocator.options
    priced = options.amount == "priced" and options.budget == feed.reducer.budget
    ids: torch.Tensor = model.answer(
        feed.tokens("test", others, model=model),
        text.input_ids.to(model.device),
        segments=text.segments.to(model.device),
        max_new_tokens=longest,
        allocation=feed.allocation(
            "test", items, budget=None if priced else feed.reducer.budget, draw=images.start
        ),
    )
    return ids[:, 0]
