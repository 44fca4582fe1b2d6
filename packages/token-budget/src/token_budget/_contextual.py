"""Reducers that keep attended tokens and fold the dropped ones into them: VisionZip and PruMerge+."""

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from ._baselines import spaced
from ._budget import check_budget, check_needs
from ._merge import Cells, merge
from ._options import PruMergePlus, VisionZip
from ._select import keep_first, rank
from ._similarity import class_attention, cosines, metric
from ._visual_tokens import VisualTokens


def _mark(
    mask: Bool[Tensor, "batch tokens"], order: Int[Tensor, "batch places"], counts: Int[Tensor, " batch"]
) -> Bool[Tensor, "batch tokens"]:
    """True at the first `counts` indices of each row of `order`."""
    first = torch.arange(order.shape[1], device=order.device) < counts[:, None]
    hits = torch.zeros(mask.shape, dtype=torch.long, device=mask.device).scatter_add(1, order, first.long())
    marked: Tensor = hits > 0
    return marked


def _places(kept: Bool[Tensor, "batch tokens"]) -> Int[Tensor, "batch tokens"]:
    """The output index of each kept token, in positional order; -1 for the others."""
    return (kept.cumsum(1) - 1).masked_fill(~kept, -1)


def zip_tokens(
    tokens: VisualTokens, budget: int | Int[Tensor, " batch"], *, options: VisionZip | None = None
) -> VisualTokens:
    """Dominant tokens by attention and contextual tokens that average the rest (VisionZip, arXiv:2412.04467).

    Dominant tokens stay as they are. Of the others, evenly spaced ones become targets; each remaining token joins
    the target with the most similar key, and every target becomes the mean of its group and itself. (The released
    code adds the mean of the group to the target, which about doubles its length; the paper says average.) The class
    token, which the released code keeps besides, is not counted: it is no patch. Tokens stand in positional order,
    the paper puts dominant ones first.

    Args:
        tokens: with `extras["attention"]`; compared by `extras["keys"]`, or features where there are no keys.
        budget: dominant and contextual tokens together, 1..tokens; one for all or one per image.
        options: see `VisionZip`.

    Raises:
        ValueError: no attention, or a budget outside 1..tokens.
    """
    options = options or VisionZip()
    check_needs("visionzip", tokens)
    budgets = check_budget(tokens, budget)
    mask = tokens.mask
    with torch.no_grad():
        contextual = (budgets * options.contextual + 0.5).long()
        dominant = _mark(mask, rank(class_attention(tokens), mask), budgets - contextual)
        rest = mask & ~dominant
        target = _mark(mask, spaced(rest, contextual), contextual)
        kept = dominant | target
        place = _places(kept)
        vectors = metric(tokens)
        nearest = cosines(vectors, vectors).masked_fill(~target[:, None, :], -torch.inf).argmax(2)
        joins = rest & ~target & target.any(1, keepdim=True)
        place = torch.where(joins, place.gather(1, nearest), place)
    width = int(budgets.max())
    return merge(
        tokens, Cells(place, width), valid=torch.arange(width, device=mask.device) < budgets[:, None]
    )


def outliers(attention: Tensor, mask: Bool[Tensor, "batch tokens"]) -> Bool[Tensor, "batch tokens"]:
    """Real tokens above the third quartile by more than 1.5 interquartile ranges *of their own image*.

    >>> outliers(torch.tensor([[1.0, 1, 2, 2, 9]]), torch.ones(1, 5, dtype=torch.bool)).nonzero()[:, 1]
    tensor([4])
    """
    known = attention.masked_fill(~mask, torch.nan)
    lower, upper = known.nanquantile(torch.tensor([0.25, 0.75], device=mask.device, dtype=known.dtype), dim=1)
    above: Tensor = attention > (upper + 1.5 * (upper - lower))[:, None]
    return above & mask


def prune_and_merge(
    tokens: VisualTokens, budget: int | Int[Tensor, " batch"], *, options: PruMergePlus | None = None
) -> VisualTokens:
    """Attention outliers and evenly spaced tokens, each averaged with its nearest dropped ones (PruMerge+, arXiv:2403.15388).

    Outliers by the 1.5 IQR rule within each image come first, the most attended first; evenly spaced tokens from
    the others fill the budget. (The paper lets the number of outliers set the count; here the budget does.) Each
    kept token becomes the mean, weighted by attention, of itself and the `neighbours` dropped tokens with the most
    similar keys, and keeps its own position. A dropped token may join several kept ones or none, so sizes, which
    count the patches averaged, do not add up to those of the input.

    Section 3.3 merges pruned tokens into kept ones, and so does this; the paper's algorithm 1 and the released code
    look for neighbours among the kept ones too, so that a full budget would not give the tokens back. The released
    code also adds the weighted neighbours to the token without dividing by the weights, which lets lengths grow with
    attention, and appends one token for all the rest; here it is an average, and the budget is the count.

    Args:
        tokens: with `extras["attention"]`, 0 and up; compared by `extras["keys"]`, or features without keys.
        budget: tokens to keep, 1..tokens; one for all or one per image.
        options: see `PruMergePlus`.

    Raises:
        ValueError: no attention, attention below 0, or a budget outside 1..tokens.
    """
    options = options or PruMergePlus()
    check_needs("prumerge-plus", tokens)
    budgets = check_budget(tokens, budget)
    mask, attention = tokens.mask, class_attention(tokens).masked_fill(~tokens.mask, 0)
    if not bool((attention >= 0).all()):
        raise ValueError(
            f"attention weighs the average, so it must be at least 0, got {attention.min().item()}"
        )
    with torch.no_grad():
        above = outliers(attention, mask)
        count = torch.minimum(above.sum(1), budgets)
        kept = _mark(mask, rank(attention.masked_fill(~above, -torch.inf), mask), count)
        kept = kept | _mark(mask, spaced(mask & ~kept, budgets - count), budgets - count)
        # Kept tokens in positional order; padding repeats arbitrary tokens and is masked below.
        order = rank(kept.float(), mask)[:, : int(budgets.max())]
        valid = torch.arange(order.shape[1], device=mask.device) < budgets[:, None]
        members = _neighbours(metric(tokens), order, mask & ~kept, options.neighbours)
        members = members.scatter(2, order[..., None], 1.0)
    pruned = keep_first(tokens, order, budgets)
    # A floor far below any softmax value: attention that underflowed to 0 must not leave an empty average.
    weights = members * (attention + torch.finfo(attention.dtype).tiny)[:, None, :]
    sizes = mask.float() if tokens.sizes is None else tokens.sizes.float() * mask
    merged = merge(tokens, weights, valid=valid)
    absorbed = (members * sizes[:, None]).sum(2).masked_fill(~valid, 0)
    return merged._replace(positions=pruned.positions, sizes=absorbed)


def _neighbours(
    vectors: Tensor, order: Int[Tensor, "batch kept"], dropped: Bool[Tensor, "batch tokens"], count: int
) -> Tensor:
    """One where a dropped token is among the `count` most similar ones of a kept token, else zero."""
    batch = torch.arange(len(order), device=order.device)[:, None]
    similarity = cosines(vectors[batch, order], vectors).masked_fill(~dropped[:, None, :], -torch.inf)
    near = similarity.topk(min(count, similarity.shape[2]), dim=2)
    return torch.zeros_like(similarity).scatter(
        2, near.indices, (near.values > -torch.inf).to(similarity.dtype)
    )
