"""The pool of ranks of all tests: trains what a line of JSON on standard input says, and answers with a line of JSON.

It imports everything once and forks the ranks of each case, so that eight of them start in a moment. A case is
trained in spans, each from the checkpoint of the one before, by ranks of its own.
"""

import hashlib
import json
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.update(DS_ACCELERATOR="cpu", OMP_NUM_THREADS="1")

import deepspeed
import torch
from deepspeed.accelerator.cpu_accelerator import CPU_Accelerator

from ablation_runner.storage.store import StageFolder
from ablation_runner.study import Configuration, Engine
from ablation_runner.trial.engine import engine as deepspeed_engine
from ablation_runner.trial.engine.checkpoint import History, read_checkpoint, save_checkpoint
from ablation_runner.trial.inputs.batches import BatchPlan
from ablation_runner.trial.inputs.data import encode_split, make_tokenizer, read_items
from ablation_runner.trial.inputs.feed import Feed
from ablation_runner.trial.inputs.images import StoredImages
from ablation_runner.trial.inputs.material import SPLITS, Material
from ablation_runner.trial.inputs.pairs import PairFeed, learner_of
from ablation_runner.trial.model.assemble import assemble_model
from ablation_runner.trial.model.parts import train_parts
from ablation_runner.trial.training.train import training_step
from vlm_tasks import create_task

CONFIGURED = ("connector", "method", "encoder", "objectives", "training")
WIDTH, SIDE, TOKENS, BUDGET = 32, 32, 16, 4


def configuration(
    connector: str, method: str, encoder: str, objectives: str, training: dict[str, Any]
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
                **training,
            },
        }
    )


class MadeUpStore:
    """Tensors of images in memory, asked for as a store of features is."""

    def __init__(self, images: list[str], tensors: dict[str, torch.Tensor]) -> None:
        self._rows = {image: row for row, image in enumerate(images)}
        self._tensors = tensors

    def __getitem__(self, images: list[str]) -> dict[str, torch.Tensor]:
        rows = [self._rows[image] for image in images]
        return {name: tensor[rows] for name, tensor in self._tensors.items()}


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
    images = [image for made in splits.values() for image in made.images]
    count = len(images)
    if chosen.trains_encoder:
        shape = (count, 3, SIDE, SIDE)
        tensors = {"pixels": torch.randint(256, shape, generator=generator, dtype=torch.uint8)}
    else:
        tensors = {
            "features": torch.randn(count, TOKENS, WIDTH, generator=generator),
            "mask": torch.ones(count, TOKENS, dtype=torch.bool),
            "positions": torch.rand(count, TOKENS, 2, generator=generator),
            "grids": torch.full((count, 2), 4),
        }
    stored = StoredImages((MadeUpStore(images, tensors),), parameters=0, macs=0)
    return Material(tokenizer, splits, stored, chosen.encoder.spec())


def train_span(
    rank: int, ranks: int, until: int, case: dict[str, Any], read: Material, scratch: Path
) -> None:
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(ranks))
    torch.set_num_threads(1)
    store = f"file://{scratch}/store-{until}"
    torch.distributed.init_process_group("gloo", init_method=store, rank=rank, world_size=ranks)
    deepspeed_engine.start_distributed()
    chosen = configuration(*(case[name] for name in CONFIGURED))
    if case["engine"].get("precision") == "float16":
        CPU_Accelerator.is_fp16_supported = lambda self: True  # torch computes it on any CPU, if slowly
    training, folder = chosen.training, StageFolder(scratch)
    model = assemble_model(chosen, read.tokenizer, seed=0)
    train_parts(model, training, seed=0)
    learner = learner_of(model, training)
    checkpoint = read_checkpoint(folder, learner, print)
    if checkpoint:
        checkpoint.load_weights(learner)
    engine = deepspeed_engine.start_engine(
        learner, training=training, engine=Engine.model_validate(case["engine"])
    )
    norms = noted_norms(engine)
    history = History()
    if checkpoint:
        checkpoint.restore(engine)
        history = checkpoint.history
    batches = BatchPlan(
        read.splits["train"].questions_of,
        seed=0,
        images_per_step=training.images_per_step,
        questions_per_image=training.questions_per_image,
        shuffled=False,
    )
    feed = (PairFeed if training.pair_objectives else Feed)(material=read, reducer=chosen.tokens, seed=0)
    for step in range(history.step, until):
        loss = training_step(engine, batches.rows(step), feed, budgets=(BUDGET,), draw=step)
        history.step = step + 1
        history.curve.append({"losses": loss, "norms": norms(), "rates": engine.get_lr()})
    save_checkpoint(engine, folder, history)


def noted_norms(engine: Any) -> Callable[[], float]:
    """The gradient's norm of the last step, which DeepSpeed keeps under ZeRO and in half precision alone."""
    clipped: list[float] = []
    clip = deepspeed.runtime.engine.clip_grad_norm_

    def noted(**arguments: Any) -> Any:
        clipped.append(float(clip(**arguments)))

    deepspeed.runtime.engine.clip_grad_norm_ = noted
    return lambda: clipped[-1] if clipped else float(engine.get_global_grad_norm())


def answer(case: dict[str, Any], read: Material) -> dict[str, Any]:
    """Losses and gradient norms by step, and a digest of the last checkpoint's tensors."""
    fork = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as name:
        for ranks, until in case["spans"]:
            span = [(rank, ranks, until, case, read, Path(name)) for rank in range(ranks)]
            children = [fork.Process(target=train_span, args=each) for each in span]
            for child in children:
                child.start()
            for child in children:
                child.join()
                assert child.exitcode == 0, case
        (file,) = Path(name).glob("checkpoint/*.safetensors")
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        latest = Path(name, "checkpoint/latest.json").read_text(encoding="utf-8")
    curve = json.loads(latest)["curve"]
    return {"digest": digest} | {
        name: [each[name] for each in curve] for name in ("losses", "norms", "rates")
    }


def main() -> None:
    read = {
        encoder: material(configuration("mlp", "average-pool", encoder, "answers", {}))
        for encoder in ("frozen", "full")
    }
    for line in sys.stdin:
        case = json.loads(line)
        data = read["frozen" if case["encoder"] == "frozen" else "full"]
        print(f"answer {json.dumps(answer(case, data))}", flush=True)


if __name__ == "__main__":
    main()
