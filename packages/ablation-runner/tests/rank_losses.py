"""Prints the losses of one trial's first steps for several numbers of ranks, as JSON: run by test_ranks.py.

The parent imports everything once and forks the ranks, so that eight of them start in a moment.
"""

import json
import multiprocessing
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ.update(DS_ACCELERATOR="cpu", OMP_NUM_THREADS="1")

import deepspeed  # noqa: F401
import torch

from ablation_runner.study import Configuration, Engine
from ablation_runner.trial import _engine
from ablation_runner.trial._assemble import assemble_model
from ablation_runner.trial._batches import BatchPlan
from ablation_runner.trial._data import encode_split, make_tokenizer, read_items
from ablation_runner.trial._feed import Feed
from ablation_runner.trial._material import SPLITS, Material
from ablation_runner.trial._pairs import PairFeed, learner_of
from ablation_runner.trial._parts import train_parts
from ablation_runner.trial._train import training_step
from vlm_tasks import create_task

WIDTH, SIDE, TOKENS, BUDGET = 32, 32, 16, 4


def configuration(
    connector: str, method: str = "average-pool", encoder: str = "frozen", objectives: str = "answers"
) -> Configuration:
    answers = objectives == "answers"
    return Configuration.model_validate(
        {
            "data": {"limit": 160, "answers": "written" if answers else "ranked"},
            "encoder": {
                "name": "small-vit",
                "weights": "random",
                "image_size": SIDE,
                "shape": {"size": SIDE, "patch": 8, "width": WIDTH, "depth": 2},
            },
            "tokens": {"method": method, "budget": BUDGET},
            "model": {
                "connector": connector,
                "language_model": {"name": "llama-tiny", "width": 32, "depth": 2},
            },
            "training": {
                "steps": 10,
                "images_per_step": 8,
                "questions_per_image": 4 if answers else 1,
                "learning_rate": 3e-3,
                "encoder": encoder,
                "objectives": objectives,
            },
        }
    )


def material(chosen: Configuration) -> Material:
    """The real questions, with made-up features, or pixels where the encoder is trained."""
    task = create_task("easy-vqa")
    tokenizer = make_tokenizer(task, chosen)
    splits = {
        split: encode_split(
            read_items(task, split, limit=chosen.data.limit), tokenizer, prompt=chosen.data.prompt
        )
        for split in SPLITS
    }
    generator = torch.Generator().manual_seed(0)
    stored = {}
    for split, made in splits.items():
        count = len(made.images)
        if chosen.trains_encoder:
            shape = (count, 3, SIDE, SIDE)
            stored[split] = {"pixels": torch.randint(256, shape, generator=generator, dtype=torch.uint8)}
            continue
        stored[split] = {
            "features": torch.randn(count, TOKENS, WIDTH, generator=generator),
            "mask": torch.ones(count, TOKENS, dtype=torch.bool),
            "positions": torch.rand(count, TOKENS, 2, generator=generator),
            "grids": torch.full((count, 2), 4),
        }
    return Material(tokenizer, splits, stored, chosen.encoder.spec())


def losses(rank: int, ranks: int, store: str, case: dict[str, Any], read: Material, out: str) -> None:
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(ranks))
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=ranks)
    _engine.start_distributed()
    chosen = configuration(*(case[name] for name in ("connector", "method", "encoder", "objectives")))
    settings = Engine(zero_stage=case["zero_stage"], accumulation=case["accumulation"])
    training = chosen.training
    model = assemble_model(chosen, read.tokenizer, seed=0)
    train_parts(model, training, seed=0)
    engine = _engine.start_engine(learner_of(model, training), training=training, engine=settings)
    batches = BatchPlan(
        read.splits["train"].questions_of,
        seed=0,
        images_per_step=training.images_per_step,
        questions_per_image=training.questions_per_image,
        shuffled=False,
    )
    feed = (PairFeed if training.pair_objectives else Feed)(material=read, reducer=chosen.tokens, seed=0)
    found = [
        training_step(engine, batches.rows(step), feed, budgets=(BUDGET,), draw=step)
        for step in range(case["steps"])
    ]
    if rank == 0:
        Path(out).write_text(json.dumps(found), encoding="utf-8")
    torch.distributed.barrier()


def main(cases: list[dict[str, Any]]) -> None:
    read = {encoder: material(configuration("mlp", encoder=encoder)) for encoder in ("frozen", "full")}
    fork = multiprocessing.get_context("fork")
    results = []
    for case in cases:
        with tempfile.TemporaryDirectory() as scratch:
            data = read["frozen" if case["encoder"] == "frozen" else "full"]
            store, out = f"{scratch}/store", f"{scratch}/losses.json"
            children = [
                fork.Process(target=losses, args=(rank, case["ranks"], store, case, data, out))
                for rank in range(case["ranks"])
            ]
            for child in children:
                child.start()
            for child in children:
                child.join()
                assert child.exitcode == 0, case
            results.append(json.loads(Path(out).read_text(encoding="utf-8")))
    print(f"losses {json.dumps(results)}")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
