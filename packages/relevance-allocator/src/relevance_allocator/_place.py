"""The steps between relevance and tokens, as an allocator's options choose them."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from relevance_allocator._allocation import Allocation, check_budgets, per_image
from relevance_allocator._constant import shows_nothing
from relevance_allocator._diversify import diversify
from relevance_allocator._gates import gate_levels, gate_top_k
from relevance_allocator._levels import allocate_levels
from relevance_allocator._names import Number
from relevance_allocator._opponent import Tensions, temperature
from relevance_allocator._options import AllocatorOptions
from relevance_allocator._oracle import oracle_allocation
from relevance_allocator._patches import select_groups
from relevance_allocator._quadtree import quad_means, quadtree
from relevance_allocator._relaxed import gumbel_noise
from relevance_allocator._scene import Scene, one_grid
from relevance_allocator._top_k import allocate_top_k
from token_budget import VisualTokens


def explore(
    scores: Float[Tensor, "batch tokens"],
    tensions: Tensions,
    options: AllocatorOptions,
    generator: torch.Generator | None,
    progress: Number,
) -> Float[Tensor, "batch tokens"]:
    """Scores with Gumbel noise of the temperature that exploit_explore sets.

    Raises:
        ValueError: there is noise to add and no generator.
    """
    heat = temperature(tensions.exploit_explore, highest=options.temperature, progress=progress)
    if not (heat > 0).any():
        return scores
    if generator is None:
        raise ValueError("exploration in training draws noise: pass a torch.Generator (generator=...)")
    return scores + heat[:, None] * gumbel_noise(scores, generator)


def spread_out(
    scene: Scene,
    scores: Float[Tensor, "batch tokens"],
    tensions: Tensions,
    budget: int | Int[Tensor, " batch"],
    options: AllocatorOptions,
) -> Float[Tensor, "batch tokens"]:
    """Scores less what the tokens already chosen show; squares of 2x2 patches are weighed as one for levels.

    A constant image keeps its scores: equal ones are spread evenly already (`spread_order`).

    Raises:
        ValueError: diversity without positions, or a budget that cannot be met.
    """
    weight = (tensions.focus_diversify * options.diversity).masked_fill(shows_nothing(scene), 0.0)
    if options.placement == "oracle" or not (weight > 0).any():
        return scores
    positions, mask = scene.tokens.positions, scene.tokens.mask
    if positions is None:
        raise ValueError("focus_diversify spreads tokens over the image: it needs tokens with positions")
    texture = scene.texture
    features = scene.tokens.features if texture is None else select_groups(texture, options.texture).means
    features = features.detach()
    if options.placement == "top-k":
        steps = per_image(budget, len(mask), mask.device)
        check_budgets(steps, torch.ones_like(steps), mask.sum(1))
        return diversify(scores, features, positions, weight, steps=steps, mask=mask, spatial=options.spatial)
    tree = quadtree(one_grid(scene.tokens), mask.device)
    quads, likeness, places = (quad_means(values, tree) for values in (scores, features, positions))
    spread = diversify(quads, likeness, places, weight, steps=quads.shape[1], spatial=options.spatial)
    return spread[:, tree.quad]


def place(
    scene: Scene,
    scores: Float[Tensor, "batch tokens"],
    budget: int | Int[Tensor, " batch"],
    options: AllocatorOptions,
) -> Allocation:
    """Where the tokens go.

    Raises:
        ValueError: a budget that cannot be met, masked tokens or tokens of other sizes for levels, or no regions for
            the oracle.
    """
    tokens = scene.tokens
    if options.placement == "top-k":
        grid = None if tokens.grids is None or not tokens.mask.all() else one_grid(tokens)
        return allocate_top_k(scores, budget, mask=tokens.mask, grid=grid)
    if not tokens.mask.all():
        raise ValueError(
            f"placement {options.placement!r} pools the patches of a whole grid; images "
            f"{(~tokens.mask).any(1).nonzero().flatten().tolist()} have masked tokens"
        )
    if tokens.sizes is not None and not (tokens.sizes == tokens.sizes[0, 0]).all():
        raise ValueError(
            f"placement {options.placement!r} pools patches of one size; these tokens differ in size"
        )
    grid = one_grid(tokens)
    if options.placement == "levels":
        return allocate_levels(scores, budget, grid, cover=options.cover)
    if scene.regions is None:
        raise ValueError('placement "oracle" needs the regions that hold the answer')
    return oracle_allocation(scene.regions, grid, cover=options.cover, device=tokens.mask.device)


def gated(
    tokens: VisualTokens,
    scores: Float[Tensor, "batch tokens"],
    allocation: Allocation,
    options: AllocatorOptions,
    amount: Float[Tensor, " batch"] | None,
) -> VisualTokens:
    """The tokens with gradients to the scores, as their placement passes them."""
    if options.placement == "oracle" or not scores.requires_grad:
        return tokens
    if options.placement == "top-k":
        return gate_top_k(tokens, scores, allocation, softness=options.softness, amount=amount)
    return gate_levels(tokens, scores, allocation, one_grid(tokens), softness=options.softness, amount=amount)
