"""From images to the visual tokens that a connector reads: encoded, reduced, normalised."""

from collections.abc import Callable

from torch import Tensor, nn

from token_budget import VisualTokens

Encoder = Callable[[Tensor], VisualTokens]
Reducer = Callable[[VisualTokens], VisualTokens]


def incoming_tokens(
    images: VisualTokens | Tensor,
    *,
    encoder: Encoder | None,
    reducer: Reducer | None,
    width: int,
    feature_norm: str,
) -> VisualTokens:
    """The visual tokens before the connector, as far as a model makes them itself.

    Args:
        images: visual tokens (stored features, raw patches), or the encoder's pixels.
        encoder: turns pixels into visual tokens; not called where tokens are given.
        reducer: makes fewer of them; None keeps all.
        width: units that the connector reads.
        feature_norm: `none`, or `layer`: each token is brought to mean 0 and variance 1 (without parameters).

    Raises:
        ValueError: pixels are given and there is no encoder, or the tokens have another width.

    >>> from token_budget import visual_tokens
    >>> import torch
    >>> plain = {"encoder": None, "reducer": None, "feature_norm": "none"}
    >>> incoming_tokens(visual_tokens(torch.zeros(1, 4, 8)), width=8, **plain).features.shape
    torch.Size([1, 4, 8])
    """
    if isinstance(images, VisualTokens):
        tokens = images
    elif encoder is None:
        raise ValueError("pixels need a model with an encoder; this one reads visual tokens")
    else:
        tokens = encoder(images)
    if reducer is not None:
        tokens = reducer(tokens)
    if tokens.features.shape[-1] != width:
        raise ValueError(f"the model reads tokens of width {width}, got {tokens.features.shape[-1]}")
    if feature_norm == "layer":
        tokens = tokens._replace(features=nn.functional.layer_norm(tokens.features, (width,)))
    return tokens
