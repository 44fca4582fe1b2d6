"""The record of a trial that was tested, and the files of results it names."""

import resource
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import torch

from ablation_runner.plan import TrainedTrial
from ablation_runner.storage.files import write_frame
from ablation_runner.storage.records import write_record
from ablation_runner.storage.store import TrialFolder
from ablation_runner.trial.testing.evaluate import score_of
from vlm_fusion import Cost


@dataclass(frozen=True, kw_only=True)
class Tested:
    """What testing a model has given.

    Attributes:
        rows: a row per prediction; None where the trial is only validated.
        besides: rows that are shown beside the judged metric; None where there are none.
        cost: of an answer, without the encoder.
        encoder_parameters: of the encoder whose features are read, if any.
        encoder_macs: of that encoder, per image.
    """

    rows: pl.DataFrame | None
    besides: pl.DataFrame | None = None
    cost: Cost
    encoder_parameters: int = 0
    encoder_macs: int = 0


def record_tested(
    trial: TrainedTrial,
    folder: TrialFolder,
    tested: Tested,
    *,
    files: list[Path],
    validation_accuracy: float | None,
    **trained: Any,
) -> float | None:
    """Writes the results of a finished trial, its record last; gives the score.

    Args:
        trial: as planned.
        folder: where it is kept.
        tested: what testing has given.
        files: those that the trial has written before.
        validation_accuracy: the last one; the score where nothing was tested.
        trained: how it was trained, as the record says it.
    """
    score = validation_accuracy if tested.rows is None else score_of(tested.rows)
    for path, rows in ((folder.items_file, tested.rows), (folder.besides_file, tested.besides)):
        if rows is not None:
            write_frame(path, rows)
            files = [*files, path]
    record = {
        "trial": trial.name,
        "arm": trial.arm,
        "seed": trial.seed,
        "status": "finished",
        "cause": None,
        "score": score,
        "validation_accuracy": validation_accuracy,
        **trained,
        "peak_memory_bytes": peak_memory(),
        "peak_gpu_memory_bytes": peak_gpu_memory(),
        "parameters": tested.cost.parameters,
        "macs": tested.cost.macs,
        "encoder_parameters": tested.encoder_parameters,
        "encoder_macs": tested.encoder_macs,
        "visual_tokens": tested.cost.visual_tokens,
    }
    write_record(folder.record_file, record, files=files)
    return score


def peak_memory() -> int:
    """Most bytes this process has held at once."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def peak_gpu_memory() -> int | None:
    """Most bytes that tensors have held at once on this process's GPU; None without one.

    It counts from the last `torch.cuda.reset_peak_memory_stats`.
    """
    return torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None
