"""One trial of a study that trains nothing: weights that are there, tested under every condition, and recorded."""

import time
from pathlib import Path
from typing import NamedTuple

import polars as pl
import torch

from ablation_runner.failure import TrialFailedError
from ablation_runner.plan import TrainedTrial, folder_digest
from ablation_runner.storage.files import write_frame
from ablation_runner.storage.records import write_record
from ablation_runner.storage.store import RunFolder
from ablation_runner.trial._ranks import Check
from ablation_runner.trial._run_trial import Tell, peak_memory
from ablation_runner.trial.engine.engine import training_type
from ablation_runner.trial.model.cost import answering_cost
from ablation_runner.trial.model.weights import checkpoint_model
from ablation_runner.trial.testing.evaluate import Read, evaluate_conditions, score_of
from ablation_runner.trial.testing.retrieval import learns_contrast, retrieval_rows
from ablation_runner.trial.testing.vlm import load_vlm, vlm_cost, vlm_rows
from vlm_fusion import Cost


class _Tested(NamedTuple):
    rows: pl.DataFrame
    cost: Cost
    besides: pl.DataFrame | None = None
    encoder_parameters: int = 0
    encoder_macs: int = 0


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
    folder, score = run.trial(trial.name), score_of(tested.rows)
    files = [folder.items_file]
    write_frame(folder.items_file, tested.rows)
    if tested.besides is not None:
        write_frame(folder.besides_file, tested.besides)
        files.append(folder.besides_file)
    write_record(
        folder.record_file,
        {
            "trial": trial.name,
            "arm": trial.arm,
            "seed": trial.seed,
            "status": "finished",
            "cause": None,
            "score": score,
            "validation_accuracy": None,
            "validation_loss": None,
            "steps": 0,
            "processes": [torch.distributed.get_world_size()],
            "train_seconds": 0.0,
            "evaluate_seconds": round(time.perf_counter() - began, 3),
            "peak_memory_bytes": peak_memory(),
            "parameters": tested.cost.parameters,
            "trainable_parameters": tested.cost.parameters,  # all of them, as none is held back
            "macs": tested.cost.macs,
            "encoder_parameters": tested.encoder_parameters,
            "encoder_macs": tested.encoder_macs,
            "visual_tokens": tested.cost.visual_tokens,
            "curve_digest": None,
            "stages": [],
            "weights": trial.weights.digest if trial.weights else None,
        },
        files=files,
    )
    tell("finished", trial=trial.name, score=score, seconds=0.0)


def _of_ours(trial: TrainedTrial, read: Read) -> _Tested:
    configuration = trial.configuration
    material = read(configuration, trial.random_seed)
    model = checkpoint_model(trial, material)
    cost = answering_cost(
        model, image_tokens=configuration.tokens.budget, text_tokens=material.longest_question
    )
    rows = evaluate_conditions(model, trial, read)
    besides = retrieval_rows(model, trial, material) if learns_contrast(configuration) else None
    return _Tested(rows, cost, besides, material.encoder_parameters, material.encoder_macs)


def _of_transformers(trial: TrainedTrial) -> _Tested:
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
    return _Tested(rows, vlm_cost(vlm, trial.configuration))
