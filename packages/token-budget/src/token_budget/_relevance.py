"""Selections by any relevance that comes from outside."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ._budget import check_budget, check_needs
from ._greedy import marginal_order
from ._options import RelevanceDiverse
from ._select import keep_first, rank
from ._similarity import joint_relevance, metric, scale_to_one
from ._visual_tokens import VisualTokens


def keep_top(scores: Float[Tensor, "batch tokens"], k: int) -> Int[Tensor, "batch kept"]:
    """Indices of the `k` highest scores of each image, in raster order.

    Args:
        scores: any real unit; higher is kept first. Ties go to the lower index.
        k: tokens to keep, 1..tokens.

    Raises:
        ValueError: `k` is outside 1..tokens, it is never clamped; or a score is NaN.

    >>> keep_top(torch.tensor([[0.8, 0.1, 0.9]]), k=2)
    tensor([[0, 2]])
    """
    if not 1 <= k <= scores.shape[1]:
        raise ValueError(f"k must be in 1..{scores.shape[1]}, the number of tokens; got {k}")
    return rank(scores, torch.ones_like(scores, dtype=torch.bool))[:, :k].sort(dim=1).values


def keep_relevant(
    tokens: VisualTokens,
    budget: int | Int[Tensor, " batch"],
    *,
    relevance: Float[Tensor, "batch tokens"] | None = None,
    query: Float[Tensor, "batch joint"] | None = None,
) -> VisualTokens:
    """The most relevant tokens, in positional order; ties go to the lower index.

    Args:
        tokens: the tokens to choose from.
        budget: tokens to keep, 1..tokens; one for all or one per image.
        relevance: a score per token, any real unit, higher is kept first.
        query: text embedding, compared by cosine with `extras["joint"]` where no relevance is given.

    Raises:
        ValueError: neither relevance nor query and joint embeddings, a relevance that is NaN, or a budget outside
            1..tokens.
    """
    check_needs("relevance-top-k", tokens, relevance=relevance, query=query)
    scores = joint_relevance(tokens, relevance, query)
    return keep_first(tokens, rank(scores, tokens.mask), check_budget(tokens, budget))


def keep_relevant_diverse(
    tokens: VisualTokens,
    budget: int | Int[Tensor, " batch"],
    *,
    relevance: Float[Tensor, "batch tokens"] | None = None,
    query: Float[Tensor, "batch joint"] | None = None,
    options: RelevanceDiverse | None = None,
) -> VisualTokens:
    """Tokens that are relevant and unlike those already kept: maximal marginal relevance (Carbonell & Goldstein 1998).

    Greedily keeps the token with the largest `trade_off * relevance - (1 - trade_off) * similarity`, where
    relevance is stretched to 0..1 within the image and similarity is the highest cosine with a kept token.
    The most relevant token comes first.

    Args:
        tokens: compared by features.
        budget: tokens to keep, 1..tokens; one for all or one per image.
        relevance: a score per token, any real unit.
        query: text embedding, compared by cosine with `extras["joint"]` where no relevance is given.
        options: see `RelevanceDiverse`.

    Raises:
        ValueError: neither relevance nor query and joint embeddings, a relevance that is not finite, or a budget
            outside 1..tokens.
    """
    options = options or RelevanceDiverse()
    check_needs("relevance-diverse", tokens, relevance=relevance, query=query)
    budgets = check_budget(tokens, budget)
    scores = scale_to_one(joint_relevance(tokens, relevance, query), tokens.mask)
    vectors, kept = metric(tokens, "features"), int(budgets.max())
    order = marginal_order(scores, vectors, tokens.mask, kept, trade_off=options.trade_off)
    return keep_first(tokens, order, budgets)
