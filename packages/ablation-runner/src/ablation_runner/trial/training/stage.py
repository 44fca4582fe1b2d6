"""One stage of training: run once, and read back by every trial that shares it."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import safetensors
import safetensors.torch
import torch

from ablation_runner.leases import Lease, try_lease
from ablation_runner.plan import TrainedTrial, weights_header
from ablation_runner.storage.files import write_atomically
from ablation_runner.storage.records import write_record
from ablation_runner.storage.store import StageFolder
from ablation_runner.study import Stage
from ablation_runner.trial._ranks import agreed
from ablation_runner.trial.engine.checkpoint import History, read_checkpoint
from ablation_runner.trial.engine.engine import start_engine, training_type
from ablation_runner.trial.engine.monitors import wandb_run
from ablation_runner.trial.inputs.material import Material
from ablation_runner.trial.inputs.pairs import learner_of
from ablation_runner.trial.model.parts import check_changes, fingerprints, train_parts
from ablation_runner.trial.training.stage_weights import (
    copied_state,
    stage_model,
    weights_to_keep,
    whole_weights,
)
from ablation_runner.trial.training.train import train
from ablation_runner.trial.training.tripwires import check_batch_norm, check_ranks_agree
from ablation_runner.work_off import Check, checked

OnStep = Callable[[int, float | None], None]
_ASK_EVERY = 0.5  # seconds between tries for a stage that another worker holds


@dataclass(frozen=True, kw_only=True)
class Watchers:
    """Who is told how a stage comes along.

    Attributes:
        on_step: the steps done and the loss.
        note: a line that a user should see.
        monitors: the folder that DeepSpeed's monitors write to; None where none is switched on.
    """

    on_step: OnStep
    note: Callable[[str], None]
    monitors: Path | None = None


def ensure_stage(
    trial: TrainedTrial,
    stage: Stage,
    material: Material,
    folder: StageFolder,
    *,
    before: StageFolder | None,
    watchers: Watchers,
) -> None:
    """Trains a stage, unless somebody has or does (then it waits for them).

    Args:
        trial: one of those that share the stage.
        stage: its settings.
        material: what it reads.
        folder: where its weights go.
        before: the stage whose weights it starts from; None for fresh ones.
        watchers: who is told how it comes along.

    Raises:
        TrialFailedError: a tripwire.
        LostLeaseError: this worker stood still for so long that another one trains the stage.
    """
    with _held_by_rank_0(folder) as check:
        if folder.record() is None:
            _train_stage(trial, stage, material, folder, before, watchers, check)


def _train_stage(
    trial: TrainedTrial,
    stage: Stage,
    material: Material,
    folder: StageFolder,
    before: StageFolder | None,
    watchers: Watchers,
    check: Check,
) -> None:
    model = stage_model(trial, material, before)
    plain = copied_state(model)
    trained = train_parts(model, stage.training, seed=trial.random_seed)
    dtype = training_type(trial.engine)
    started = fingerprints(dict(model.named_parameters()), dtype)
    check_ranks_agree(started)
    check_batch_norm(model.train())
    learner = learner_of(model, stage.training)
    checkpoint = read_checkpoint(folder, learner, watchers.note)
    history = checkpoint.history if checkpoint else History()
    if checkpoint:
        checkpoint.load_weights(learner)
    with wandb_run(trial.engine, watchers.monitors):
        engine = start_engine(
            learner, training=stage.training, engine=trial.engine, monitors=watchers.monitors
        )
        try:
            if checkpoint:
                checkpoint.restore(engine)
            train(engine, trial, stage, material, folder, watchers.on_step, check, history=history)
            weights = whole_weights(model, gather=trial.engine.zero_stage == 3)
        finally:
            engine.destroy()
    ended = fingerprints({name: weights[name] for name in started}, dtype)
    check_changes(started, ended, trained)
    first = torch.distributed.get_rank() == 0
    saved = weights_to_keep(trial, stage, material, before, plain, weights) if first else {}
    check()
    if first:
        said = weights_header(trial.configuration, stage, trial.random_seed) or None
        write_atomically(
            folder.weights_file, lambda file: safetensors.torch.save_file(saved, file, metadata=said)
        )
        record = {
            "stage": stage.name,
            "trial": trial.name,
            "steps": history.step,
            "seconds": history.seconds,
            "processes": history.processes,
            "trained_parameters": sum(weights[name].numel() for name in trained),
            "curve": history.curve,
        }
        write_record(folder.record_file, record, files=[folder.weights_file])
        shutil.rmtree(folder.checkpoint, ignore_errors=True)


@contextmanager
def _held_by_rank_0(folder: StageFolder) -> Iterator[Check]:
    """The stage's lease, which rank 0 asks for until it is free; gives what tells all ranks that it was lost.

    The ranks meet at every try: a rank that waited in one collective for hours would run into its time limit.
    """
    first = torch.distributed.get_rank() == 0
    with ExitStack() as held:

        def ask() -> Lease | None:
            return held.enter_context(try_lease(folder.lease_file)) if first else None

        while not agreed((lease := ask()) is not None):
            time.sleep(_ASK_EVERY)
        yield checked(lease, agreed)
        torch.distributed.barrier()
