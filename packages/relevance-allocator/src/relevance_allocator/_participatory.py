"""The ways of knowing that couple the question with the image."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity

from relevance_allocator._patches import PatchTexture
from relevance_allocator._query import Query
from token_budget import VisualTokens


class Participatory(nn.Module):
    """Low-rank cross-attention between question tokens and visual tokens; trained.

    Every head asks of every token: is there a word in the question that this token answers? With q the words'
    and k the tokens' projections of width rank / heads, a head's match is log mean over words of exp(q k / sqrt(width)),
    a soft maximum; the score is the heads' weighted sum. The mean over real words makes padding irrelevant.
    Initial weights come from torch's global generator, as those of every `nn.Linear`: fork it around the constructor.

    Args:
        dim: width of the visual tokens' features, 1 or more.
        query_dim: width of the question's token embeddings, 1 or more.
        texture_channels: channels of the texture to join to the features, 0 for none.
        rank: sum of the heads' widths; a multiple of `heads`.
        heads: 1 or more.
        hidden: width of the layer between features and keys, 1 or more.

    Raises:
        ValueError: a width below 1, or `heads` does not divide `rank`.
    """

    def __init__(
        self,
        dim: int,
        query_dim: int,
        *,
        texture_channels: int = 0,
        rank: int = 32,
        heads: int = 4,
        hidden: int = 64,
    ) -> None:
        """Builds the projections."""
        super().__init__()
        if min(dim, query_dim, rank, heads, hidden) < 1 or texture_channels < 0:
            raise ValueError(
                "dim, query_dim, rank, heads and hidden must be 1 or more and texture_channels 0 or more, got "
                f"{dim}, {query_dim}, {rank}, {heads}, {hidden} and {texture_channels}"
            )
        if rank % heads:
            raise ValueError(f"heads must divide rank, got rank {rank} and {heads} heads")
        self.dim, self.query_dim = dim, query_dim
        self.texture_channels, self.heads = texture_channels, heads
        self.norm = nn.LayerNorm(dim)
        self.query_norm = nn.LayerNorm(query_dim)
        self.key = nn.Sequential(
            nn.Linear(dim + texture_channels, hidden), nn.GELU(), nn.Linear(hidden, rank)
        )
        self.query = nn.Linear(query_dim, rank)
        self.weight = nn.Parameter(torch.ones(heads))

    def forward(
        self, tokens: VisualTokens, query: Query, texture: PatchTexture | None = None
    ) -> Float[Tensor, "batch tokens"]:
        """Raw scores, any real unit; those of masked tokens mean nothing.

        Args:
            tokens: visual tokens of width `dim`.
            query: questions of width `query_dim`.
            texture: of the same patches, where the module was built with texture channels.

        Raises:
            ValueError: the texture is missing, unasked for, or has other channels than the module; tokens or questions
                of another width than it was built for.
        """
        widths = tokens.features.shape[-1], query.features.shape[-1]
        if widths != (self.dim, self.query_dim):
            raise ValueError(
                f"participatory was built for tokens of width {self.dim} and questions of width {self.query_dim}, "
                f"got {widths[0]} and {widths[1]}"
            )
        channels = 0 if texture is None else texture.means.shape[-1]
        if channels != self.texture_channels:
            raise ValueError(
                f"participatory was built for {self.texture_channels} texture channels, got {channels}"
            )
        dtype = self.query.weight.dtype
        features = self.norm(tokens.features.to(dtype))
        if texture is not None:
            features = torch.cat([features, texture.means.to(dtype)], -1)
        key = self.key(features).unflatten(-1, (self.heads, -1))
        words = self.query(self.query_norm(query.features.to(dtype))).unflatten(-1, (self.heads, -1))
        match = torch.einsum("bihd,bjhd->bhij", words, key) / math.sqrt(key.shape[-1])
        match = match.masked_fill(~query.mask[:, None, :, None], -torch.inf)
        count = query.mask.sum(1)[:, None, None]
        found = match.logsumexp(2) - count.log().to(match.dtype)
        return torch.einsum("h,bhj->bj", self.weight, found)


def joint_similarity(
    tokens: VisualTokens, query: Query, *, opposite: bool = False
) -> Float[Tensor, "batch tokens"]:
    """Training-free coupling for CLIP-type encoders: cosine of each token with the best-matching question token.

    Args:
        tokens: with `extras["joint"]`, the tokens' projections into the joint image-text space.
        query: the text's joint embedding, as one token or several.
        opposite: negate the cosine. In CLIP the text matches the background's patches better than the object's
            (arXiv 2304.05653, section 3), which is why CDPruner ranks by the negative cosine.

    Raises:
        ValueError: the tokens have no joint embedding, or its width is not the query's.

    >>> from token_budget import visual_tokens
    >>> from relevance_allocator import query_tokens
    >>> joint = torch.tensor([[[1.0, 0.0], [0.0, 2.0]]])
    >>> tokens = visual_tokens(torch.zeros(1, 2, 4), extras={"joint": joint})
    >>> joint_similarity(tokens, query_tokens(torch.tensor([[[0.0, 1.0]]])))
    tensor([[0., 1.]])
    """
    if "joint" not in tokens.extras:
        raise ValueError(
            'joint similarity needs tokens.extras["joint"]: the tokens in the joint image-text space'
        )
    joint = tokens.extras["joint"]
    if joint.shape[-1] != query.features.shape[-1]:
        raise ValueError(f"the joint space has width {joint.shape[-1]}, the query {query.features.shape[-1]}")
    cosine = cosine_similarity(joint[:, :, None], query.features[:, None], dim=-1)
    if opposite:
        cosine = -cosine
    return cosine.masked_fill(~query.mask[:, None], -torch.inf).amax(-1)
