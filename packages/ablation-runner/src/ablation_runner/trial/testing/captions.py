"""Statements that an arm writes about images, where it learned to guess hidden words: beside the judged metric."""

from collections import Counter
from typing import Any

import polars as pl
import torch

from ablation_runner.plan import TrainedTrial
from ablation_runner.trial.inputs.data import Split
from ablation_runner.trial.inputs.feed import Feed
from vlm_fusion import mask_predict
from vlm_tasks import format_prompt, score_predictions

_IMAGES_AT_ONCE = 64
_LENGTHS = 5  # candidates, as in arXiv 1904.09324, section 3.2


def caption_rows(learner: Any, feed: Feed, shown: list[int], trial: TrainedTrial) -> pl.DataFrame:
    """What is written about each test image, and how well it fits all that the test split says of it, a row per metric.

    A statement is a question with its answer, as for retrieval; one that is true but not in the split counts as wrong.
    CIDEr counts in how many images words occur, so it needs two images.

    Args:
        learner: an `ImageTextModel` that learned to guess hidden words.
        feed: what the tokens are fed as.
        shown: image of the test split that each of them is tested with.
        trial: names arm and seed.
    """
    split, texts = feed.material.splits["test"], written_captions(learner, feed, shown)
    said = said_of_images(split, prompt=trial.configuration.data.prompt)
    items = pl.DataFrame({"item_id": split.images, "answers": said})
    written = pl.DataFrame({"item_id": split.images, "prediction": texts})
    metrics = ("cider", "rouge_l") if len(items) > 1 else ("rouge_l",)
    scores = pl.concat(score_predictions(items, written, metric) for metric in metrics)
    return scores.join(written, left_on="item", right_on="item_id", maintain_order="left").with_columns(
        cluster=pl.col("item"),
        arm=pl.lit(trial.arm),
        seed=pl.lit(trial.seed, pl.Int64),
        metric="caption_" + pl.col("metric"),
    )


def said_of_images(split: Split, *, prompt: str) -> list[list[str]]:
    """The distinct statements about each image of a split, a question with its first answer.

    Args:
        split: whose images.
        prompt: template of vlm-tasks.
    """
    questions, answers = split.items["question"], split.items["answers"].list.first()
    texts = [
        f"{format_prompt(prompt, question)} {answer}"
        for question, answer in zip(questions, answers, strict=True)
    ]
    return [list(dict.fromkeys(texts[item] for item in items)) for items in split.questions_of]


def common_lengths(split: Split) -> list[int]:
    """The most common numbers of words of a split's statements, commonest first, at most five; of equal ones the lowest."""
    counts = Counter(len(each.prompt) + len(each.answer) - 1 for each in split.questions)
    return sorted(counts, key=lambda length: (-counts[length], length))[:_LENGTHS]


def written_captions(learner: Any, feed: Feed, shown: list[int]) -> list[str]:
    """What the learner writes about each image, the same on every rank: whole batches are dealt to the ranks.

    Args:
        learner: an `ImageTextModel`.
        feed: what the tokens are fed as.
        shown: images of the test split.
    """
    tokenizer, lengths = feed.material.tokenizer, common_lengths(feed.material.splits["train"])
    ranks, rank = torch.distributed.get_world_size(), torch.distributed.get_rank()
    pad = tokenizer.pad_token_id
    ids = torch.full((len(shown), max(lengths)), pad, device=next(learner.parameters()).device)
    for start in range(rank * _IMAGES_AT_ONCE, len(shown), ranks * _IMAGES_AT_ONCE):
        batch = shown[start : start + _IMAGES_AT_ONCE]
        images = feed.images("test", batch, model=learner, draw=start)
        found = mask_predict(learner, images, tokenizer=tokenizer, lengths=lengths)
        ids[start : start + len(batch)] = found.input_ids
    # Relative to padding, what a rank has not written is 0, so the sum over ranks is what somebody wrote.
    torch.distributed.all_reduce(ids.sub_(pad))
    texts = tokenizer.batch_decode((ids + pad).cpu(), skip_special_tokens=True)
    return [text.strip() for text in texts]
