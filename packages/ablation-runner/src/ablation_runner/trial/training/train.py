"""One stage's training: the same batches for every arm, the same loss for every number of ranks."""

import math
import time
from collections.abc import Callable
from typing import Any

import torch

from ablation_runner.plan import TrainedTrial
from ablation_runner.storage.store import StageFolder
from ablation_runner.study import Stage, Training
from ablation_runner.trial._ranks import summed
from ablation_runner.trial._seeding import seeded_draws, stream_seed
from ablation_runner.trial.engine.checkpoint import History, save_checkpoint
from ablation_runner.trial.inputs.batches import BatchPlan, Row
from ablation_runner.trial.inputs.feed import Feed
from ablation_runner.trial.inputs.material import Material
from ablation_runner.trial.inputs.pairs import PairFeed
from ablation_runner.trial.training.tripwires import check_loss, check_update
from ablation_runner.trial.training.validate import validate, validate_pairs
from ablation_runner.work_off import Check
from token_budget import Fixed, Schedule, create_schedule

_LOSS_EVERY = 10  # optimizer steps between rows of the training curve


def batch_plan(trial: TrainedTrial, training: Training, material: Material) -> BatchPlan:
    """A stage's batches, from the trial's seed alone."""
    return BatchPlan(
        material.splits["train"].questions_of,
        seed=trial.random_seed,
        images_per_step=training.images_per_step,
        questions_per_image=training.questions_per_image,
        shuffled=trial.configuration.data.images == "shuffled",
    )


def stage_feed(trial: TrainedTrial, stage: Stage, material: Material) -> Feed:
    """What a stage's batches are fed as."""
    kind = PairFeed if stage.training.pair_objectives else Feed
    return kind(
        material=material,
        reducer=trial.configuration.tokens,
        seed=trial.random_seed,
        with_images=not stage.training.reads_text_alone,
        allocates=trial.configuration.model.allocator is not None and stage.training.allocates,
    )


def budget_schedule(trial: TrainedTrial, training: Training) -> Schedule:
    """The visual tokens per image of every step of a stage."""
    tokens = trial.configuration.tokens
    schedule = training.schedule or tokens.schedule
    if schedule is None:
        return Fixed(budget=tokens.budget)
    return create_schedule(schedule.name, schedule.options())


def train(
    engine: Any,
    trial: TrainedTrial,
    stage: Stage,
    material: Material,
    folder: StageFolder,
    on_step: Callable[[int, float | None], None],
    check: Check,
    *,
    history: History,
) -> None:
    """Trains from where a history ends to the last step, and continues the history.

    Args:
        engine: of DeepSpeed.
        trial: what is trained.
        stage: how long and on what.
        material: what it reads.
        folder: where checkpoints go.
        on_step: told the steps done and the loss after every step; before the first one the steps done and None.
        check: called before a checkpoint is written; raises where it may not be.
        history: of the checkpoint that the engine has been given; an empty one to begin with.

    Raises:
        TrialFailedError: the loss or the gradient is not finite or exactly zero.
    """
    training, feed = stage.training, stage_feed(trial, stage, material)
    batches, schedule = batch_plan(trial, training, material), budget_schedule(trial, training)
    validation_steps = _spread(training.steps, training.validations)
    rank, ranks = torch.distributed.get_rank(), torch.distributed.get_world_size()
    if history.processes[-1:] != [ranks]:
        history.processes.append(ranks)
    on_step(history.step, None)
    began, overflows = time.perf_counter() - history.seconds, 0
    for step in range(history.step, training.steps):
        budgets = schedule.budgets(stream_seed(trial.random_seed, "budgets"), step)
        progress, skipped = step / training.steps, engine.skipped_steps
        with seeded_draws(trial.random_seed, "training", step, rank):  # of a dropout, where a part has one
            loss = training_step(
                engine, batches.rows(step), feed, budgets=budgets, draw=step, progress=progress
            )
        check_loss(loss, step=step + 1)
        overflows = overflows + 1 if engine.skipped_steps > skipped else 0
        check_update(engine.get_global_grad_norm(), trial.engine, overflows=overflows, step=step + 1)
        engine.monitor.write_events([("Train/loss", loss, engine.global_samples)])
        history.step = step + 1
        if history.step % _LOSS_EVERY == 0 or history.step == training.steps:
            history.curve.append({"step": history.step, "split": "train", "loss": loss, "accuracy": None})
        if history.step in validation_steps:
            found = (validate_pairs if training.pair_objectives else validate)(engine, trial, training, feed)
            history.curve.append({"step": history.step, "split": "validation", **found})
            engine.monitor.write_events([("Validation/loss", found["loss"], engine.global_samples)])
        history.seconds = time.perf_counter() - began
        if history.step % trial.engine.checkpoint_every == 0 and history.step < training.steps:
            check()
            save_checkpoint(engine, folder, history)
        on_step(history.step, loss)


def training_step(
    engine: Any,
    rows: list[Row],
    feed: Feed,
    *,
    budgets: tuple[int, ...],
    draw: int = 0,
    progress: float = 1.0,
) -> float:
    """One optimizer step on a global batch; gives its loss per answer token.

    Each rank takes its share of the rows, in micro-batches. Every micro-batch's summed loss is divided by the
    answer tokens of the *whole* batch, so neither ranks nor accumulation change the result.

    Args:
        engine: of DeepSpeed.
        rows: the global batch.
        feed: what turns rows into a forward pass.
        budgets: visual tokens per image; the loss is the mean over several.
        draw: names the batch, for reducers that draw.
        progress: share of the training done, for allocators that explore.
    """
    ranks, rank = torch.distributed.get_world_size(), torch.distributed.get_rank()
    parts = ranks * engine.gradient_accumulation_steps()
    size = len(rows) // parts
    questions = feed.material.splits["train"].questions
    answer_tokens = sum(len(questions[item].answer) for row in rows for item in row.questions)
    total = torch.zeros((), device=engine.device)
    for index in range(rank, parts, ranks):
        part = slice(index * size, (index + 1) * size)
        losses = [
            feed.forward(
                engine,
                rows,
                "train",
                part=part,
                budget=budget,
                draw=draw,
                progress=progress,
                answer_tokens=answer_tokens,
            ).loss
            for budget in budgets
        ]
        loss = losses[0] if len(losses) == 1 else torch.stack(losses).mean()
        # DeepSpeed takes the mean over micro-batches and ranks; times their number that is the sum.
        engine.backward(loss * parts)
        engine.step()
        total += loss.detach().float()
    return float(summed(total))


def _spread(steps: int, count: int) -> set[int]:
    """`count` steps, evenly spread, the last one among them."""
    return {math.ceil(steps * (index + 1) / count) for index in range(count)}
