"""Measures the scene tasks: what is scored blind, at each token budget, and from the answer regions alone.

`python -m tools.measure_tasks` from the repository's root trains one small model on the CPU (about 20 minutes on one
core) and writes what it measured to docs/tasks-measured.csv, from which `python -m tools.draw_tasks` makes the tables and
the figure of docs/tasks.md.
"""

import argparse
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import torch
from jaxtyping import Bool
from tools._probe_data import (
    KINDS,
    LONGEST,
    Boxes,
    Pool,
    as_pixels,
    blanked,
    read_boxes,
    read_pool,
    region_patches,
    split_words,
)
from tools._probe_model import Probe, answer_loss, look_loss
from torch import Tensor

from token_budget import BudgetSampler, Choice
from vlm_encoders import SmallViTOptions
from vlm_tasks import SceneOptions, Scenes, blind_baselines

TASKS = ("object", "hallucination", "attribute", "count", "spatial", "reasoning", "fine-grained", "ocr")
BUDGETS = (64, 36, 16, 9, 4, 1)
VIT = SmallViTOptions(size=64, patch=8, width=64, depth=3)
MEASURED = Path("docs/tasks-measured.csv")


@dataclass(frozen=True, kw_only=True)
class Training:
    """How the model is trained."""

    steps: int = 14_000
    scenes: int = 24
    """Per step; each is asked all questions."""
    blanked: int = 6
    """Further items per step of which only the answer regions are left."""
    rate: float = 0.0015
    warmup: int = 200
    seed: int = 0


class Material(NamedTuple):
    """Everything that is trained and tested on."""

    task: Scenes
    words: dict[str, int]
    answers: dict[str, int]
    allowed: Bool[Tensor, "tasks answers"]


def scenes(tasks: tuple[str, ...] = TASKS) -> Scenes:
    """Scenes that a small model can learn: little in them, one font, everything as large as it may be.

    Their seed is 3; settings were tried out on scenes of seeds 0, 1 and 2.
    """
    return Scenes(
        SceneOptions(
            tasks=tasks,
            size=VIT.size,
            difficulty="easy",
            fonts=("aileron",),
            text_height=0.095,
            detail=0.16,
            train=20_000,
            validation=1,
            test=2000,
            seed=3,
        )
    )


def read_material() -> Material:
    """The task, and numbers for its words and answers."""
    task = scenes()
    questions = task.items("train")["question"].unique().to_list()
    known = sorted({word for question in questions for word in split_words(question)})
    answers = {answer: number for number, answer in enumerate(task.answers or ())}
    allowed = torch.zeros(len(TASKS), len(answers), dtype=torch.bool)
    for row, name in enumerate(TASKS):
        allowed[row, [answers[answer] for answer in scenes((name,)).answers or ()]] = True
    return Material(task, {word: number for number, word in enumerate(known, 1)}, answers, allowed)


