"""Pixel shuffle: squares of neighbouring tokens become one wide token each, and that one visual token."""

from jaxtyping import Int
from torch import Tensor, nn

from token_budget import VisualTokens, stack_neighbours

from ._token_options import PixelShuffleOptions


class PixelShuffle(nn.Module):
    """Stacked neighbours, normalised, through an MLP of two layers (InternVL 1.5, arXiv 2404.16821, section 3.1)."""

    shape = "prefix"

    def __init__(self, options: PixelShuffleOptions, *, vision_width: int, language_width: int) -> None:
        super().__init__()
        self.options = options
        self.least_grid = options.factor
        hidden = options.width or language_width
        stacked = vision_width * options.factor**2
        self.project = nn.Sequential(
            nn.LayerNorm(stacked), nn.Linear(stacked, hidden), nn.GELU(), nn.Linear(hidden, language_width)
        )

    def token_count(self, tokens: int) -> int:
        """Visual tokens that `tokens` tokens become."""
        return tokens // self.options.factor**2

    def forward(
        self, tokens: VisualTokens, *, text: Int[Tensor, "batch words"] | None = None
    ) -> VisualTokens:
        """One token per square in the language model's width; `text` is not looked at."""
        stacked = stack_neighbours(tokens._replace(extras={}), self.options.factor)
        return stacked._replace(features=self.project(stacked.features))
