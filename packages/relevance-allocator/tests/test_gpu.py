"""On a GPU every allocator gives each place the level that it gets on the CPU."""

from typing import Any

import pytest
import torch
from relevance_scenes import batch_of, made

from relevance_allocator import list_allocators

pytestmark = pytest.mark.gpu


def on_gpu(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.cuda()
    if isinstance(value, dict):
        return {name: on_gpu(each) for name, each in value.items()}
    if hasattr(value, "_replace"):
        return value._replace(**{name: on_gpu(getattr(value, name)) for name in value._fields})
    return value


@pytest.mark.parametrize("name", list_allocators())
def test_levels_and_values_are_those_of_the_cpu(name: str, generator: torch.Generator) -> None:
    allocator = made(name, generator)
    tokens, query, texture, regions = batch_of(8, generator)

    def allocated(*, gpu: bool) -> Any:
        noise = torch.Generator().manual_seed(5)
        scene = [on_gpu(each) if gpu else each for each in (tokens, query, texture)]
        moved = allocator.cuda() if gpu else allocator.cpu()
        with torch.no_grad():
            return moved(scene[0], scene[1], texture=scene[2], regions=regions, generator=noise)

    here, there = allocated(gpu=False), allocated(gpu=True)
    assert torch.equal(there.allocation.levels.cpu(), here.allocation.levels)
    torch.testing.assert_close(there.tokens.features.cpu(), here.tokens.features, atol=1e-4, rtol=1e-4)
