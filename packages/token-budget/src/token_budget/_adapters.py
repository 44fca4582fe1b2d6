"""Any reducer in front of the language model of a transformers LLaVA- or Qwen2-VL-type model."""

from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ._image_tokens import image_tokens
from ._options import reducer_needs
from ._reduce import reduce_tokens
from ._splice import Spliced, put_in, splice
from ._visual_tokens import VisualTokens


class ReducedInputs(NamedTuple):
    """A prompt with fewer visual tokens.

    Attributes:
        inputs: arguments for the model's forward or `generate`: `inputs_embeds`, `attention_mask`, and where they
            apply `position_ids` and `labels`.
        tokens: the reduced tokens of each image.
    """

    inputs: dict[str, Tensor]
    tokens: VisualTokens


def reduce_inputs(
    model: nn.Module,
    budget: int | Int[Tensor, " images"],
    *,
    method: str,
    input_ids: Int[Tensor, "batch tokens"],
    pixel_values: Tensor,
    attention_mask: Int[Tensor, "batch tokens"] | None = None,
    image_grid_thw: Int[Tensor, "images 3"] | None = None,
    mm_token_type_ids: Int[Tensor, "batch tokens"] | None = None,
    labels: Int[Tensor, "batch tokens"] | None = None,
    attention_layer: int = -2,
    relevance: Float[Tensor, "images tokens"] | None = None,
    query: Float[Tensor, "images joint"] | None = None,
    generator: torch.Generator | None = None,
    **options: Any,
) -> ReducedInputs:
    """What to call a transformers model with, so that its language model receives exactly `budget` tokens per image.

    Nothing is patched: the images are encoded and projected by the model, reduced, and put into the embedded prompt in
    place of the placeholders; `model(**out.inputs)` and `model.generate(**out.inputs)` do the rest, in training too.
    LLaVA's positions close up behind the image. Qwen2-VL's three-axis positions are kept: a kept patch has its own, a
    merged one that of the nearest patch to its mean, and the text has what it had.

    Args:
        model: as `image_tokens` takes it.
        budget: tokens per image, 1..the image's; one for all or one per image.
        method: a name of `list_reducers()` or "package.module:name"; where it needs attention, that of the tower's
            class token is read (and with it the keys).
        input_ids: the processor's, with all placeholders.
        pixel_values: the processor's.
        attention_mask: the processor's; None if nothing is padding.
        image_grid_thw: the Qwen2-VL processor's.
        mm_token_type_ids: the Qwen2-VL processor's.
        labels: for training; cut like the prompt, with -100 at padding.
        attention_layer: the layer of the tower that attention and keys are read from.
        relevance: a score per token of each image, for methods that rank by one.
        query: a text embedding per image.
        generator: the source of chance, for methods that draw.
        options: fields of the method's options.

    Raises:
        ValueError: as `image_tokens` and `reduce_tokens`; or a prompt whose placeholders do not fit the images.
    """
    inner: Any = getattr(model, "model", model)
    needs = reducer_needs(method, options)
    tokens = image_tokens(
        model,
        pixel_values=pixel_values,
        image_grid_thw=image_grid_thw,
        attention_layer=attention_layer if "attention" in needs and not hasattr(inner, "visual") else None,
    )
    reduced = reduce_tokens(
        tokens, budget, method=method, relevance=relevance, query=query, generator=generator, **options
    )
    attended = torch.ones_like(input_ids) if attention_mask is None else attention_mask
    placeholder = input_ids == inner.config.image_token_id
    width = reduced.mask.shape[1]
    spliced = splice(placeholder, attended.bool(), tokens.mask.sum(1), reduced.mask.sum(1), width)
    real = spliced.source >= 0
    rows = torch.arange(len(real), device=real.device)[:, None]
    # Placeholders are no words: their own embeddings are never looked at.
    words = inner.get_input_embeddings()(input_ids.masked_fill(placeholder, 0))
    inputs = {
        "inputs_embeds": put_in(words, reduced.features, spliced),
        "attention_mask": real.to(attended.dtype),
    }
    if labels is not None:
        inputs["labels"] = labels[rows, spliced.source.clamp(min=0)].masked_fill(~real, -100)
    if hasattr(inner, "visual"):
        if mm_token_type_ids is None or image_grid_thw is None:
            raise ValueError(
                "Qwen2-VL positions need mm_token_type_ids and image_grid_thw from the processor"
            )
        positions, _ = inner.get_rope_index(
            input_ids, mm_token_type_ids, image_grid_thw=image_grid_thw, attention_mask=attention_mask
        )
        inputs["position_ids"] = _kept_positions(positions, spliced, reduced, tokens)
    return ReducedInputs(inputs, reduced)


def _kept_positions(
    positions: Int[Tensor, "3 batch tokens"], spliced: Spliced, reduced: VisualTokens, tokens: VisualTokens
) -> Int[Tensor, "3 batch places"]:
    """Positions of the original prompt for text, and of the nearest patch for visual tokens."""
    assert reduced.positions is not None  # image_tokens has set them
    assert tokens.grids is not None
    width = reduced.mask.shape[1]
    rows = torch.arange(positions.shape[1], device=positions.device)[:, None]
    text = positions[:, rows, spliced.source.clamp(min=0)].masked_fill(spliced.source < 0, 0)
    # The first placeholder of an image has its first position on all three axes.
    first = spliced.token.clamp(min=0) % width
    start = text[0].gather(1, (torch.arange(text.shape[2], device=text.device) - first).clamp(min=0))
    cell = (
        (reduced.positions * tokens.grids[:, None] - 0.5)
        .round()
        .long()
        .flatten(0, 1)[spliced.token.clamp(min=0)]
    )
    visual = torch.stack([start, start + cell[..., 0], start + cell[..., 1]])
    return torch.where(spliced.token >= 0, visual, text)
