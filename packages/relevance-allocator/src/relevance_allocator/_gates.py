"""How gradients reach the scores: through the tokens that were kept, and the detail that was."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from relevance_allocator._allocation import Allocation
from relevance_allocator._levels import block_gains
from relevance_allocator._names import Number
from relevance_allocator._quadtree import Quadtree, quad_means, quadtree
from relevance_allocator._relaxed import shares_above, soft_top_k
from token_budget import VisualTokens


def _pull(soft: Tensor) -> Tensor:
    """Zero, with the gradient of `soft`."""
    return soft - soft.detach()


def gate_top_k(
    tokens: VisualTokens,
    scores: Float[Tensor, "batch tokens"],
    allocation: Allocation,
    *,
    softness: Number,
    amount: Float[Tensor, " batch"] | None = None,
) -> VisualTokens:
    """The same tokens, whose features pass gradients to the scores as if each were weighed by its share of a soft top-k.

    The values and their type do not change. A token's score rises where a larger feature vector would lower the loss.

    Args:
        tokens: before the allocation.
        scores: by which the allocation was made.
        allocation: top-k.
        softness: of the shares, above 0, in units of the scores.
        amount: what relevance is worth to each image (`worth`); its gradient says whether the image should get more
            tokens. The scores' gradient never does: they compete for the tokens there are.

    Raises:
        ValueError: a softness not above 0, or scores that are not finite.
    """
    if not softness > 0:
        raise ValueError(f"softness must be above 0, got {softness}")
    mask = tokens.mask
    outside = scores.detach().masked_fill(~mask, torch.inf).amin(1, keepdim=True) - 60 * softness
    scores = torch.where(mask, scores, outside)
    count = mask.sum(1)
    choice = allocation.achieved < count  # where all are kept there is nothing to choose
    budgets = torch.where(choice, allocation.achieved, (count - 1).clamp(min=1))
    gate = torch.zeros_like(scores)
    if mask.shape[1] > 1:
        gate = _pull(soft_top_k(scores, budgets, softness=softness)) * choice[:, None]
    if amount is not None:
        kept = (allocation.levels == 1) & mask
        gate = gate + _amount_pull(scores, _border(scores.detach(), kept, mask & ~kept), amount, softness)
    weighed = (1 + gate.masked_fill(~mask, 0.0)).to(tokens.features.dtype)
    return tokens._replace(features=tokens.features * weighed[..., None])


def _amount_pull(
    scores: Tensor, border: Tensor, amount: Tensor, softness: Number
) -> Float[Tensor, "batch nodes"]:
    """Zero, with the gradient of every share to what relevance is worth: the scores stay, the border falls."""
    more = (amount / amount.detach() - 1)[
        :, None
    ]  # 0; added, because diversity and noise make scores negative
    return _pull(torch.sigmoid((scores.detach() - border + more) / softness))


def _border(
    gains: Float[Tensor, "batch nodes"], taken: Bool[Tensor, "batch nodes"], left: Bool[Tensor, "batch nodes"]
) -> Float[Tensor, "batch 1"]:
    """Between the lowest gain that was taken and the highest that was left."""
    low = gains.masked_fill(~taken, torch.inf).amin(1, keepdim=True)
    high = gains.masked_fill(~left, -torch.inf).amax(1, keepdim=True)
    low = torch.where(low.isinf(), high, low)
    return (low + torch.where(high.isinf(), low, high)) / 2


def gate_levels(
    tokens: VisualTokens,
    scores: Float[Tensor, "batch tokens"],
    allocation: Allocation,
    grid: tuple[int, int],
    *,
    softness: Number,
    amount: Float[Tensor, " batch"] | None = None,
) -> VisualTokens:
    """The same tokens, whose features pass gradients to the scores as if every split were a matter of degree.

    The values and their type do not change. A quad's score rises where more of its detail (patches less their mean) would lower
    the loss, a block's (its best quad's) where more of its quads' would.

    Args:
        tokens: before the allocation, one per patch.
        scores: by which the allocation was made.
        allocation: of levels of detail.
        grid: rows and columns.
        softness: above 0, in units of the scores.
        amount: as for `gate_top_k`.

    Raises:
        ValueError: a softness not above 0.
    """
    if not softness > 0:
        raise ValueError(f"softness must be above 0, got {softness}")
    tree = quadtree(grid, scores.device)
    block = tree.block[tree.quad]
    quads = quad_means(scores, tree)
    blocks = block_gains(quads, tree)
    levels = allocation.levels
    split_quad, split_block = levels[:, tree.quad_leader] == 1, (levels[:, tree.block_leader] % 4) > 0
    gains, taken = torch.cat([quads, blocks], 1), torch.cat([split_quad, split_block], 1)
    border = _border(gains.detach(), taken, ~taken)
    choice = ~taken.all(1, keepdim=True)  # where all is split there is nothing to choose
    gate = _pull(shares_above(gains, border, softness)) * choice
    if amount is not None:
        gate = gate + _amount_pull(gains, border, amount, softness)
    gate = gate.to(tokens.features.dtype)
    by_quad = gate[:, : len(tree.patches)][:, tree.quad, None]
    by_block = gate[:, len(tree.patches) :][:, block, None]
    patch, quad, whole = tokens.features, *_means(tokens.features, tree)
    features = patch + by_quad * (patch - quad) + by_block * (quad - whole)
    if (levels == 0).any():  # blocks may be dropped: their presence is a matter of degree too
        features = features + by_block * whole
    return tokens._replace(features=features)


def _means(
    features: Float[Tensor, "batch tokens dim"], tree: Quadtree
) -> tuple[Float[Tensor, "batch tokens dim"], Float[Tensor, "batch tokens dim"]]:
    """Per patch the mean of its quad and of its block."""
    block = tree.block[tree.quad]
    quads, size = quad_means(features, tree), block.bincount().to(features.dtype)
    sums = features.new_zeros(len(features), len(size), features.shape[-1]).index_add(1, block, features)
    return quads[:, tree.quad], (sums / size[:, None])[:, block]
