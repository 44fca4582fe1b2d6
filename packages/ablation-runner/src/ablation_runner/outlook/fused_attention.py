"""Attention on shapes alone that keeps for its backward pass what a fused kernel keeps."""

from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode


class FusedAttention(TorchFunctionMode):
    """Within it, attention keeps queries, keys, values and its output, as on a GPU, and no matrix of weights.

    On the meta device torch would take plain matrix products, whose weights count for more than all else where rows are
    long. Nothing is computed: it is for tensors without values.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Runs a function of torch, or attention's stand-in."""
        if func is torch.nn.functional.scaled_dot_product_attention:
            return _Kept.apply(*args[:3])
        return func(*args, **(kwargs or {}))


class _Kept(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        # As a fused kernel writes it: a token's heads stand side by side, so that joining them copies nothing.
        out = query.new_empty(*query.shape[:-1], value.shape[-1]).transpose(-3, -2).contiguous()
        out = out.transpose(-3, -2)
        ctx.save_for_backward(query, key, value, out)
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        raise NotImplementedError("shapes have no gradients")
