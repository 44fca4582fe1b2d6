"""What a study saves by doing work once: against an encoder in every step, and against processes that share nothing."""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from one_trial import OneTrial, one_trial, own_world, planned
from overhead import Batch, forward, made_batch

from ablation_runner import Prepared
from ablation_runner.plan import Trial, write_plan
from ablation_runner.trial.inputs.batches import Row
from token_budget import reduce_tokens
from vlm_encoders import create_encoder, image_encoder, tensors_to_tokens
from vlm_fusion import pack_questions
from vlm_tasks import create_task

BOUND = 10.0
AT_ONCE = 16  # images per forward pass of the encoder: the fastest on a CPU


class ArmSteps(NamedTuple):
    """Seconds of one training step of an arm.

    Attributes:
        ours: on stored features, an image with all its questions in one row.
        per_question: a row per question, and the encoder run on the image of every row.
        per_image: rows as ours, and the encoder run on the image of every row.
    """

    arm: str
    ours: float
    per_question: float
    per_image: float


def arm_steps(study: Prepared, *, steps: int) -> list[ArmSteps]:
    """Every arm's steps, measured; the blind arm's are the baseline's.

    Args:
        study: whose features are stored below its runs folder, or are extracted first.
        steps: of each kind.
    """
    first = one_trial(study, study.trials[0])
    trials = [trial for trial in study.trials if trial.seed == first.trial.seed]
    found = []
    for trial in trials[:-1]:
        one = first.of_arm(trial)
        by_question = [
            [Row(row.image, row.shown, (item,)) for row in one.batches.rows(step) for item in row.questions]
            for step in range(steps)
        ]
        by_image = [one.batches.rows(step) for step in range(steps)]
        encoded = EncodedBatches(one)
        found.append(
            ArmSteps(
                trial.arm,
                ours=_step_seconds(one, by_image, made_batch),
                per_question=_step_seconds(one, by_question, encoded),
                per_image=_step_seconds(one, by_image, encoded),
            )
        )
    return [*found, found[0]._replace(arm=trials[-1].arm)]


class EncodedBatches:
    """Makes a batch by running the frozen encoder on the images of its rows."""

    def __init__(self, one: OneTrial) -> None:
        """Loads the encoder's weights."""
        wanted, named = one.trial.configuration.encoder, one.trial.configuration.data.task
        encoder = create_encoder(
            wanted.name,
            image_size=wanted.image_size,
            feature_layer=wanted.feature_layer,
            final_norm=wanted.final_norm,
        )
        self._encode = image_encoder(encoder)
        self._task = create_task(named.name, **named.options())

    def __call__(self, one: OneTrial, rows: list[Row]) -> Batch:
        """The batch of some rows."""
        split, reducer = one.material.splits["train"], one.trial.configuration.tokens
        images = [self._task.image(split.images[row.shown]) for row in rows]
        with torch.no_grad():
            parts = [
                self._encode(images[first : first + AT_ONCE]) for first in range(0, len(images), AT_ONCE)
            ]
        tokens = tensors_to_tokens({name: torch.cat([part[name] for part in parts]) for name in parts[0]})
        reduced = reduce_tokens(
            tokens, reducer.budget, method=reducer.method.name, **reducer.method.options()
        )
        text = pack_questions(
            [[split.questions[item] for item in row.questions] for row in rows],
            pad=one.material.tokenizer.pad_token_id,
        )
        words = sum(len(split.questions[item].answer) for row in rows for item in row.questions)
        return Batch(reduced, text, words)


def _step_seconds(
    one: OneTrial, drawn: Sequence[list[Row]], make: Callable[[OneTrial, list[Row]], Batch]
) -> float:
    """Mean seconds of a step, after one that is not timed."""
    model = one.model().train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=one.stage.training.learning_rate, fused=True)
    began = 0.0
    for step, rows in enumerate([drawn[0], *drawn]):
        if step == 1:
            began = time.perf_counter()
        forward(model, make(one, rows)).backward()
        optimizer.step()
        optimizer.zero_grad()
    return (time.perf_counter() - began) / len(drawn)


class Processes(NamedTuple):
    """Seconds of the same trials: one worker for all of them, and a process each that shares nothing."""

    trials: int
    shared: float
    separate: float


def separate_processes(folder: Path, *, overrides: Sequence[str]) -> Processes:
    """A small study by one worker, then every trial by a process with a runs folder of its own, one after the other."""
    study = planned(folder / "shared", overrides)
    shared = _work_off(study, study.trials)
    separate = 0.0
    for number, trial in enumerate(study.trials):
        separate += _work_off(planned(folder / f"alone-{number}", overrides), [trial])
    return Processes(len(study.trials), shared, separate)


def _work_off(study: Prepared, trials: list[Trial]) -> float:
    """Seconds that a worker needs for some trials, its start included."""
    write_plan(study.folder.plan_file, trials, study.arms)
    began = time.perf_counter()
    command = [sys.executable, "-m", "ablation_runner.trial", str(study.folder.path)]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=own_world(),
        text=True,
    ) as worker:
        assert worker.stdout
        said = worker.stdout.read()
        worker.wait()
    if any(study.folder.trial(trial.name).record() is None for trial in trials):
        raise RuntimeError(f"a trial did not finish:\n{said[-2000:]}")
    return time.perf_counter() - began
