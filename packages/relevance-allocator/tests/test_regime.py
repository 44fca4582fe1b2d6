import subprocess
import sys

import pytest
import torch
from relevance_scenes import grid_tokens

from relevance_allocator import (
    Scene,
    create_allocator,
    fit_allocator,
    patch_texture,
    query_tokens,
    training_stages,
)
from token_budget import Curriculum, Fixed

GRID = (16, 16)


def test_the_stages_draw_a_fixed_budget_then_the_published_mixture_then_leave_it_to_the_price():
    fixed, dynamic, relevance = training_stages((5, 4000, 7))
    assert {fixed.budget(seed=3, step=step) for step in range(5)} == {144}
    drawn = [dynamic.budget(seed=3, step=step) for step in range(4000)]
    share = [drawn.count(budget) / 4000 for budget in (64, 144, 256)]
    assert share == pytest.approx([0.2, 0.3, 0.5], abs=0.03)
    assert sum(drawn) / 4000 == pytest.approx(184, abs=4)
    assert [relevance.budget(seed=3, step=step) for step in range(7)] == [None] * 7
    assert [relevance.progress(step) for step in (0, 3, 6)] == [0, 0.5, 1]


def test_budgets_are_those_of_token_budgets_own_schedules():
    fixed, dynamic, _ = training_stages((5, 9, 7), budget=36, choices=(4, 9), weights=(1.0, 1.0))
    plan = Curriculum(stages=((Fixed(budget=36), 5), (dynamic.schedule, 0)))
    assert [(fixed.budget(1, step),) for step in range(5)] == [plan.budgets(1, step) for step in range(5)]
    assert [(dynamic.budget(1, step),) for step in range(5, 9)] == [
        plan.budgets(1, step) for step in range(5, 9)
    ]


def test_an_allocator_goes_through_all_three_stages():
    generator = torch.Generator().manual_seed(0)
    images = 24
    tokens = grid_tokens(torch.randn(images, 256, 6, generator=generator), GRID)
    query = query_tokens(torch.randn(images, 3, 5, generator=generator))
    texture = patch_texture(torch.rand(images, 3, 64, 64, generator=generator), GRID)
    allocator = create_allocator("opponent-processing", dim=6, query_dim=5, budget=40)
    optimiser = torch.optim.Adam(allocator.parameters(), lr=1e-3)
    given = {}
    for stage in training_stages((2, 6, 2), budget=40, choices=(16, 40, 64)):
        if stage.schedule is None:
            fit_allocator(allocator, [Scene(tokens, texture, query)])
        for step in range(stage.steps):
            allocated = allocator.train()(
                tokens,
                query,
                texture=texture,
                budget=stage.budget(seed=0, step=step),
                progress=stage.progress(step),
                generator=generator,
            )
            given.setdefault(stage.name, []).append(allocated.allocation.achieved)
            loss = allocated.tokens.features.square().sum((1, 2)).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    assert torch.cat(given["fixed"]).unique().tolist() == [40]
    assert set(torch.cat(given["dynamic"]).tolist()) <= {16, 40, 64}
    assert torch.cat(given["relevance"]).unique().numel() > 3
    fit_allocator(allocator, [Scene(tokens, texture, query)])
    achieved = allocator.eval()(tokens, query, texture=texture).allocation.achieved
    assert achieved.double().mean().item() == pytest.approx(40, rel=0.02)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: training_stages((1, 0, 1)), "'dynamic' needs 1 step"),
        (lambda: training_stages((1, 1, 1), budget=0), "from 1"),
        (lambda: training_stages((1, 1, 1), choices=(64, 144)), "for each of"),
        (lambda: training_stages((4, 1, 1))[0].budget(seed=0, step=4), "0..3, got 4"),
        (lambda: fit_allocator(create_allocator("priced", dim=4, query_dim=4), []), "at least one batch"),
        (lambda: fit_allocator(create_allocator("propositional", dim=4), []), "priced"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_regime_is_planned_without_importing_torch():
    code = (
        "import sys; from relevance_allocator import training_stages; training_stages((1, 1, 1)); "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
