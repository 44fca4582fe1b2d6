"""One trial of a study that trains nothing: weights that are there, tested under every condition, and recorded."""

import time
from pathlib import Path

import polars as pl
import torch

from ablation_runner.failure import TrialFailedError
from ablation_runner.plan import TrainedTrial, folder_digest
from ablation_runner.storage.store import RunFolder
from ablation_runner.trial._record import Tested, record_tested
from ablation_runner.trial._run_trial import Tell
from ablation_runner.trial.engine.engine import training_type
from ablation_runner.trial.model.cost import answering_cost
from ablation_runner.trial.model.weights import checkpoint_model
from ablation_runner.trial.testing.besides import besides_rows
from ablation_runner.trial.testing.evaluate import Read, evaluate_conditions
from ablation_runner.trial.testing.vlm import load_vlm, vlm_cost, vlm_rows
from ablation_runner.work_off import Check


def test_weights(trial: TrainedTrial, run: RunFolder, read: Read, tell: Tell, check: Check) -> None:
    """Tests and records a trial without stages; it has no curve, as nothing is trained.

    Args:
        trial: what to run.
        run: where it is kept; the trial's record is written last.
        read: gives what a configuration reads.
        tell: called with an event's name and fields.
        check: called by every rank before anything is written.

    Raises:
        TrialFailedError: the weights are not those that were planned with, or do not fit.
        LostLeaseError: this worker stood still for so long that another one has the trial.
    """
    began = time.perf_counter()
    tell("trial", trial=trial.name, step=0, steps=0)
    tell("evaluate", trial=trial.name)
    tested = (
        _of_transformers(trial) if trial.configuration.model.is_of_transformers else _of_ours(trial, read)
    )
    check()
    if torch.distributed.get_rank():
        return
    score = record_tested(
        trial,
        run.trial(trial.name),
        tested,
        files=[],
        validation_accuracy=None,
        validation_loss=None,
        steps=0,
        processes=[torch.distributed.get_world_size()],
        train_seconds=0.0,
        evaluate_seconds=round(time.perf_counter() - began, 3),
        trainable_parameters=tested.cost.parameters,  # all of them, as none is held back
        curve_digest=None,
        stages=[],
        weights=trial.weights.digest if trial.weights else None,
    )
    tell("finished", trial=trial.name, score=score, seconds=0.0)


def _of_ours(trial: TrainedTrial, read: Read) -> Tested:
    configuration = trial.configuration
    material = read(configuration, trial.random_seed)
    model = checkpoint_model(trial, material)
    cost = answering_cost(
        model, image_tokens=configuration.tokens.budget, text_tokens=material.longest_question
    )
    rows = evaluate_conditions(model, trial, read)
    return Tested(
        rows=rows,
        besides=besides_rows(model, trial, material),
        cost=cost,
        encoder_parameters=material.stored.parameters,
        encoder_macs=material.stored.macs,
    )


def _of_transformers(trial: TrainedTrial) -> Tested:
    checkpoint, weights = trial.configuration.model.checkpoint, trial.weights
    assert checkpoint is not None
    assert weights is not None
    folder = Path(weights.path)
    if folder.is_dir() and folder_digest(folder) != weights.digest:
        raise TrialFailedError(f"{folder} has changed since the study was planned; run the study again")
    vlm = load_vlm(checkpoint, dtype=training_type(trial.engine))
    rows = pl.concat(
        vlm_rows(vlm, trial, condition, name=name) for name, condition in trial.conditions.items()
    )
    return Tested(rows=rows, cost=vlm_cost(vlm, trial.configuration))
