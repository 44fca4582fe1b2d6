"""Multi-head attention from one sequence to another, with masks that may leave nothing to attend to."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from ._checks import require_divides


def attend(
    queries: Float[Tensor, "batch queries width"],
    keys: Float[Tensor, "batch tokens width"],
    values: Float[Tensor, "batch tokens read"],
    mask: Bool[Tensor, "batch _ tokens"] | None,
    *,
    heads: int,
) -> Float[Tensor, "batch queries read"]:
    """Attention over `heads` equal slices of the width.

    Args:
        queries: what asks.
        keys: what is compared with the queries.
        values: what is averaged.
        mask: true where a query may look; None means everywhere. A query that may look nowhere gives a finite,
            meaningless average: the caller masks it.
        heads: equal slices of the width that attend on their own.
    """
    if mask is not None:
        mask = (mask | ~mask.any(-1, keepdim=True))[:, None]
    q, k, v = (in_heads(tensor, heads) for tensor in (queries, keys, values))
    return scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2)


def in_heads(features: Float[Tensor, "batch n width"], heads: int) -> Float[Tensor, "batch {heads} n part"]:
    """The features with their width cut into heads."""
    return features.reshape(*features.shape[:2], heads, -1).transpose(1, 2)


class Attention(nn.Module):
    """Projections around `attend`; queries of one width, keys and values of another.

    Args:
        width: units of the queries and of the result.
        heads: attention heads; they divide the width.
        key_width: units of what is attended to; None is `width`.
        value_width: units of what is read before the last projection; None is `width`.
        bias: whether the four projections add a bias.

    Raises:
        ValueError: the heads do not divide a width.
    """

    def __init__(
        self,
        width: int,
        *,
        heads: int,
        key_width: int | None = None,
        value_width: int | None = None,
        bias: bool = True,
    ) -> None:
        super().__init__()
        read = value_width or width
        require_divides("attention", heads, width, "heads")
        require_divides("attention", heads, read, "heads")
        self.heads = heads
        self.query = nn.Linear(width, width, bias=bias)
        self.key = nn.Linear(key_width or width, width, bias=bias)
        self.value = nn.Linear(key_width or width, read, bias=bias)
        self.output = nn.Linear(read, width, bias=bias)

    def forward(
        self,
        queries: Float[Tensor, "batch queries width"],
        keys: Float[Tensor, "batch tokens keywidth"],
        values: Float[Tensor, "batch tokens keywidth"] | None = None,
        mask: Bool[Tensor, "batch _ tokens"] | None = None,
    ) -> Float[Tensor, "batch queries width"]:
        """What the queries read from the keys and values (the keys, where no values are given)."""
        values = keys if values is None else values
        read = attend(self.query(queries), self.key(keys), self.value(values), mask, heads=self.heads)
        return torch.as_tensor(self.output(read))
