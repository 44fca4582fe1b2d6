"""The price per token of a trained allocator, fitted on training rows and saved with the weights."""

from collections.abc import Iterator

import torch
from torch import Tensor

from ablation_runner.trial._allocating import AllocatingModel
from ablation_runner.trial.inputs.batches import BatchPlan
from ablation_runner.trial.inputs.feed import Feed
from relevance_allocator import Scene, fit_allocator
from vlm_fusion import VisionLanguageModel, pack_questions

PRICE = "allocator.price_bits"
_ROWS = 512  # at least so many training rows have the mean budget, to 2 %


@torch.no_grad()
def fitted_price(model: VisionLanguageModel, batches: BatchPlan, feed: Feed) -> dict[str, Tensor]:
    """The buffer that holds the price, by its name; nothing where the model has no price to fit.

    Args:
        model: trained, with whole weights.
        batches: of training.
        feed: what the rows are fed as.
    """
    if not isinstance(model, AllocatingModel) or not feed.allocates:
        return {}
    if model.allocator.options.amount != "priced":
        return {}
    model.eval()
    fit_allocator(model.allocator, _scenes(model, batches, feed))
    return {PRICE: model.allocator.price_bits.clone()}


def _scenes(model: AllocatingModel, batches: BatchPlan, feed: Feed) -> Iterator[Scene]:
    split = feed.material.splits["train"]
    seen = step = 0
    while seen < min(_ROWS, len(split.images)):
        rows = batches.rows(step)
        text = pack_questions(
            [[split.questions[row.questions[0]]] for row in rows], pad=feed.material.tokenizer.pad_token_id
        )
        items = [row.questions[0] for row in rows]
        yield model.scene(
            feed.images("train", [row.shown for row in rows], model=model),
            text.input_ids,
            (text.segments > 0) & (text.labels == -100),
            feed.allocation("train", items, budget=None, draw=step),
        )
        seen, step = seen + len(rows), step + 1
