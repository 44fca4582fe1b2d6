"""Opponent processing: three tensions, read from the question and from where the relevance lies."""

import math
from collections.abc import Mapping
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from relevance_allocator._check_options import NEUTRAL, check_tensions
from relevance_allocator._names import Number
from relevance_allocator._query import Query


class Tensions(NamedTuple):
    """Where each image stands between two opposites, 0..1: 0 is the first, 1 the second.

    Attributes:
        compress_particularize: how many tokens the image gets; 0.5 neither adds nor takes.
        exploit_explore: how loosely the scores are followed while training; 0 follows them exactly.
        focus_diversify: how much spread and novelty count; 0 is relevance alone.
    """

    compress_particularize: Float[Tensor, " batch"]
    exploit_explore: Float[Tensor, " batch"]
    focus_diversify: Float[Tensor, " batch"]


class OpponentProcessing(nn.Module):
    """Predicts the tensions from the relevance maps with their layout, and from the question.

    Each map is seen as the means of 4x4 regions of the image, so that two maps with the same values in other places
    differ, and as its concentration. The question is seen as the mean and the maximum over its projected words.
    At first all predicted tensions are 0.5. The maps are read, not steered: no gradient passes through
    the tensions into the ways of knowing. Initial weights come from torch's global generator, see `Participatory`.

    Args:
        maps: relevance maps that `forward` gets, 1 or more.
        query_dim: width of the question's token embeddings; None looks at the maps alone.
        fixed: tension -> the value in 0..1 that it keeps; it is not predicted then.
        hidden: width of the one hidden layer, 1 or more.

    Raises:
        ValueError: an unknown tension, a value outside 0..1, or a width below 1.
    """

    REGIONS = 4

    def __init__(
        self,
        maps: int,
        query_dim: int | None,
        *,
        fixed: Mapping[str, Number] | None = None,
        hidden: int = 32,
    ) -> None:
        """Builds the layers that are needed; none where every tension is fixed."""
        super().__init__()
        self.fixed = dict(fixed or {})
        check_tensions(self.fixed)
        if maps < 1 or hidden < 1 or (query_dim is not None and query_dim < 1):
            raise ValueError(
                f"maps, hidden and query_dim must be 1 or more, got {maps}, {hidden} and {query_dim}"
            )
        self.maps = maps
        self.learned = [name for name in NEUTRAL if name not in self.fixed]
        self.words: nn.Linear | None = None
        self.read: nn.Sequential | None = None
        if self.learned:
            if query_dim is not None:
                self.words = nn.Linear(query_dim, hidden)
            seen = maps * (self.REGIONS**2 + 1) + (2 * hidden if self.words is not None else 0)
            last = nn.Linear(hidden, len(self.learned))
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)
            self.read = nn.Sequential(nn.Linear(seen, hidden), nn.GELU(), last)

    def forward(
        self, maps: Float[Tensor, "batch maps tokens"], grid: tuple[int, int], query: Query | None = None
    ) -> Tensions:
        """The tensions of each image.

        Args:
            maps: relevance in 0..1 of each way of knowing.
            grid: rows and columns of the tokens.
            query: the question; needed where the module was built with a `query_dim`.

        Raises:
            ValueError: another number of maps, relevance outside 0..1, a grid that does not hold the tokens, or a missing
                question.
        """
        batch, count, tokens = maps.shape
        if count != self.maps:
            raise ValueError(f"opponent processing was built for {self.maps} relevance maps, got {count}")
        if not ((maps >= 0) & (maps <= 1)).all():
            raise ValueError("relevance maps must lie in 0..1: calibrate them first")
        if grid[0] * grid[1] != tokens:
            raise ValueError(f"a grid of {grid[0]}x{grid[1]} does not hold {tokens} tokens")
        predicted = {name: maps.new_full((batch,), value) for name, value in self.fixed.items()}
        if self.read is not None:
            parts = [self._layout(maps.detach(), grid)]
            if self.words is not None:
                if query is None:
                    raise ValueError("the tensions are predicted from the question too: a query is needed")
                parts.append(self._question(self.words, query))
            dtype = next(self.read.parameters()).dtype
            values = self.read(torch.cat([part.to(dtype) for part in parts], -1)).to(maps.dtype).sigmoid()
            predicted |= dict(zip(self.learned, values.unbind(-1), strict=True))
        return Tensions(**predicted)

    def _layout(
        self, maps: Float[Tensor, "batch maps tokens"], grid: tuple[int, int]
    ) -> Float[Tensor, "batch seen"]:
        regions = adaptive_avg_pool2d(maps.reshape(*maps.shape[:2], *grid), self.REGIONS).flatten(1)
        share = maps / maps.sum(-1, keepdim=True).clamp(min=torch.finfo(maps.dtype).tiny)
        tokens = max(maps.shape[-1], 2)
        concentration = 1 - torch.special.entr(share).sum(-1) / math.log(tokens)
        return torch.cat([regions, concentration], -1)

    @staticmethod
    def _question(layer: nn.Linear, query: Query) -> Float[Tensor, "batch seen"]:
        words, real = layer(query.features.to(layer.weight.dtype)), query.mask[..., None]
        mean = words.masked_fill(~real, 0.0).sum(1) / real.sum(1)
        return torch.cat([mean, words.masked_fill(~real, -torch.inf).amax(1)], -1)


def worth(
    compress_particularize: Float[Tensor, " batch"], *, strength: Number = 4.0
) -> Float[Tensor, " batch"]:
    """What relevance is worth to an image when it pays for tokens: 1/strength at compress, 1 at 0.5, strength at the end.

    Args:
        compress_particularize: the tension, 0..1.
        strength: the largest factor, 1 or more.

    Raises:
        ValueError: a strength below 1, or a tension outside 0..1.

    >>> worth(torch.tensor([0.0, 0.5, 1.0]), strength=2.0)
    tensor([0.5000, 1.0000, 2.0000])
    """
    if not strength >= 1:
        raise ValueError(f"strength must be 1 or more, got {strength}")
    if not ((compress_particularize >= 0) & (compress_particularize <= 1)).all():
        raise ValueError(f"compress_particularize must lie in 0..1, got {compress_particularize.tolist()}")
    return torch.exp((2 * compress_particularize - 1) * math.log(strength))


def temperature(
    exploit_explore: Float[Tensor, " batch"], *, highest: Number = 0.2, progress: Number
) -> Float[Tensor, " batch"]:
    """How strongly noise moves the scores: `highest` times the tension, falling to 0 as training ends.

    Args:
        exploit_explore: the tension, 0..1.
        highest: temperature of full exploration at the start, 0 or more, in units of relevance.
        progress: share of the training done, 0..1.

    Raises:
        ValueError: a negative temperature, or progress outside 0..1.

    >>> temperature(torch.tensor([0.5]), highest=0.4, progress=0.5)
    tensor([0.1000])
    """
    if not (highest >= 0 and 0 <= progress <= 1):
        raise ValueError(f"highest must be 0 or more and progress in 0..1, got {highest} and {progress}")
    return exploit_explore * (highest * (1 - progress))
