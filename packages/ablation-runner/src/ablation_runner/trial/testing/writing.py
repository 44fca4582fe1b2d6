"""Answers that a model writes."""

from typing import Any

import torch

from ablation_runner.trial.inputs.feed import Feed
from vlm_fusion import Question, VisionLanguageModel, pack_questions


def written_texts(model: VisionLanguageModel, feed: Feed, images: list[range], shown: list[int]) -> list[str]:
    """What the model writes to every test question; questions of images that are another rank's are gathered.

    Args:
        model: plain, with whole parameters.
        feed: what the tokens are fed as.
        images: batches of images that are this rank's.
        shown: for each test image the one that is shown.
    """
    split, tokenizer = feed.material.splits["test"], feed.material.tokenizer
    longest = max(len(question.answer) for question in split.questions)
    pad = tokenizer.pad_token_id
    written = torch.full((len(split.questions), longest), pad, device=model.device)
    write = _written_by_question if feed.allocates else _written
    for batch in images:
        items = [item for image in batch for item in split.questions_of[image]]
        written[items] = write(model, batch, shown[batch.start : batch.stop], feed, longest)
    # Relative to padding, what a rank has not written is 0, so the sum over ranks is what somebody wrote.
    torch.distributed.all_reduce(written.sub_(pad))
    texts = tokenizer.batch_decode((written + pad).cpu(), skip_special_tokens=True)
    return [text.strip() for text in texts]


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
        feed.images("test", shown, model=model, draw=images.start),
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
        feed.images("test", others, model=model),
        text.input_ids.to(model.device),
        segments=text.segments.to(model.device),
        max_new_tokens=longest,
        allocation=feed.allocation(
            "test", items, budget=None if priced else feed.reducer.budget, draw=images.start
        ),
    )
    return ids[:, 0]
