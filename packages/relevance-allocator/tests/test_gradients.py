"""The choice is hard, and its gradient points uphill."""

import pytest
import torch
from relevance_scenes import grid_tokens

from relevance_allocator import (
    allocate_levels,
    allocate_top_k,
    apply_allocation,
    gate_levels,
    gate_top_k,
    gumbel_noise,
    soft_top_k,
    straight_through,
    worth,
)
from token_budget import visual_tokens


def test_soft_top_k_sums_to_each_images_budget(generator):
    scores = torch.randn(4, 30, generator=generator) * 3
    budgets = torch.tensor([1, 7, 15, 29])
    torch.testing.assert_close(
        soft_top_k(scores, budgets, softness=0.5).sum(1), budgets.float(), atol=1e-3, rtol=0
    )


def test_soft_top_k_tends_to_top_k(generator):
    scores = torch.randn(3, 12, generator=generator, dtype=torch.float64)
    hard = allocate_top_k(scores, 5).levels.double()
    torch.testing.assert_close(soft_top_k(scores, 5, softness=1e-3), hard, atol=1e-4, rtol=0)


def test_soft_top_ks_gradient_is_exact_threshold_included(generator):
    scores = torch.randn(2, 6, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda values: soft_top_k(values, torch.tensor([2, 4]), softness=0.7), scores
    )


def test_gumbel_top_k_samples_in_proportion_to_the_weights():
    generator = torch.Generator().manual_seed(0)
    weights = torch.tensor([0.5, 0.3, 0.15, 0.05])
    noisy = weights.log() + gumbel_noise(torch.zeros(20000, 4), generator)
    share = noisy.argmax(1).bincount(minlength=4) / 20000
    torch.testing.assert_close(share, weights, atol=0.015, rtol=0)


def test_the_gradient_of_sampled_top_k_points_uphill_on_a_planted_problem():
    """Expected reward of the sampled set, by its true gradient (score function over many samples) and ours."""
    generator = torch.Generator().manual_seed(0)
    value = torch.tensor([0.1, -0.4, 1.0, 0.2, -0.8, 0.6])
    scores = torch.tensor([0.2, 0.3, -0.1, 0.0, 0.4, 0.1], requires_grad=True)
    noisy = scores + 0.5 * gumbel_noise(torch.zeros(20000, 6), generator)
    hard = allocate_top_k(noisy.detach(), 2).levels.float()
    (straight_through(hard, soft_top_k(noisy, 2, softness=0.5)) @ value).mean().backward()
    # The true gradient by central differences with common random numbers.
    noise = 0.5 * gumbel_noise(torch.zeros(200000, 6), generator)
    true = torch.empty(6)
    for token in range(6):
        step = 0.05 * torch.nn.functional.one_hot(torch.tensor(token), 6)
        ahead, behind = (
            allocate_top_k(scores.detach() + sign * step + noise, 2).levels.float() for sign in (1, -1)
        )
        true[token] = ((ahead - behind) @ value).mean() / 0.1
    assert torch.nn.functional.cosine_similarity(scores.grad, true, dim=0) > 0.95


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("placement", ["top-k", "levels"])
def test_gates_change_no_value_and_reach_the_scores(placement, dtype, generator):
    tokens = grid_tokens(torch.randn(2, 48, 5, generator=generator).to(dtype), (6, 8))
    scores = torch.rand(2, 48, generator=generator, requires_grad=True)
    if placement == "top-k":
        allocation = allocate_top_k(scores.detach(), torch.tensor([10, 20]))
        gated = gate_top_k(tokens, scores, allocation, softness=0.1)
    else:
        allocation = allocate_levels(scores.detach(), torch.tensor([10, 20]), (6, 8))
        gated = gate_levels(tokens, scores, allocation, (6, 8), softness=0.1)
    out, plain = apply_allocation(gated, allocation), apply_allocation(tokens, allocation)
    assert out.features.dtype == dtype
    assert torch.equal(out.features, plain.features)
    out.features.square().sum().backward()
    assert scores.grad.isfinite().all()
    assert (scores.grad.abs().sum(1) > 0).all()


def climb(placement, steps=150):
    """Learns scores by gradient descent alone: the reader needs the detail of one planted quad, of 16."""
    generator = torch.Generator().manual_seed(3)
    grid, planted = (8, 8), [36, 37, 44, 45]
    scores = torch.zeros(1, 64, requires_grad=True)
    optimiser = torch.optim.SGD([scores], lr=0.05)
    reader = torch.randn(8, generator=generator)
    for _ in range(steps):
        features = torch.randn(1, 64, 8, generator=generator) * 0.1
        features[0, planted] += (
            torch.tensor([[1.0], [-1.0], [-1.0], [1.0]]) * reader
        )  # vanishes in their mean
        noisy = scores + 0.3 * gumbel_noise(scores, generator)
        tokens = grid_tokens(features, grid)
        if placement == "top-k":
            allocation = allocate_top_k(noisy.detach(), 16, grid=grid)
            tokens = gate_top_k(tokens, noisy, allocation, softness=0.3)
        else:
            allocation = allocate_levels(noisy.detach(), 19, grid)
            tokens = gate_levels(tokens, noisy, allocation, grid, softness=0.3)
        reward = (
            apply_allocation(tokens, allocation).features @ reader
        ).square().sum() / reader.square().sum() ** 2
        optimiser.zero_grad()
        (-reward).backward()
        optimiser.step()
    final = scores.detach()
    kept = allocate_top_k(final, 16, grid=grid) if placement == "top-k" else allocate_levels(final, 19, grid)
    return kept.levels[0, planted]


@pytest.mark.parametrize("placement", ["top-k", "levels"])
def test_gradient_descent_finds_the_planted_detail(placement):
    assert (climb(placement) == 1).all()


def test_the_amount_hears_whether_more_tokens_would_help(generator):
    tokens = visual_tokens(torch.ones(2, 9, 1))
    scores = torch.rand(2, 9, generator=generator)
    tension = torch.tensor([0.5, 0.5], requires_grad=True)
    allocation = allocate_top_k(scores, 4)
    gated = gate_top_k(tokens, scores, allocation, softness=0.2, amount=worth(tension))
    reward = apply_allocation(gated, allocation).features.sum((1, 2))
    (reward[0] - reward[1]).backward()  # the first image gains from what is kept, the second loses
    assert tension.grad[0] > 0 > tension.grad[1]


def test_masked_tokens_and_full_budgets_pass_no_gradient(generator):
    mask = torch.tensor([[True] * 5 + [False], [True] * 6])
    tokens = visual_tokens(torch.randn(2, 6, 3, generator=generator), mask=mask)
    scores = torch.rand(2, 6, generator=generator, requires_grad=True)
    allocation = allocate_top_k(scores.detach(), torch.tensor([3, 6]), mask=mask)
    apply_allocation(
        gate_top_k(tokens, scores, allocation, softness=0.1), allocation
    ).features.sum().backward()
    assert scores.grad[0, 5] == 0
    assert (scores.grad[1] == 0).all()
    assert scores.grad[0, :5].abs().sum() > 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: soft_top_k(torch.zeros(1, 4), 4, softness=0.1), "1..3, got 4"),
        (lambda: soft_top_k(torch.zeros(1, 4), 2, softness=0.0), "softness"),
        (lambda: soft_top_k(torch.full((1, 4), torch.nan), 2, softness=0.1), "finite"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
