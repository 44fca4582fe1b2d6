"""Greedy writing with a key-value cache, for one or several questions per row."""

from typing import Any

import torch
from jaxtyping import Bool, Int
from torch import Tensor
from transformers import DynamicCache

from ._decoder import word_scores
from ._layout import PADDING, Layout, visible_owners
from ._seeing import Seen
from ._seeing_decoder import SeeingDecoder


def last_words(segments: Int[Tensor, "batch words"], questions: int) -> Int[Tensor, "batch questions"]:
    """Index of the last word of each question; -1 where a row has no such question.

    >>> last_words(torch.tensor([[1, 1, 2], [1, 0, 0]]), 2)
    tensor([[ 1,  2],
            [ 0, -1]])
    """
    numbers = torch.arange(1, questions + 1, device=segments.device)
    index = torch.arange(segments.shape[1], device=segments.device)[None, :, None]
    return torch.where(segments[:, :, None] == numbers, index, -1).amax(1)


def generate_words(
    model: SeeingDecoder,
    seen: Seen,
    input_ids: Int[Tensor, "batch words"],
    segments: Int[Tensor, "batch words"],
    *,
    length: int,
    use_cache: bool,
    stop_early: bool,
) -> Int[Tensor, "batch questions {length}"]:
    """The most likely words after each question.

    Every step feeds one word per question; words are told apart by their question's number, so what is appended need
    not stand behind its own question.

    Args:
        model: gives layout, decoder and head.
        seen: the visual prefix or memory of each row.
        input_ids: prompts.
        segments: question number of each word.
        length: words to write.
        use_cache: keep keys and values.
        stop_early: stop once every answer has ended.
    """
    config = model.config.text_config
    pad, end = special_ids(config, input_ids.device)
    layout = model.layout(seen, segments)
    last = last_words(segments, int(segments.max()))
    present = last >= 0
    prefix = seen.mask.shape[1]
    at = prefix + last.clamp(min=0)
    reached = layout.positions.gather(1, at)
    if int(reached[present].max()) + length >= config.max_position_embeddings:
        raise ValueError(
            f"a prompt of {int(reached[present].max()) + 1} tokens and {length} new ones exceed the context of "
            f"{config.max_position_embeddings}"
        )
    cache = DynamicCache(config=config) if use_cache else None
    hidden = model.decode(seen, input_ids, layout, cache=cache)
    hidden = hidden.gather(1, at[..., None].expand(-1, -1, hidden.shape[-1]))
    written = input_ids.new_full((*last.shape, length), pad)
    finished = ~present
    words, nothing = input_ids, seen._replace(features=seen.features[:, :0])
    for step in range(length):
        chosen = torch.where(finished, pad, word_scores(model.language_model, hidden).argmax(-1))
        written[:, :, step] = chosen
        finished = finished | torch.isin(chosen, end)
        if step == length - 1 or (stop_early and bool(finished.all())):
            break
        reached = reached + 1
        layout = appended(layout, present, reached)
        if cache is not None:
            newest = Layout(layout.owners, reached, layout.visible[:, -last.shape[1] :])
            hidden = model.decode(nothing, chosen, newest, cache=cache)
        else:
            words = torch.cat([words, chosen], dim=1)
            hidden = model.decode(seen, words, layout)[:, -last.shape[1] :]
    return written


def appended(
    layout: Layout, present: Bool[Tensor, "batch questions"], positions: Int[Tensor, "batch questions"]
) -> Layout:
    """The layout with one more word per question behind all others."""
    count = present.shape[1]
    numbers = torch.arange(1, count + 1, device=present.device).expand_as(present)
    new = torch.where(present, numbers, PADDING)
    owners = torch.cat([layout.owners, new], dim=1)
    rows = visible_owners(new, owners)
    rows[:, :, -count:] |= torch.eye(count, dtype=torch.bool, device=rows.device)
    before = torch.nn.functional.pad(layout.visible, (0, count), value=False)
    return Layout(owners, torch.cat([layout.positions, positions], dim=1), torch.cat([before, rows], dim=1))


def special_ids(config: Any, device: torch.device) -> tuple[int, Int[Tensor, " ends"]]:
    """The padding token and the end tokens of a language model.

    Raises:
        ValueError: it has no end token.
    """
    if config.eos_token_id is None:
        raise ValueError("the language model's configuration names no end token (eos_token_id)")
    ends = torch.as_tensor(config.eos_token_id, device=device).reshape(-1)
    return (int(ends[0]) if config.pad_token_id is None else int(config.pad_token_id)), ends
