"""Top-k that passes gradients: hard forward, soft backward."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from relevance_allocator._allocation import check_budgets, per_image
from relevance_allocator._names import Number


def _threshold(scores: Tensor, budgets: Tensor, softness: Number) -> Float[Tensor, "batch 1"]:
    """Where the sigmoids sum to the budgets, by bisection; 1 step gains 1 bit, float32 has no more than 60 to give."""
    span = softness * 40
    low, high = scores.amin(1, keepdim=True) - span, scores.amax(1, keepdim=True) + span
    for _ in range(60):
        middle = (low + high) / 2
        over = torch.sigmoid((scores - middle) / softness).sum(1, keepdim=True) > budgets[:, None]
        low, high = torch.where(over, middle, low), torch.where(over, high, middle)
    return (low + high) / 2


def soft_top_k(
    scores: Float[Tensor, "batch tokens"], budget: int | Int[Tensor, " batch"], *, softness: Number
) -> Float[Tensor, "batch tokens"]:
    """Shares in 0..1 that sum to the budget and tend to the top-k as the softness falls; differentiable.

    The entropy-regularised top-k: sigmoid((score - threshold) / softness) with the threshold at which the shares
    sum to the budget. Its gradient, threshold included, is exact (by the implicit function theorem).

    Args:
        scores: any real unit.
        budget: 1..tokens-1 (at `tokens` every share is 1 and there is nothing to choose).
        softness: above 0, in units of the scores.

    Raises:
        ValueError: a budget outside 1..tokens-1, a softness not above 0, or scores that are not finite.

    >>> soft_top_k(torch.tensor([[1.0, 2.0, 3.0]]), 2, softness=0.2).sum().round(decimals=4)
    tensor(2.)
    """
    if not softness > 0:
        raise ValueError(f"softness must be above 0, got {softness}")
    if not scores.isfinite().all():
        raise ValueError("scores must be finite, got NaN or infinity")
    budgets = per_image(budget, len(scores), scores.device)
    ones = torch.ones_like(budgets)
    check_budgets(budgets, ones, ones * (scores.shape[1] - 1))
    with torch.no_grad():
        threshold = _threshold(scores, budgets, softness)
    return shares_above(scores, threshold, softness)


def shares_above(
    scores: Float[Tensor, "batch nodes"], threshold: Float[Tensor, "batch 1"], softness: Number
) -> Float[Tensor, "batch nodes"]:
    """Sigmoids around a threshold whose gradient leaves their sum as it is: what one score gains, the others lose.

    Args:
        scores: any real unit.
        threshold: where a share is one half.
        softness: above 0, in units of the scores.

    >>> shares_above(torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0]]), 0.1)[0, 0]
    tensor(0.5000)
    """
    with torch.no_grad():
        share = torch.sigmoid((scores - threshold) / softness)
        slope = share * (1 - share)
        slope = slope / slope.sum(1, keepdim=True).clamp(min=torch.finfo(slope.dtype).tiny)
    # The threshold moves with the scores by the slopes' shares; written so that its value stays exactly as given.
    moved = (slope * (scores - scores.detach())).sum(1, keepdim=True)
    return torch.sigmoid((scores - threshold - moved) / softness)


def gumbel_noise(like: Float[Tensor, "*shape"], generator: torch.Generator) -> Float[Tensor, "*shape"]:
    """Standard Gumbel noise of the shape of `like`; top-k of log weight + noise samples without replacement.

    >>> gumbel_noise(torch.zeros(2, 3), torch.Generator().manual_seed(0)).shape
    torch.Size([2, 3])
    """
    uniform = torch.rand(like.shape, generator=generator, device=generator.device, dtype=like.dtype)
    tiny = torch.finfo(like.dtype).tiny
    exponential = -torch.log1p(-uniform)
    return -torch.log(exponential.clamp(min=tiny)).to(like.device)


def straight_through(
    hard: Float[Tensor, "batch tokens"], soft: Float[Tensor, "batch tokens"]
) -> Float[Tensor, "batch tokens"]:
    """The hard values forward, the gradient of the soft ones backward (arXiv 1308.3432).

    >>> straight_through(torch.tensor([[1.0]]), torch.tensor([[0.7]]))
    tensor([[1.]])
    """
    return hard + (soft - soft.detach())
