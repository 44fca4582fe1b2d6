"""Reducers with parameters or a training mode, as modules over the plain functions."""

from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor, nn

from . import _trained_options as settings
from ._baselines import keep_random
from ._budget import check_budget, check_needs
from ._grid_options import AveragePool
from ._neighbours import stack_neighbours
from ._pooling import average_pool
from ._visual_tokens import VisualTokens

Budget = int | Int[Tensor, " batch"]


class PixelShuffleMLP(nn.Module):
    """Blocks of neighbours stacked on the channels and projected."""

    def __init__(self, dim: int, out_dim: int, options: settings.PixelShuffleMLP) -> None:
        """Make the projector; parameters are drawn from torch's global generator, as in any module."""
        super().__init__()
        self.factor = options.factor
        stacked = dim * options.factor**2
        self.norm = nn.LayerNorm(stacked)
        self.expand = nn.Linear(stacked, out_dim)
        self.project = nn.Linear(out_dim, out_dim)

    def forward(self, tokens: VisualTokens, budget: Budget | None = None, **_unused: Any) -> VisualTokens:
        """The projected blocks, on a grid that is `factor` times coarser.

        Args:
            tokens: tokens on a grid; the class token is not projected, so none comes out.
            budget: if given, it must be what the factor makes of the grid.

        Raises:
            ValueError: no grid, one that the factor does not divide, or another budget.
        """
        blocks = stack_neighbours(tokens, self.factor)
        made = blocks.mask.sum(1)
        if budget is not None and not torch.equal(check_budget(tokens, budget), made):
            raise ValueError(f"factor {self.factor} makes {made.tolist()} tokens of the grids, not {budget}")
        return _project(blocks, self.project(nn.functional.gelu(self.expand(self.norm(blocks.features)))))


class PoolSwiGLU(nn.Module):
    """Average pooling to any budget, then a SwiGLU projector that all budgets share."""

    def __init__(self, dim: int, out_dim: int, options: settings.PoolSwiGLU) -> None:
        """Make the projector; parameters are drawn from torch's global generator, as in any module."""
        super().__init__()
        self.pooling = AveragePool(coverage=options.coverage)
        hidden = out_dim if options.hidden is None else options.hidden
        self.gate = nn.Linear(dim, hidden)
        self.expand = nn.Linear(dim, hidden)
        self.project = nn.Linear(hidden, out_dim)

    def forward(self, tokens: VisualTokens, budget: Budget, **_unused: Any) -> VisualTokens:
        """The pooled and projected tokens.

        Args:
            tokens: tokens on a grid; the class token is not projected, so none comes out.
            budget: cells of the coarser grid, 1..tokens.

        Raises:
            ValueError: as `average_pool`.
        """
        pooled = average_pool(tokens._replace(cls=None), budget, options=self.pooling)
        x = pooled.features
        return _project(pooled, self.project(nn.functional.silu(self.gate(x)) * self.expand(x)))


class MaskedDrop(nn.Module):
    """A random subset of the tokens in training, all of them in evaluation."""

    def __init__(self, dim: int, out_dim: int, options: settings.MaskedDrop) -> None:
        """Take the shares; there are no parameters, so the width cannot change.

        Raises:
            ValueError: `out_dim` is not `dim`.
        """
        super().__init__()
        if dim != out_dim:
            raise ValueError(f"masked-drop has no projection: out_dim {out_dim} must be dim {dim}")
        self.options = options

    def forward(
        self,
        tokens: VisualTokens,
        budget: Budget | None = None,
        *,
        generator: torch.Generator | None = None,
        **_unused: Any,
    ) -> VisualTokens:
        """The kept tokens, in positional order.

        Args:
            tokens: the tokens to draw from.
            budget: keep exactly so many, in training and evaluation; None draws in training and keeps all otherwise.
            generator: the source of chance; needed wherever tokens are drawn.

        Raises:
            ValueError: no generator where one is needed, or a budget outside 1..tokens.
        """
        if budget is None and not self.training:
            return tokens
        check_needs("random", tokens, generator=generator)
        if budget is None:
            assert generator is not None  # check_needs has seen to it
            draws = torch.rand(len(tokens.mask), 2, generator=generator, device=generator.device)
            draws = draws.to(tokens.mask.device)
            share = self.options.lowest + (self.options.highest - self.options.lowest) * draws[:, 0]
            share = torch.where(draws[:, 1] < self.options.skip, 1.0, share)
            budget = (
                (share * tokens.mask.sum(1)).round().long().clamp(min=1)
            )  # a share of few tokens is never none
        return keep_random(tokens, budget, generator=generator)


def _project(tokens: VisualTokens, features: Tensor) -> VisualTokens:
    # Biases would fill the padding.
    return tokens._replace(features=features.masked_fill(~tokens.mask[..., None], 0))


TRAINED: dict[str, type[nn.Module]] = {
    "masked-drop": MaskedDrop,
    "pixel-shuffle-mlp": PixelShuffleMLP,
    "pool-swiglu": PoolSwiGLU,
}


def create_trained_reducer(method: str, *, dim: int, out_dim: int, **options: Any) -> nn.Module:
    """A reducer with parameters or a training mode, called as `(tokens, budget, generator=...)`.

    Args:
        method: a name of `list_trained_reducers()`.
        dim: width of the tokens.
        out_dim: width of what comes out.
        options: fields of the method's options.

    Raises:
        ValueError: no such method, no such option, or a value out of its range.

    >>> create_trained_reducer("pool-swiglu", dim=8, out_dim=16).project.out_features
    16
    """
    chosen = settings.trained_options(method, options)
    return TRAINED[method](dim, out_dim, chosen)
