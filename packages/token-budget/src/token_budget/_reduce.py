"""One call for every reducer."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ._attention_pruning import keep_attended
from ._baselines import keep_prefix, keep_random, keep_uniform
from ._budget import check_budget, check_needs
from ._contextual import prune_and_merge, zip_tokens
from ._diversity import keep_conditional_diverse, keep_diverse
from ._names import import_object
from ._options import reducer_options
from ._pooling import average_pool, bilinear_resize, max_pool
from ._relevance import keep_relevant, keep_relevant_diverse
from ._tome import merge_similar
from ._visual_tokens import VisualTokens

# Name -> function and the arguments, beside tokens and budget, that it takes.
REDUCERS: dict[str, tuple[Callable[..., VisualTokens], tuple[str, ...]]] = {
    "average-pool": (average_pool, ("options",)),
    "bilinear": (bilinear_resize, ("options",)),
    "cdpruner": (keep_conditional_diverse, ("relevance", "query", "options")),
    "cls-attention": (keep_attended, ()),
    "divprune": (keep_diverse, ()),
    "max-pool": (max_pool, ("options",)),
    "prefix": (keep_prefix, ()),
    "prumerge-plus": (prune_and_merge, ("options",)),
    "random": (keep_random, ("generator",)),
    "relevance-diverse": (keep_relevant_diverse, ("relevance", "query", "options")),
    "relevance-top-k": (keep_relevant, ("relevance", "query")),
    "tome": (merge_similar, ()),
    "uniform": (keep_uniform, ()),
    "visionzip": (zip_tokens, ("options",)),
}


def reduce_tokens(
    tokens: VisualTokens,
    budget: int | Int[Tensor, " batch"],
    *,
    method: str,
    relevance: Float[Tensor, "batch tokens"] | None = None,
    query: Float[Tensor, "batch joint"] | None = None,
    generator: torch.Generator | None = None,
    **options: Any,
) -> VisualTokens:
    """The tokens reduced to exactly `budget` per image.

    A budget equal to the number of real tokens of every image gives back `tokens` as they are.

    Args:
        tokens: what `visual_tokens` made.
        budget: tokens to keep, 1..real tokens; one for all images or one per image. Where images keep different
            counts, the result is as wide as the largest and its mask tells the real tokens.
        method: a name of `list_reducers()`, or a function of your own as "package.module:name", called with
            `(tokens, budgets, relevance=, query=, generator=, **options)`, where budgets has one number per image. What it
            needs of them it says in an attribute `needs`; see `reducer_needs`.
        relevance: a score per token, for methods that rank by one.
        query: a text embedding per image, for methods that need text.
        generator: the source of chance, for methods that draw.
        options: fields of the method's options, as in `reducer_options`.

    Raises:
        ValueError: an unknown method or option, a budget outside 1..tokens or unfit for the grid, or something
            that the method needs is not there; the text says what, and which methods would do.

    >>> from token_budget import visual_tokens
    >>> tokens = visual_tokens(torch.randn(2, 64, 8), grids=torch.tensor([[8, 8], [8, 8]]))
    >>> reduce_tokens(tokens, 16, method="average-pool").features.shape
    torch.Size([2, 16, 8])
    """
    given = {"relevance": relevance, "query": query, "generator": generator}
    budgets = check_budget(tokens, budget)
    if ":" in method:
        return _checked(method, import_object(method)(tokens, budgets, **given, **options), budgets)
    given["options"] = reducer_options(method, options)
    check_needs(method, tokens, relevance=relevance, query=query, generator=generator)
    if torch.equal(budgets, tokens.mask.sum(1)):
        return tokens
    function, takes = REDUCERS[method]
    return function(tokens, budgets, **{name: given[name] for name in takes})


def _checked(method: str, out: VisualTokens, budgets: Tensor) -> VisualTokens:
    counts = out.mask.sum(1)
    if not torch.equal(counts, budgets):
        raise ValueError(f"{method!r} kept {counts.tolist()} tokens, the budget is {budgets.tolist()}")
    return out
