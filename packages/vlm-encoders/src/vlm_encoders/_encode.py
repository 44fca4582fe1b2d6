"""The callable that a store runs: images through preprocessing, encoder and reduction to named tensors."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from token_budget import VisualTokens, visual_tokens

from ._encoder import Encoder
from ._preprocess import preprocess
from ._state import weights_digest

FIELDS = ("features", "mask", "positions", "sizes", "grids", "cls")
EXTRA = "extras."


def feature_key(encoder: Encoder, *, reduction: str = "none", **more: Any) -> dict[str, Any]:
    """What makes an encoder's stored features what they are: spec, hash of the weights, reduction.

    Args:
        encoder: whose tokens are stored. Where its weights came from is left out: their hash says more.
        reduction: a name for what happens to the tokens before storing, with its settings.
        more: anything else that matters, as JSON holds it.
    """
    spec = asdict(encoder.spec)
    del spec["weights"]
    return {"spec": spec, "weights": weights_digest(encoder), "reduction": reduction, **more}


def image_encoder(
    encoder: Encoder, *, reduce: Callable[[VisualTokens], VisualTokens] | None = None
) -> Callable[[Sequence[Image.Image]], dict[str, Tensor]]:
    """Images to the named tensors of their `VisualTokens`, without gradients, on the encoder's device.

    Args:
        encoder: put into eval mode at every call.
        reduce: applied to the tokens before they are taken apart; the same number of tokens for every image.
    """

    def encode(images: Sequence[Image.Image]) -> dict[str, Tensor]:
        weight, training = next(encoder.parameters(), None), encoder.training
        if training:  # walking over all modules twice a batch would cost a twentieth of a small model's time
            encoder.eval()
        try:
            with torch.inference_mode():
                pixels = preprocess(images, encoder.spec)
                tokens = encoder(pixels if weight is None else pixels.to(weight.device))
                return tokens_to_tensors(tokens if reduce is None else reduce(tokens))
        finally:
            if training:
                encoder.train()

    return encode


def tokens_to_tensors(tokens: VisualTokens) -> dict[str, Tensor]:
    """The fields of `VisualTokens` that are there, by name; extras as "extras.NAME"."""
    present = {name: getattr(tokens, name) for name in FIELDS if getattr(tokens, name) is not None}
    return {**present, **{f"{EXTRA}{name}": value for name, value in tokens.extras.items()}}


def tensors_to_tokens(tensors: Mapping[str, Tensor]) -> VisualTokens:
    """`VisualTokens` of what `tokens_to_tensors` took apart, as a store gives it back.

    Raises:
        ValueError: a tensor of another name, or shapes that disagree.
    """
    extras = {name.removeprefix(EXTRA): value for name, value in tensors.items() if name.startswith(EXTRA)}
    fields = {name: value for name, value in tensors.items() if not name.startswith(EXTRA)}
    unknown = sorted(set(fields) - set(FIELDS))
    if unknown or "features" not in fields:
        raise ValueError(f"expected features and further fields of VisualTokens, got {sorted(tensors)}")
    return visual_tokens(**fields, extras=extras)
