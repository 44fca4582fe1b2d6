"""The whole of it: ways of knowing, opponent processing, allocation; every part removable by an option."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from relevance_allocator._allocation import Allocation, apply_allocation
from relevance_allocator._knowing import Knowing, Known
from relevance_allocator._names import Number
from relevance_allocator._opponent import Tensions, worth
from relevance_allocator._options import AllocatorOptions
from relevance_allocator._patches import PatchTexture
from relevance_allocator._place import explore, gated, place, spread_out
from relevance_allocator._price import TokenPrice, bought
from relevance_allocator._query import Query
from relevance_allocator._regions import Boxes
from relevance_allocator._scene import Scene
from token_budget import VisualTokens


class Allocated(NamedTuple):
    """What an allocator gives, with everything that led to it.

    Attributes:
        tokens: the image's tokens within its budget.
        allocation: which patches were kept, at which level.
        relevance: the ways of knowing together, 0..1.
        maps: relevance by way of knowing, 0..1.
        weights: what each way counts for, together 1, in the order of `maps`.
        tensions: the state of opponent processing.
    """

    tokens: VisualTokens
    allocation: Allocation
    relevance: Float[Tensor, "batch tokens"]
    maps: dict[str, Tensor]
    weights: Float[Tensor, " ways"]
    tensions: Tensions


class RelevanceAllocator(nn.Module):
    """Gives each image's tokens to where the question needs them; made by `create_allocator`.

    Hard at evaluation, where an image's allocation depends on its own tokens, texture and question alone. In
    training mode the scores are followed as loosely as exploit_explore says, and gradients reach the scorers
    and the tensions through the kept tokens. Initial weights come from torch's global generator, see `Participatory`.

    Args:
        options: what it consists of.
        dim: width of the visual tokens.
        query_dim: width of the question's token embeddings; None where nothing looks at the question.

    Raises:
        ValueError: a way of knowing needs `query_dim`, or names nothing.
    """

    price_bits: Tensor

    def __init__(self, options: AllocatorOptions, *, dim: int, query_dim: int | None = None) -> None:
        """Builds the ways of knowing and opponent processing."""
        super().__init__()
        self.options = options
        self.knowing = Knowing(options, dim=dim, query_dim=query_dim)
        # The price and its mean as the bits of float64: `.bfloat16()` would round a floating buffer.
        self.register_buffer("price_bits", torch.full((2,), torch.nan, dtype=torch.float64).view(torch.int64))

    @property
    def price(self) -> TokenPrice:
        """The fitted price.

        Raises:
            ValueError: none was fitted.
        """
        price, fitted_mean = self.price_bits.view(torch.float64).tolist()
        if self.price_bits.view(torch.float64).isnan().any():
            raise ValueError('amount "priced" needs a price: fit one with `fit_allocator`')
        lowest, highest = self.options.price_range
        return TokenPrice(
            price=price,
            lowest=lowest,
            highest=highest,
            mean_budget=self.options.budget,
            fitted_mean=fitted_mean,
        )

    def set_price(self, price: TokenPrice) -> None:
        """Freezes a price; it is saved with the weights.

        Args:
            price: fitted for this allocator's range and mean.

        Raises:
            ValueError: it was fitted for another range or mean.
        """
        wanted = (*self.options.price_range, float(self.options.budget))
        if (price.lowest, price.highest, price.mean_budget) != wanted:
            raise ValueError(f"the price was fitted for another range and mean than {wanted}: {price}")
        bits = torch.tensor([price.price, price.fitted_mean], dtype=torch.float64).view(torch.int64)
        self.price_bits.copy_(bits)

    def values(self, scene: Scene) -> Float[Tensor, "batch tokens"]:
        """Relevance times what it is worth to the image: what `fit_price` needs.

        Raises:
            ValueError: the scene lacks what a way of knowing needs, or a score is not finite.
        """
        known: Known = self.knowing(scene)
        amount = worth(known.tensions.compress_particularize, strength=self.options.strength)
        return known.relevance * amount[:, None]

    def forward(
        self,
        tokens: VisualTokens,
        query: Query | None = None,
        *,
        texture: PatchTexture | None = None,
        regions: Sequence[Boxes] | None = None,
        budget: int | Int[Tensor, " batch"] | None = None,
        generator: torch.Generator | None = None,
        progress: Number = 1.0,
    ) -> Allocated:
        """The tokens within their budgets, and what led to them.

        Args:
            tokens: of one grid per batch, with their positions.
            query: the questions.
            texture: of the same patches; may hold more groups than the options name.
            regions: per image the boxes that hold the answer; for the oracle.
            budget: overrides the options' amount, one or per image (a training schedule's, say).
            generator: for exploration in training and the random control.
            progress: share of the training done, 0..1; exploration ends with it.

        Raises:
            ValueError: something that the options need is missing, or a budget cannot be met.
        """
        scene = Scene(tokens, texture, query, regions, generator)
        known: Known = self.knowing(scene)
        relevance, tensions = known.relevance, known.tensions
        scores = relevance
        if self.training:
            scores = explore(scores, tensions, self.options, generator, progress)
        amount = worth(tensions.compress_particularize, strength=self.options.strength)
        priced = budget is None and self.options.amount == "priced"
        if priced:
            # From the relevance itself: exploration is about which tokens, not about how many.
            budget = bought(relevance * amount[:, None], self.price, mask=tokens.mask)
        budget = self.options.budget if budget is None else budget
        scores = spread_out(scene, scores, tensions, budget, self.options)
        allocation = place(scene, scores, budget, self.options)
        if self.training and torch.is_grad_enabled():
            tokens = gated(tokens, scores, allocation, self.options, amount if priced else None)
        return Allocated(apply_allocation(tokens, allocation), allocation, *known)
