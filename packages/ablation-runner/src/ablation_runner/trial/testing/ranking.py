"""Answers picked among candidates: one rule for every fusion stage and every objective."""

from typing import Any

import torch

from ablation_runner.trial.inputs.feed import Feed
from ablation_runner.trial.inputs.pairs import PairFeed, as_statement
from vlm_fusion import Question, rank_answers


def ranked_texts(learner: Any, feed: Feed, images: list[range], shown: list[int]) -> list[str]:
    """The most probable candidate answer to every test question; other ranks' answers are gathered.

    Args:
        learner: what the last stage trained, plain, with whole parameters.
        feed: what the tokens are fed as.
        images: batches of images that are this rank's.
        shown: for each test image the one that is shown.
    """
    split = feed.material.splits["test"]
    chosen = torch.zeros(len(split.questions), dtype=torch.long, device=next(learner.parameters()).device)
    for batch in images:
        items = [item for image in batch for item in split.questions_of[image]]
        seen = [shown[split.image_of[item]] for item in items]
        chosen[items] = choose_answers(learner, feed, "test", items, seen, draw=batch.start)
    torch.distributed.all_reduce(chosen)
    return [
        feed.material.candidates(split.items["question_type"][item])[int(choice)]
        for item, choice in enumerate(chosen.tolist())
    ]


def choose_answers(
    learner: Any, feed: Feed, split: str, items: list[int], shown: list[int], *, draw: str | int
) -> torch.Tensor:
    """For each item the index of the most probable of its candidates.

    Args:
        learner: a `VisionLanguageModel` or `ImageTextModel`.
        feed: what the tokens are fed as.
        split: whose items.
        items: indices of the split's items.
        shown: the image that is shown with each.
        draw: names the batch, for reducers that draw.
    """
    material = feed.material
    data, tokenizer = material.splits[split], material.tokenizer
    distinct = sorted(set(shown))
    candidates = []
    for item in items:
        prompt = data.questions[item].prompt
        texts = material.candidates(data.items["question_type"][item])
        asked = [Question(prompt, material.answer_ids(text)) for text in texts]
        candidates.append(
            [as_statement(each, tokenizer) for each in asked] if isinstance(feed, PairFeed) else asked
        )
    return rank_answers(
        learner,
        feed.images(split, distinct, model=learner, draw=draw),
        candidates,
        tokenizer=tokenizer,
        image_index=torch.tensor([distinct.index(image) for image in shown]),
    ).chosen
