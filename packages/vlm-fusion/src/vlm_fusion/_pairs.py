"""Images and texts that belong together and such that don't, over all ranks."""

from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from token_budget import VisualTokens

from ._contrast import Contrast, hard_negatives
from ._gather import gather_rows, longest_text, require_equal_rows


class Nearness(NamedTuple):
    """How near this rank's images and texts are to those of all ranks; the nearer, the likelier drawn as wrong ones."""

    image_to_text: Float[Tensor, "batch all"]
    text_to_image: Float[Tensor, "batch all"]
    same: Bool[Tensor, "batch all"]


def contrasted(found: Contrast, scale: float) -> Nearness:
    """The similarities of a contrast times `scale`, which draw hard negatives."""
    return Nearness(scale * found.image_to_text, scale * found.text_to_image, found.same)


def uniform(captions: Int[Tensor, " batch"], *, group: Any = None) -> Nearness:
    """All equally near, which draws negatives evenly among other captions.

    Args:
        captions: the caption's identity, the same on all ranks.
        group: process group.

    Raises:
        ValueError: ranks have differing numbers of rows.
    """
    require_equal_rows(len(captions), device=captions.device, group=group)
    same = captions[:, None] == gather_rows(captions, group=group)[None, :]
    return Nearness(
        torch.zeros_like(same, dtype=torch.float), torch.zeros_like(same, dtype=torch.float), same
    )


class Pairs(NamedTuple):
    """Images and texts, some of them mismatched, with 1 where they belong together."""

    tokens: VisualTokens
    input_ids: Int[Tensor, "pairs words"]
    attention_mask: Bool[Tensor, "pairs words"]
    matched: Int[Tensor, " pairs"]


def drawn_pairs(
    near: Nearness,
    tokens: VisualTokens,
    input_ids: Int[Tensor, "batch words"],
    attention_mask: Bool[Tensor, "batch words"],
    generator: torch.Generator,
    group: Any,
) -> Pairs:
    """Each pair as it is, each image with a wrong text, and each text with a wrong image.

    Args:
        near: by which the wrong ones are drawn.
        tokens: this rank's images.
        input_ids: this rank's texts.
        attention_mask: true where a word is real.
        generator: draws the wrong ones, in the same state on all ranks.
        group: process group.
    """
    draw: dict[str, Any] = {"scale": 1.0, "generator": generator, "group": group}
    wrong_text = hard_negatives(near.image_to_text, near.same, **draw)
    wrong_image = hard_negatives(near.text_to_image, near.same, **draw)
    longest = longest_text(input_ids.shape[1], device=input_ids.device, group=group)
    gap = (0, longest - input_ids.shape[1])
    ids, mask = nn.functional.pad(input_ids, gap), nn.functional.pad(attention_mask, gap)
    all_ids, all_mask = gather_rows(ids, group=group), gather_rows(mask.int(), group=group).bool()
    all_tokens = gather_tokens(tokens, group=group)
    with_text, with_image = wrong_text >= 0, wrong_image >= 0
    return Pairs(
        tokens=join_tokens(
            [tokens, take(tokens, with_text.nonzero()[:, 0]), take(all_tokens, wrong_image[with_image])]
        ),
        input_ids=torch.cat([ids, all_ids[wrong_text[with_text]], ids[with_image]]),
        attention_mask=torch.cat([mask, all_mask[wrong_text[with_text]], mask[with_image]]),
        matched=torch.cat(
            [torch.ones_like(wrong_text), wrong_text[with_text] * 0, wrong_image[with_image] * 0]
        ),
    )


def take(tokens: VisualTokens, rows: Int[Tensor, " rows"]) -> VisualTokens:
    """The images of chosen rows."""
    places = None if tokens.positions is None else tokens.positions[rows]
    return VisualTokens(tokens.features[rows], tokens.mask[rows], places, None, None, None, {})


def join_tokens(parts: list[VisualTokens]) -> VisualTokens:
    """The images of several batches of one length, one batch after the other."""
    places = [part.positions for part in parts if part.positions is not None]
    return VisualTokens(
        torch.cat([part.features for part in parts]),
        torch.cat([part.mask for part in parts]),
        torch.cat(places) if places else None,
        None,
        None,
        None,
        {},
    )


def gather_tokens(tokens: VisualTokens, *, group: Any = None) -> VisualTokens:
    """The images of all ranks, with gradients; every rank has images of as many tokens."""
    places = None if tokens.positions is None else gather_rows(tokens.positions, group=group)
    mask = gather_rows(tokens.mask.int(), group=group).bool()
    return VisualTokens(gather_rows(tokens.features, group=group), mask, places, None, None, None, {})
