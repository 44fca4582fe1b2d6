"""Focus against diversity: relevance less what the tokens already chosen have shown."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import normalize

from relevance_allocator._allocation import per_image
from relevance_allocator._calibrate import check_scores
from relevance_allocator._names import Number


def diversify(
    relevance: Float[Tensor, "batch tokens"],
    features: Float[Tensor, "batch tokens dim"],
    positions: Float[Tensor, "batch tokens 2"],
    weight: Float[Tensor, " batch"],
    *,
    steps: int | Int[Tensor, " batch"],
    mask: Bool[Tensor, "batch tokens"] | None = None,
    spatial: Number = 0.5,
    reach: Number = 0.1,
) -> Float[Tensor, "batch tokens"]:
    """Relevance by maximal marginal relevance; the top `steps` by it are relevant *and* unlike each other.

    Greedy, after Carbonell and Goldstein 1998 (SIGIR): with weight w the next token has the highest
    (1 - w) relevance - w similarity, where similarity is the highest to a chosen token, spatial *
    exp(-distance^2 / (2 reach^2)) + (1 - spatial) * max(cosine, 0). A chosen token keeps the value it was chosen
    with, so values fall in the order of choice. Gradients reach relevance and weight; the choice itself is fixed.

    Args:
        relevance: 0..1.
        features: compared by cosine; a few dimensions do (the texture, say).
        positions: (y, x) in 0..1 of the image.
        weight: of diversity, 0..1 per image; 0 gives the relevance back.
        steps: tokens to choose, 1..tokens, one for all or one per image; further tokens are valued against these.
            More steps than real tokens choose them all.
        mask: real tokens; None means all.
        spatial: share of nearness in the similarity, 0..1.
        reach: distance at which nearness has fallen to 0.61, above 0, in units of the image's sides.

    Raises:
        ValueError: weight or spatial outside 0..1, reach not above 0, steps outside 1..tokens, or relevance that is
            not finite.

    >>> twins = torch.tensor([[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]])
    >>> row = torch.tensor([[[0.5, 0.0], [0.5, 0.5], [0.5, 1.0]]])
    >>> diversify(torch.tensor([[0.9, 0.8, 0.6]]), twins, row, torch.tensor([0.5]), steps=2, spatial=0.0)
    tensor([[ 0.4500, -0.1000,  0.3000]])
    """
    if not (0 <= spatial <= 1 and reach > 0):
        raise ValueError(f"spatial must lie in 0..1 and reach above 0, got {spatial} and {reach}")
    if not ((weight >= 0) & (weight <= 1)).all():
        raise ValueError(f"the weight of diversity must lie in 0..1, got {weight.tolist()}")
    steps = per_image(steps, len(relevance), relevance.device)
    if not ((steps >= 1) & (steps <= relevance.shape[1])).all():
        raise ValueError(
            f"steps must be in 1..{relevance.shape[1]}, the number of tokens; got {steps.tolist()}"
        )
    mask = torch.ones_like(relevance, dtype=torch.bool) if mask is None else mask
    check_scores("relevance", relevance, mask)
    share = weight[:, None]
    with torch.no_grad():
        likeness = _likeness_when_chosen(relevance, features, positions, share, steps, mask, spatial, reach)
    return ((1 - share) * relevance - share * likeness).masked_fill(~mask, 0.0)


def _likeness_when_chosen(
    relevance: Float[Tensor, "batch tokens"],
    features: Float[Tensor, "batch tokens dim"],
    positions: Float[Tensor, "batch tokens 2"],
    share: Float[Tensor, "batch 1"],
    steps: Int[Tensor, " batch"],
    mask: Bool[Tensor, "batch tokens"],
    spatial: Number,
    reach: Number,
) -> Float[Tensor, "batch tokens"]:
    """The similarity that each token was charged with; for those not chosen, to all that were."""
    # Transposed once: a product with one row is five times faster this way round.
    unit = normalize(features.to(relevance.dtype), dim=-1).transpose(1, 2).contiguous()
    y, x = positions.to(relevance.dtype).unbind(-1)
    base = ((1 - share) * relevance).masked_fill(~mask, -torch.inf)
    likeness, charged = torch.zeros_like(relevance), torch.zeros_like(relevance)
    free = torch.ones_like(mask)
    for step in range(int(steps.max())):
        pick = (base - share * likeness).argmax(1, keepdim=True)
        # An image whose steps or real tokens are used up stays as it is, whatever its batch mates still choose.
        goes_on = (base.gather(1, pick) > -torch.inf) & (step < steps[:, None])
        charged.scatter_(1, pick, torch.where(goes_on, likeness.gather(1, pick), charged.gather(1, pick)))
        base.scatter_(1, pick, torch.where(goes_on, -torch.inf, base.gather(1, pick)))
        free.scatter_(1, pick, free.gather(1, pick) & ~goes_on)
        chosen = unit.gather(2, pick[:, None].expand(-1, unit.shape[1], -1))
        alike = (chosen.transpose(1, 2) @ unit)[:, 0].clamp_(min=0)
        distance = (y - y.gather(1, pick)).square_() + (x - x.gather(1, pick)).square_()
        near = distance.mul_(-1 / (2 * reach**2)).exp_()
        now = torch.maximum(likeness, near.mul_(spatial).add_(alike, alpha=1 - spatial))
        likeness = torch.where(goes_on, now, likeness)
    return torch.where(free, likeness, charged)
