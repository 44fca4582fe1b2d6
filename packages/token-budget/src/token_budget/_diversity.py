"""Selections for diversity, with and without a text: DivPrune and CDPruner."""

from jaxtyping import Float, Int
from torch import Tensor

from ._budget import check_budget, check_needs
from ._greedy import determinant_order, max_min_order
from ._options import CDPruner
from ._select import keep_first
from ._similarity import joint_relevance, metric, scale_to_one
from ._visual_tokens import VisualTokens


def keep_diverse(tokens: VisualTokens, budget: int | Int[Tensor, " batch"]) -> VisualTokens:
    """The tokens of greedy max-min diversity by cosine distance (DivPrune, arXiv:2503.02175, algorithm 1).

    Args:
        tokens: compared by features.
        budget: tokens to keep, 1..tokens; one for all or one per image.

    Raises:
        ValueError: a budget outside 1..tokens.
    """
    budgets = check_budget(tokens, budget)
    order = max_min_order(metric(tokens, "features"), tokens.mask, int(budgets.max()))
    return keep_first(tokens, order, budgets)


def keep_conditional_diverse(
    tokens: VisualTokens,
    budget: int | Int[Tensor, " batch"],
    *,
    relevance: Float[Tensor, "batch tokens"] | None = None,
    query: Float[Tensor, "batch joint"] | None = None,
    options: CDPruner | None = None,
) -> VisualTokens:
    """The tokens that greedily maximise the determinant of similarity conditioned on the text (CDPruner, arXiv:2506.10967).

    The kernel is diag(r) S diag(r), where S is the cosine of features and r the relevance stretched to 0..1 *within
    each image*; the released code stretches over the whole batch, so that an image's tokens depend on its mates.

    Args:
        tokens: compared by features.
        budget: tokens to keep, 1..tokens; one for all or one per image.
        relevance: a score per token, any real unit.
        query: text embedding, compared by cosine with `extras["joint"]` where no relevance is given.
        options: see `CDPruner`.

    Raises:
        ValueError: neither relevance nor query and joint embeddings, a relevance that is not finite, or a budget
            outside 1..tokens.
    """
    options = options or CDPruner()
    check_needs("cdpruner", tokens, relevance=relevance, query=query)
    budgets = check_budget(tokens, budget)
    scores = joint_relevance(tokens, relevance, query)
    quality = scale_to_one(-scores if options.opposite else scores, tokens.mask)
    order = determinant_order(quality, metric(tokens, "features"), tokens.mask, int(budgets.max()))
    return keep_first(tokens, order, budgets)
