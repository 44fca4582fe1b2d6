"""What the objectives give on held-out images: retrieval, matching and captions, a value per image."""

from collections.abc import Sequence

import torch
from jaxtyping import Int
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from token_budget import VisualTokens

from ._captions import write_captions
from ._contrast import recall_at
from ._image_text import ImageTextModel
from ._rows import Question, pack_questions


@torch.no_grad()
def held_out_scores(
    model: ImageTextModel,
    images: VisualTokens | Tensor,
    statements: Sequence[Question],
    right: Int[Tensor, " images"],
    *,
    tokenizer: PreTrainedTokenizerBase,
    ks: Sequence[int] = (1, 5),
) -> dict[str, Tensor]:
    """For each image a value in 0..1 of every metric that the model's objectives give.

    - `contrastive`: `recall@k`, 1 where the right statement is among the k nearest;
    - `matching`: `matching_accuracy`, the mean of (own statement accepted) and (share of the others rejected);
    - `language-modelling`: `caption_exact_match`, 1 where the caption written is the right statement word for word.

    Args:
        model: trained on some objectives; those with a weight above 0 are measured.
        images: one image per row: visual tokens, or pixels where the model has an encoder.
        statements: distinct ones, two or more, each `encode_question(tokenizer, "", text)`.
        right: index of each image's statement.
        tokenizer: gives padding, beginning and end.
        ks: how many nearest statements are looked at, each within 1..statements.

    Raises:
        ValueError: `right` does not fit images and statements, statements repeat, or a k is out of range.
    """
    texts = [tuple(question.answer) for question in statements]
    if len(set(texts)) < max(2, len(texts)):
        raise ValueError(
            f"statements must be distinct and at least 2, got {len(texts)}, {len(set(texts))} distinct"
        )
    tokens = model.visual_tokens(images)
    if len(right) != len(tokens.mask) or int(right.min()) < 0 or int(right.max()) >= len(texts):
        raise ValueError(f"every image needs a statement within 0..{len(texts) - 1}, got {right.tolist()}")
    device = tokens.features.device
    text = pack_questions([[question] for question in statements], pad=tokenizer.pad_token_id)
    ids, mask = text.input_ids.to(device), text.attention_mask.to(device)
    own = right.to(device)[:, None] == torch.arange(len(texts), device=device)
    found: dict[str, Tensor] = {}
    if "contrastive" in model.options.active:
        similar = model.similarities(tokens, ids, mask)
        found |= {f"recall@{k}": recall_at(similar, own, k) for k in ks}
    if "matching" in model.options.active:
        accepted = torch.stack([_accepted(model, tokens, ids[i], mask[i]) for i in range(len(texts))], dim=1)
        others = (~accepted & ~own).sum(1) / (len(texts) - 1)
        found["matching_accuracy"] = ((accepted & own).any(1) + others) / 2
    if "language-modelling" in model.options.active:
        found["caption_exact_match"] = _exact(
            model, images, [texts[index] for index in right.tolist()], tokenizer
        )
    return found


def _accepted(
    model: ImageTextModel, tokens: VisualTokens, ids: Int[Tensor, " words"], mask: Tensor
) -> Tensor:
    """True for each image that the model finds to belong to one statement."""
    images = len(tokens.mask)
    return model.match(tokens, ids.expand(images, -1), mask.expand(images, -1)).argmax(1) == 1


def _exact(
    model: ImageTextModel,
    images: VisualTokens | Tensor,
    wanted: Sequence[tuple[int, ...]],
    tokenizer: PreTrainedTokenizerBase,
) -> Tensor:
    """1 for each image whose written caption is the wanted one, token by token up to the end."""
    longest = max(map(len, wanted))
    written = write_captions(
        model,
        images,
        begin=tokenizer.bos_token_id,
        end=tokenizer.eos_token_id,
        pad=tokenizer.pad_token_id,
        max_new_tokens=longest,
    )
    filled = [[*answer, *[tokenizer.pad_token_id] * (longest - len(answer))] for answer in wanted]
    return (written == torch.tensor(filled, device=written.device)).all(1).float()
