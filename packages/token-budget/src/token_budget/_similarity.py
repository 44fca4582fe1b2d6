"""Cosine similarities, in float32 and never more than one matrix per image."""

import torch
from jaxtyping import Float
from torch import Tensor

from ._merge import full_precision, widen
from ._visual_tokens import VisualTokens


def unit(vectors: Tensor) -> Tensor:
    """The vectors at length one, in float32 or wider; a zero vector stays zero.

    >>> unit(torch.tensor([[3.0, 4.0]]))
    tensor([[0.6000, 0.8000]])
    """
    return torch.nn.functional.normalize(widen(vectors), dim=-1)


def cosines(
    first: Float[Tensor, "batch tokens channels"], second: Float[Tensor, "batch others channels"]
) -> Float[Tensor, "batch tokens others"]:
    """Cosines of all pairs, in float32 or wider even inside autocast, where a product in half precision makes ties.

    >>> cosines(torch.tensor([[[1.0, 0]]]), torch.tensor([[[0.0, 2], [3, 0]]]))
    tensor([[[0., 1.]]])
    """
    with full_precision(first):
        one = unit(first)
        return one @ (one if second is first else unit(second)).mT


def metric(tokens: VisualTokens, extra: str = "keys") -> Float[Tensor, "batch tokens channels"]:
    """What a method compares tokens by, in float32 or wider: `extras[extra]` (averaged over heads), else features.

    Unreal tokens become zeros, so that whatever stands there cannot spread.

    Args:
        tokens: the tokens to compare.
        extra: name of the extra, [batch, tokens, channels] or [batch, tokens, heads, channels].
    """
    values = widen(tokens.extras.get(extra, tokens.features))
    values = values.mean(2) if values.ndim == 4 else values
    return values if bool(tokens.mask.all()) else values.masked_fill(~tokens.mask[..., None], 0)


def class_attention(tokens: VisualTokens) -> Float[Tensor, "batch tokens"]:
    """The attention of the class token, averaged over heads where `extras["attention"]` has them."""
    attention = widen(tokens.extras["attention"])
    return attention.flatten(2).mean(2) if attention.ndim > 2 else attention


def joint_relevance(
    tokens: VisualTokens,
    relevance: Float[Tensor, "batch tokens"] | None,
    query: Float[Tensor, "batch joint"] | None,
) -> Float[Tensor, "batch tokens"]:
    """`relevance` if given, else the cosine of `extras["joint"]` and `query`."""
    if relevance is not None:
        return widen(relevance)
    assert query is not None  # check_needs has seen to it
    return cosines(tokens.extras["joint"], query[:, None])[..., 0]


def scale_to_one(scores: Float[Tensor, "batch tokens"], mask: Tensor) -> Float[Tensor, "batch tokens"]:
    """Scores of each image's real tokens stretched to 0..1; all ones where they are equal; 0 for unreal tokens.

    Raises:
        ValueError: the score of a real token is infinite or not a number.

    >>> scale_to_one(torch.tensor([[2.0, 3.0, 4.0]]), torch.ones(1, 3, dtype=torch.bool))
    tensor([[0.0000, 0.5000, 1.0000]])
    """
    if not bool(scores[mask].isfinite().all()):
        raise ValueError("a relevance is not finite; every real token needs a number")
    lowest = scores.masked_fill(~mask, torch.inf).amin(1, keepdim=True)
    span = scores.masked_fill(~mask, -torch.inf).amax(1, keepdim=True) - lowest
    scaled = torch.where(span > 0, (scores - lowest) / span, torch.ones_like(scores))
    return scaled.masked_fill(~mask, 0)