def train(model: Probe, pool: Pool, boxes: Boxes, allowed: Tensor, settings: Training) -> None:
    """Trains the model over random budgets, half of the steps at the full one.

    At the full budget it also learns where to look (the answer regions) and what lies in each labelled box.
    """
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.rate, weight_decay=0.02)
    patches = region_patches(pool.regions, side=VIT.size // VIT.patch).reshape(-1, len(TASKS), BUDGETS[0])
    sampler = BudgetSampler(
        Choice(choices=BUDGETS, weights=(len(BUDGETS) - 1.0, *[1.0] * (len(BUDGETS) - 1))), seed=settings.seed
    )
    rng = np.random.default_rng(settings.seed)
    model.train()
    for step in range(settings.steps):
        rows = torch.from_numpy(rng.integers(0, len(pool.images), settings.scenes))
        (budget,) = sampler.next()
        said = model(as_pixels(pool.images[rows]), pool.questions[rows], budget=budget)
        loss = answer_loss(said.logits, allowed.expand(len(rows), -1, -1), pool.answers[rows])
        if budget == BUDGETS[0]:
            read = model.read_boxes(said.tokens, boxes.patches[rows], boxes.kinds[rows])
            loss = loss + answer_loss(read, torch.ones_like(read, dtype=torch.bool), boxes.values[rows])
            loss = loss + 0.5 * look_loss(said.looks, patches[rows])
        loss = loss + settings.blanked / settings.scenes * _blanked_loss(model, pool, allowed, settings, rng)
        for group in optimizer.param_groups:
            group["lr"] = settings.rate * learning_share(step, settings)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 500 == 0:
            print(f"step {step}, {budget} tokens: loss {loss.item():.3f}", flush=True)


def learning_share(step: int, settings: Training) -> float:
    """Linear warm-up, then half a cosine to 0."""
    return min(1.0, (step + 1) / settings.warmup) * (0.5 + 0.5 * math.cos(math.pi * step / settings.steps))


def _blanked_loss(
    model: Probe, pool: Pool, allowed: Tensor, settings: Training, rng: np.random.Generator
) -> Tensor:
    rows = torch.from_numpy(rng.integers(0, len(pool.images), settings.blanked))
    tasks = torch.from_numpy(rng.integers(0, len(TASKS), settings.blanked))
    asked = pool.questions[rows, tasks][:, None]
    said = model(as_pixels(blanked(pool, rows, tasks)), asked, budget=BUDGETS[0])
    return answer_loss(said.logits, allowed[tasks][:, None], pool.answers[rows, tasks][:, None])


@torch.no_grad()
def measure(model: Probe, pool: Pool, allowed: Tensor) -> Iterator[dict[str, object]]:
    """The accuracy of each task at each budget, and with the answer regions alone at the full one."""
    model.eval()
    parts = torch.split(torch.arange(len(pool.images)), 100)
    for budget in BUDGETS:
        right = [_right(model, pool, allowed, rows, budget) for rows in parts]
        for name, share in zip(TASKS, torch.cat(right).float().mean(0).tolist(), strict=True):
            yield {"task": name, "given": f"{budget}", "accuracy": share}
    for number, name in enumerate(TASKS):
        hits = []
        for rows in parts:
            tasks = torch.full_like(rows, number)
            asked = pool.questions[rows, tasks][:, None]
            said = model(as_pixels(blanked(pool, rows, tasks)), asked, budget=BUDGETS[0]).logits[:, 0]
            hits.append(_best(said, allowed[number]) == pool.answers[rows, tasks])
        yield {"task": name, "given": "regions", "accuracy": torch.cat(hits).float().mean().item()}


def _right(model: Probe, pool: Pool, allowed: Tensor, rows: Tensor, budget: int) -> Tensor:
    said = model(as_pixels(pool.images[rows]), pool.questions[rows], budget=budget).logits
    return _best(said, allowed) == pool.answers[rows]


def _best(logits: Tensor, allowed: Tensor) -> Tensor:
    return logits.masked_fill(~allowed, -torch.inf).argmax(-1)


def blind(task: Scenes) -> Iterator[dict[str, object]]:
    """What is scored without the image; 4,000 training scenes are enough for that."""
    train_items = task.items("train").head(4000 * len(TASKS))
    test_items = task.items("test")
    images = [*train_items["image_id"].unique(), *test_items["image_id"].unique()]
    captions = {image: task.caption(image) for image in images}
    for row in blind_baselines(train_items, test_items, captions=captions).rows(named=True):
        for name in ("majority", "question_only", "nearest_caption"):
            yield {"task": row["question_type"], "given": name, "accuracy": row[name]}


def run(settings: Training) -> pl.DataFrame:
    """Trains and measures; a row for each task and what was given."""
    material = read_material()
    rows = list(blind(material.task))
    names = {"words": material.words, "answers": material.answers}
    pool = read_pool(material.task, "train", **names)
    boxes = read_boxes(material.task, "train", answers=material.answers, side=VIT.size // VIT.patch)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(settings.seed)
        model = Probe(
            vit=VIT, words=len(material.words) + 1, longest=LONGEST, kinds=len(KINDS), hops=2,
            answers=list(material.answers),
        )  # fmt: skip
    train(model, pool, boxes, material.allowed, settings)
    rows += measure(model, read_pool(material.task, "test", **names), material.allowed)
    return pl.DataFrame(rows).with_columns(items=pl.lit(material.task.options.test))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=Training.steps)
    parser.add_argument("--out", type=Path, default=MEASURED)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    measured = run(Training(steps=chosen.steps))
    measured.write_csv(chosen.out, float_precision=4)
    print(measured.pivot("given", index="task", values="accuracy"))


if __name__ == "__main__":
    main()
