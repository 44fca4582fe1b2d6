"""Trains allocators under ZeRO stages 0 and 3 on two ranks; a program of its own, as DeepSpeed keeps global state.

Usage: python allocator_ranks.py FOLDER, which writes FOLDER/result.pt: losses by placement and stage.
"""

import os
import sys
from pathlib import Path
from typing import Any

import deepspeed
import torch
from torch import Tensor, nn

from relevance_allocator import (
    Scene,
    create_allocator,
    fit_allocator,
    patch_texture,
    query_tokens,
    training_stages,
)
from token_budget import grid_positions, visual_tokens

GRID = (6, 8)


class Reader(nn.Module):
    """Words, an allocator and a reader of what it kept, as a vision-language model has them."""

    def __init__(self, placement: str) -> None:
        super().__init__()
        self.words = nn.Embedding(20, 6)
        self.allocator = create_allocator(
            "opponent-processing", dim=10, query_dim=6, budget=12, placement=placement, weighting="learned"
        )
        self.head = nn.Linear(10, 3)

    def forward(self, scene: tuple, answers: Tensor, **options: Any) -> Tensor:
        tokens, texture, words, mask = scene
        allocated = self.allocator(
            tokens, query_tokens(self.words(words), mask=mask), texture=texture, **options
        )
        real = allocated.tokens.mask[..., None]
        mean = (allocated.tokens.features * real).sum(1) / real.sum(1)
        return nn.functional.cross_entropy(self.head(mean), answers)


def batch(seed: int) -> tuple[tuple, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    tokens = visual_tokens(
        torch.randn(2, 48, 10, generator=generator),
        grids=torch.tensor([GRID] * 2),
        positions=grid_positions(*GRID).expand(2, -1, -1),
    )
    texture = patch_texture(torch.rand(2, 3, 48, 64, generator=generator), GRID)
    words = torch.randint(0, 20, (2, 5), generator=generator)
    mask = torch.arange(5)[None] < torch.randint(1, 6, (2, 1), generator=generator)
    return (tokens, texture, words, mask), torch.randint(0, 3, (2,), generator=generator)


def scenes() -> list[Scene]:
    generator = torch.Generator().manual_seed(0)
    return [
        Scene(tokens, texture, query_tokens(torch.randn(2, 5, 6, generator=generator)))
        for (tokens, texture, _, _), _ in map(batch, range(1000, 1020))
    ]


def losses(placement: str, stage: int, rank: int) -> list[float]:
    """The loss over both ranks at each step of all three stages of the regime, the price fitted between them."""
    torch.manual_seed(0)
    settings = {
        "train_micro_batch_size_per_gpu": 2,
        "zero_optimization": {"stage": stage, "stage3_param_persistence_threshold": 0},
        "zero_allow_untested_optimizer": True,
    }
    model = Reader(placement)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    engine = deepspeed.initialize(model=model, optimizer=optimizer, config=settings)[0]
    found = []
    for number, regime in enumerate(training_stages((2, 2, 2), budget=12, choices=(8, 12, 16))):
        if regime.schedule is None:
            fit_allocator(engine.module.allocator, scenes())
        for step in range(regime.steps):
            seed = 100 * number + 10 * step + rank
            scene, answers = batch(seed)
            loss = engine(
                scene,
                answers,
                budget=regime.budget(seed=0, step=step),
                progress=regime.progress(step),
                generator=torch.Generator().manual_seed(seed),
            )
            engine.backward(loss)
            engine.step()
            whole = loss.detach().clone()
            torch.distributed.all_reduce(whole)
            found.append(whole.item())
    engine.destroy()
    return found


def rank_work(rank: int, folder: str) -> None:
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE="2")
    torch.set_num_threads(1)
    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    store = (Path(folder) / "store").as_uri()
    torch.distributed.init_process_group("gloo", init_method=store, rank=rank, world_size=2)
    deepspeed.init_distributed(dist_backend="gloo", auto_mpi_discovery=False, verbose=False)
    found = {
        placement: [losses(placement, stage, rank) for stage in (0, 3)] for placement in ("top-k", "levels")
    }
    if rank == 0:
        torch.save(found, Path(folder) / "result.pt")
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    torch.multiprocessing.start_processes(rank_work, args=(sys.argv[1],), nprocs=2, start_method="fork")
