"""One trial: its stages trained or read back, tested under every condition, and recorded."""

import time
from collections.abc import Callable

import polars as pl
import torch

from ablation_runner.plan import TrainedTrial, training_stages
from ablation_runner.storage.files import write_frame
from ablation_runner.storage.store import RunFolder, StageFolder
from ablation_runner.trial._record import Tested, record_tested
from ablation_runner.trial.inputs.material import Material
from ablation_runner.trial.model.cost import answering_cost
from ablation_runner.trial.testing.besides import besides_rows
from ablation_runner.trial.testing.evaluate import Read, evaluate_conditions
from ablation_runner.trial.training.stage import OnStep, Watchers, ensure_stage
from ablation_runner.trial.training.stage_weights import stage_model
from ablation_runner.trial.training.tripwires import check_seeds_differ, curve_digest
from ablation_runner.work_off import Check

Tell = Callable[..., None]
_CURVE = {"step": pl.Int64, "split": pl.String, "loss": pl.Float64, "accuracy": pl.Float64}
_TELL_EVERY = 5  # steps between events


def run_trial(
    trial: TrainedTrial, run: RunFolder, read: Read, others: list[TrainedTrial], tell: Tell, check: Check
) -> None:
    """Trains, tests and records a trial.

    Args:
        trial: what to run.
        run: where it is kept; the trial's record is written last.
        read: gives what a configuration reads.
        others: the study's trials, among which another seed with the same losses is looked for.
        tell: called with an event's name and fields.
        check: called by every rank before anything is written.

    Raises:
        TrialFailedError: a tripwire.
        LostLeaseError: this worker stood still for so long that another one has the trial.
    """
    material = read(trial.configuration, trial.random_seed)
    last = _reach_last_stage(trial, run, material, tell)
    began = time.perf_counter()
    if trial.conditions:
        tell("evaluate", trial=trial.name)
    model = stage_model(trial, material, last)
    cost = answering_cost(
        model, image_tokens=trial.configuration.tokens.budget, text_tokens=material.longest_question
    )
    rows = evaluate_conditions(model, trial, read) if trial.conditions else None
    besides = None if rows is None else besides_rows(model, trial, material)
    check()
    if torch.distributed.get_rank():
        return
    stages = [run.stage(key).record() for key in trial.stages]
    trained = [stage for stage in stages if stage is not None]
    curve = trained[-1]["curve"]
    digest = curve_digest(curve)
    check_seeds_differ(digest, trial.seed, _digests(trial, run, others))
    folder = run.trial(trial.name)
    write_frame(
        folder.curve_file,
        pl.DataFrame(curve, schema=_CURVE).with_columns(
            arm=pl.lit(trial.arm), seed=pl.lit(trial.seed, dtype=pl.Int64)
        ),
    )
    validated = [point for point in curve if point["split"] == "validation"][-1]
    seconds = sum(stage["seconds"] for stage in trained)
    tested = Tested(
        rows=rows,
        besides=besides,
        cost=cost,
        encoder_parameters=material.stored.parameters,
        encoder_macs=material.stored.macs,
    )
    score = record_tested(
        trial,
        folder,
        tested,
        files=[folder.curve_file],
        validation_accuracy=validated["accuracy"],
        validation_loss=validated["loss"],
        steps=sum(stage["steps"] for stage in trained),
        processes=list(dict.fromkeys(ranks for stage in trained for ranks in stage["processes"])),
        train_seconds=round(seconds, 3),
        evaluate_seconds=round(time.perf_counter() - began, 3),
        trainable_parameters=max(stage["trained_parameters"] for stage in trained),
        curve_digest=digest,
        stages=[
            {"name": stage["stage"], "key": key, "trained_for": stage["trial"]}
            for key, stage in zip(trial.stages, stages, strict=True)
            if stage is not None
        ],
    )
    tell("finished", trial=trial.name, score=score, seconds=seconds)


def _reach_last_stage(trial: TrainedTrial, run: RunFolder, material: Material, tell: Tell) -> StageFolder:
    """Trains what is not there yet; a stage that is there makes those before it unnecessary."""
    folders = [run.stage(key) for key in trial.stages]
    finished = [index for index, folder in enumerate(folders) if folder.record() is not None]
    first = finished[-1] + 1 if finished else 0
    stages = training_stages(trial.configuration)
    reused = sum(stage.training.steps for stage in stages[:first])
    done = 0
    for index, stage in enumerate(stages):
        if index >= first:
            before = folders[index - 1] if index else None
            watchers = Watchers(
                on_step=_teller(tell, trial, done, reused),
                note=lambda text: tell("note", text=text),
                monitors=run.trial(trial.name).monitors / stage.name if trial.engine.monitors else None,
            )
            ensure_stage(trial, stage, material, folders[index], before=before, watchers=watchers)
        done += stage.training.steps
    if first == len(folders):
        tell("trial", trial=trial.name, step=trial.steps, steps=trial.steps)
    return folders[-1]


def _digests(trial: TrainedTrial, run: RunFolder, others: list[TrainedTrial]) -> dict[int, str]:
    """Seed to digest of the losses, of the arm's other trials that have finished."""
    records = {other.seed: run.trial(other.name).record() for other in others if other.arm == trial.arm}
    return {
        seed: record["curve_digest"]
        for seed, record in records.items()
        if record and record["status"] == "finished"
    }


def _teller(tell: Tell, trial: TrainedTrial, done: int, reused: int) -> OnStep:
    """Tells a stage's steps as steps of the whole trial, of which `done` came before it and `reused` were there already."""

    def on_step(step: int, loss: float | None) -> None:
        if loss is None:
            tell("trial", trial=trial.name, step=done + step, steps=trial.steps, reused=reused)
        elif step % _TELL_EVERY == 0:
            tell("step", trial=trial.name, step=done + step, loss=loss)

    return on_step
