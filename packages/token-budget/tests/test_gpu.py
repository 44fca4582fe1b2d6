"""On a GPU every reducer keeps and merges what it does on the CPU."""

import pytest
import torch
from token_budget_cases import Case, fitting, kept, real

from token_budget import grid_positions, visual_tokens
from token_budget._options import METHODS
from token_budget._visual_tokens import VisualTokens

pytestmark = pytest.mark.gpu
GRID = (24, 24)  # of CLIP ViT-L/14 at 336 pixels


def images(count: int) -> VisualTokens:
    noise = torch.Generator().manual_seed(0)
    tokens = GRID[0] * GRID[1]
    return visual_tokens(
        torch.randn(count, tokens, 64, generator=noise),
        positions=grid_positions(*GRID).expand(count, -1, -1),
        grids=torch.tensor([GRID] * count),
        extras={
            "attention": torch.rand(count, tokens, generator=noise) + 0.01,
            "keys": torch.randn(count, tokens, 2, 32, generator=noise),
            "index": torch.arange(float(tokens)).expand(count, -1).clone(),
        },
    )


def moved(tokens: VisualTokens) -> VisualTokens:
    fields = [None if field is None else field.cuda() for field in tokens[:6]]
    return VisualTokens(*fields, {name: extra.cuda() for name, extra in tokens.extras.items()})


def back(tokens: VisualTokens) -> VisualTokens:
    fields = [None if field is None else field.cpu() for field in tokens[:6]]
    return VisualTokens(*fields, {name: extra.cpu() for name, extra in tokens.extras.items()})


@pytest.mark.parametrize("method", sorted(METHODS))
def test_what_is_kept_and_merged_is_that_of_the_cpu(method: str) -> None:
    tokens = images(4)
    relevance = torch.randn(tokens.mask.shape, generator=torch.Generator().manual_seed(1))
    budgets = torch.tensor([144 if 144 in fitting(method, GRID) else 576] * 4)
    case = Case(method, tokens, relevance, budgets, 0)
    here = case.run()
    there = back(case.run(moved(tokens), budgets.cuda(), relevance.cuda()))
    assert kept(there) == kept(here)
    for one, other in zip(
        (*real(here)[:4], here.extras["attention"]),
        (*real(there)[:4], there.extras["attention"]),
        strict=True,
    ):
        torch.testing.assert_close(other, one, atol=2e-4, rtol=2e-4)
