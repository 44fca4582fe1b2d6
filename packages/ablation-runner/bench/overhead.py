"""Steps per second of a trial beside bare loops over the same model and data.

The bare loops do what a training script of thirty lines does: take a batch of stored features, reduce and pack it, forward,
backward, clip, step. A trial also draws its batches, watches for tripwires, keeps its curve and writes checkpoints. Beside
them stands a loop whose batches lie ready in memory, without a bound.
"""

import shutil
import statistics
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import torch
from one_trial import OneTrial
from transformers import get_scheduler

from ablation_runner.storage.store import StageFolder
from ablation_runner.trial.engine.checkpoint import History
from ablation_runner.trial.engine.engine import start_engine
from ablation_runner.trial.inputs.batches import Row
from ablation_runner.trial.training.train import train
from token_budget import VisualTokens, reduce_tokens
from vlm_fusion import TextRows, pack_questions

WARM_UP = 10  # steps of a block that are not timed
READY = "PyTorch, batches ready"
BOUNDS = {"DeepSpeed": 0.97, "PyTorch": 0.90, READY: None}


class Batch(NamedTuple):
    """A batch that is ready for the model."""

    tokens: VisualTokens
    text: TextRows
    answer_tokens: int


class Moment(NamedTuple):
    """When a step ended: on the wall clock, and in this process's own CPU time, both in seconds."""

    wall: float
    cpu: float


class Overhead(NamedTuple):
    """A trial's speed relative to a bare loop's: medians over blocks.

    Attributes:
        peer: the bare loop.
        ratio: of steps per second.
        blocks: of them, each block's.
        cpu_ratio: of steps per second of CPU time, which other processes on the machine disturb less.
    """

    peer: str
    ratio: float
    blocks: list[float]
    cpu_ratio: float


def measure_overhead(one: OneTrial, *, steps: int, blocks: int) -> list[Overhead]:
    """Interleaved blocks of a trial and both bare loops.

    Args:
        one: the trial, which has more steps than `steps` and validates after them.
        steps: of a block, the warm-up among them.
        blocks: how many of each.
    """
    drawn = [one.batches.rows(step) for step in range(steps)]
    ready = [made_batch(one, rows) for rows in drawn]
    spans: dict[str, list[Moment]] = {name: [] for name in ("trial", *BOUNDS)}
    for block in range(blocks):
        loops: list[tuple[str, Callable[[], list[Moment]]]] = [
            ("trial", lambda: trial_times(one, steps)),
            ("DeepSpeed", lambda: deepspeed_times(one, (made_batch(one, rows) for rows in drawn))),
            ("PyTorch", lambda: pytorch_times(one, (made_batch(one, rows) for rows in drawn))),
            (READY, lambda: pytorch_times(one, ready)),
        ]
        first = block % len(loops)  # nobody is always the first
        for name, loop in loops[first:] + loops[:first]:
            ends = loop()
            start, end = ends[WARM_UP - 1], ends[-1]
            spans[name].append(Moment(end.wall - start.wall, end.cpu - start.cpu))
    return [_overhead(peer, spans["trial"], spans[peer]) for peer in BOUNDS]


def _overhead(peer: str, own: list[Moment], others: list[Moment]) -> Overhead:
    pairs = list(zip(own, others, strict=True))
    blocks = [other.wall / trial.wall for trial, other in pairs]
    cpu = statistics.median(other.cpu / trial.cpu for trial, other in pairs)
    return Overhead(peer, statistics.median(blocks), blocks, cpu)


def now() -> Moment:
    """This moment."""
    return Moment(time.perf_counter(), time.process_time())


def made_batch(one: OneTrial, rows: list[Row]) -> Batch:
    """A batch from the stored features and the encoded questions of some rows."""
    questions = one.material.splits["train"].questions
    asked = [[questions[item] for item in row.questions] for row in rows]
    reducer = one.trial.configuration.tokens
    tokens = reduce_tokens(
        one.material.images("train", [row.shown for row in rows]),
        reducer.budget,
        method=reducer.method.name,
        **reducer.method.options(),
    )
    words = sum(len(question.answer) for row in asked for question in row)
    return Batch(tokens, pack_questions(asked, pad=one.material.tokenizer.pad_token_id), words)


def trial_times(one: OneTrial, steps: int) -> list[Moment]:
    """When each step of a trial ended."""
    folder = StageFolder(one.run.path / "overhead")
    shutil.rmtree(folder.path, ignore_errors=True)
    ends: list[Moment] = []

    def on_step(step: int, loss: float | None) -> None:
        if loss is not None and step <= steps:
            ends.append(now())

    engine = start_engine(one.model(), training=one.stage.training, engine=one.trial.engine)
    try:
        train(engine, one.trial, one.stage, one.material, folder, on_step, lambda: None, history=History())
    finally:
        engine.destroy()
    return ends


def deepspeed_times(one: OneTrial, batches: Iterable[Batch]) -> list[Moment]:
    """When each step of a bare DeepSpeed loop ended."""
    engine: Any = start_engine(one.model(), training=one.stage.training, engine=one.trial.engine)
    ends = []
    for batch in batches:
        loss = forward(engine, batch)
        engine.backward(loss)
        engine.step()
        loss.item()
        ends.append(now())
    engine.destroy()
    return ends


def pytorch_times(one: OneTrial, batches: Iterable[Batch]) -> list[Moment]:
    """When each step of a bare PyTorch loop ended: the same optimizer, schedule and clipping."""
    training, engine = one.stage.training, one.trial.engine
    model = one.model().train()
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=training.learning_rate, weight_decay=training.weight_decay, fused=True
    )
    warm_up = round(engine.warmup * training.steps)
    schedule = get_scheduler(
        engine.schedule, optimizer, num_warmup_steps=warm_up, num_training_steps=training.steps
    )
    ends = []
    for batch in batches:
        loss = forward(model, batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), engine.clip)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        loss.item()
        ends.append(now())
    return ends


def forward(model: Any, batch: Batch) -> torch.Tensor:
    """The loss of a batch per answer token."""
    text = batch.text
    output = model(
        batch.tokens,
        text.input_ids,
        segments=text.segments,
        labels=text.labels,
        answer_tokens=batch.answer_tokens,
    )
    return torch.as_tensor(output.loss)
