"""Loss and accuracy on the validation split while a model is trained."""

import math
from typing import Any

import torch

from ablation_runner.plan import TrainedTrial
from ablation_runner.study import Training
from ablation_runner.trial._ranks import summed
from ablation_runner.trial.engine.engine import micro_batch_size
from ablation_runner.trial.inputs.batches import Row
from ablation_runner.trial.inputs.feed import Feed
from ablation_runner.trial.inputs.material import Material
from ablation_runner.trial.testing.ranking import choose_answers


def validate(engine: Any, trial: TrainedTrial, training: Training, feed: Feed) -> dict[str, float]:
    """Loss per answer token, and share of questions whose every answer token is the likeliest, on validation."""
    ranks, rank = torch.distributed.get_world_size(), torch.distributed.get_rank()
    size = micro_batch_size(training, trial.engine, ranks)
    rows = validation_rows(trial, feed.material)
    if trial.configuration.model.allocator:
        rows = asked_alone(rows)
    totals = torch.zeros(4, dtype=torch.float64, device=engine.device)
    engine.eval()
    with torch.no_grad():
        for first in range(rank * size, math.ceil(len(rows) / (size * ranks)) * size * ranks, size * ranks):
            # Under ZeRO-3 every rank has to run the model, also when no row is left for it.
            mine = slice(first, first + size) if first < len(rows) else slice(0, 1)
            output = feed.forward(engine, rows, "validation", part=mine)
            if first < len(rows):
                tally = _tally(output, rows[mine], feed.material)
                totals += torch.tensor(tally, dtype=torch.float64, device=engine.device)
    engine.train()
    loss, tokens, right, asked = summed(totals).tolist()
    return {"loss": loss / tokens, "accuracy": right / asked}


def validation_rows(trial: TrainedTrial, material: Material) -> list[Row]:
    """One row for each validation image that is followed, with all its questions."""
    split = material.splits["validation"]
    images = min(trial.configuration.data.validation_images, len(split.images))
    shift = 1 if trial.configuration.data.images == "shuffled" else 0
    return [Row(image, (image + shift) % images, tuple(split.questions_of[image])) for image in range(images)]


def asked_alone(rows: list[Row]) -> list[Row]:
    """A row for each question, as an allocator wants them, which gives an image's tokens to one question."""
    return [Row(row.image, row.shown, (item,)) for row in rows for item in row.questions]


def _tally(output: Any, rows: list[Row], material: Material) -> tuple[float, int, int, int]:
    """Summed loss, answer tokens, questions answered right word for word, questions."""
    questions = material.splits["validation"].questions
    answers = [questions[item].answer for row in rows for item in row.questions]
    wanted = torch.tensor([token for answer in answers for token in answer])
    right = (output.logits.argmax(-1).cpu() == wanted).split([len(answer) for answer in answers])
    return float(output.loss), len(wanted), sum(bool(each.all()) for each in right), len(answers)


def validate_pairs(
    engine: Any, trial: TrainedTrial, training: Training, feed: Feed
) -> dict[str, float | None]:
    """The objectives' weighted loss on whole batches of validation images, and how often the answer ranks first.

    Every rank ranks all images, as under ZeRO-3 all have to take part. Where answers are not ranked there is no accuracy.
    """
    ranks, rank = torch.distributed.get_world_size(), torch.distributed.get_rank()
    questions = feed.material.splits["validation"].questions
    rows = [Row(row.image, row.shown, row.questions[:1]) for row in validation_rows(trial, feed.material)]
    at_once = min(training.images_per_step, len(rows) // ranks * ranks)
    size, losses, right = at_once // ranks, [], 0
    engine.eval()
    with torch.no_grad():
        for first in range(0, len(rows) - at_once + 1, at_once):
            batch = rows[first : first + at_once]
            words = sum(len(questions[row.questions[0]].answer) for row in batch)
            part = slice(rank * size, (rank + 1) * size)
            output = feed.forward(engine, batch, "validation", part=part, draw=first, answer_tokens=words)
            losses.append(float(summed(output.loss.detach().double())))
            if trial.configuration.data.answers == "ranked":
                right += _ranked_first(engine.module, feed, batch, draw=first)
    engine.train()
    accuracy = right / (len(losses) * at_once) if trial.configuration.data.answers == "ranked" else None
    return {"loss": sum(losses) / len(losses), "accuracy": accuracy}


def _ranked_first(learner: Any, feed: Feed, rows: list[Row], *, draw: int) -> int:
    split = feed.material.splits["validation"]
    items, shown = [row.questions[0] for row in rows], [row.shown for row in rows]
    chosen = choose_answers(learner, feed, "validation", items, shown, draw=draw).tolist()
    texts = [
        feed.material.candidates(split.items["question_type"][item])[choice]
        for item, choice in zip(items, chosen, strict=True)
    ]
    return sum(text == split.items["answers"][item][0] for text, item in zip(texts, items, strict=True))
