"""Elastic queries: any first m of them are a valid set of visual tokens."""

import torch
from jaxtyping import Int
from torch import Tensor, nn

from token_budget import VisualTokens

from ._attention import Attention
from ._attention_options import ElasticQueriesOptions
from ._positions import position_codes, require_code_width
from ._queries import query_tokens


class ElasticQueries(nn.Module):
    """One cross-attention by ordered queries (Matryoshka Query Transformer, arXiv 2405.19315).

    The queries don't attend to each other, so the first m rows don't depend on how many are asked for. Keys are the
    normalised features plus the position code; in the authors' code they are the position code alone, and the
    attention map is then the same for any two images.
    """

    shape = "prefix"

    def __init__(self, options: ElasticQueriesOptions, *, vision_width: int, language_width: int) -> None:
        super().__init__()
        self.options = options
        width = options.width or language_width
        require_code_width(width, options.positions)
        self.queries = nn.Parameter(torch.empty(options.queries, width).normal_(std=options.query_std))
        self.project = nn.Linear(vision_width, width)
        self.query_norm = nn.LayerNorm(width)
        self.image_norm = nn.LayerNorm(width)
        self.attention = Attention(width, heads=options.heads, value_width=options.value_width)
        self.norm = nn.LayerNorm(width)
        self.output = nn.Linear(width, language_width)

    def token_count(self, tokens: int) -> int:
        """Visual tokens that `tokens` tokens become when nothing less is asked for."""
        return self.options.queries

    def forward(
        self,
        tokens: VisualTokens,
        *,
        text: Int[Tensor, "batch words"] | None = None,
        queries: int | None = None,
    ) -> VisualTokens:
        """The first `queries` queries after they have read each image; `text` is not looked at.

        Args:
            tokens: the image's tokens.
            text: ignored.
            queries: how many to use, 1 to the most there are; None uses all.

        Raises:
            ValueError: `queries` is out of range.
        """
        count = self.options.queries if queries is None else queries
        if not 1 <= count <= self.options.queries:
            raise ValueError(f"queries must be within 1..{self.options.queries}, got {count}")
        image = self.image_norm(self.project(tokens.features))
        codes = position_codes(tokens, image.shape[-1], self.options.positions)
        keys = image if codes is None else image + codes
        asked = self.query_norm(self.queries[:count]).expand(len(image), -1, -1)
        read = self.norm(self.attention(asked, keys, image, tokens.mask[:, None]))
        return query_tokens(self.output(read), tokens)
