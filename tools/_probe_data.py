"""Scenes and their questions as tensors."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, UInt8
from PIL import Image
from torch import Tensor

from vlm_tasks import Box, Scenes, only_regions

LONGEST = 16
"""Words of the longest question."""
KINDS = ("color", "shape", "texture", "gap", "word", "number")
CONTRAST = 48
"""Grey levels from the background that become 1."""


class Pool(NamedTuple):
    """The scenes of a split; each is asked one question of every task, in the order of the tasks."""

    images: UInt8[Tensor, "scenes 3 size size"]
    questions: Int[Tensor, "scenes tasks words"]
    answers: Int[Tensor, "scenes tasks"]
    regions: list[list[Box]]
    """Of each item, scene by scene."""


class Boxes(NamedTuple):
    """What lies where in each scene, as `Scenes.labels` says it."""

    patches: Bool[Tensor, "scenes labels patches"]
    kinds: Int[Tensor, "scenes labels"]
    values: Int[Tensor, "scenes labels"]


def read_boxes(task: Scenes, split: str, *, answers: Mapping[str, int], side: int) -> Boxes:
    """The labelled boxes of a split.

    Args:
        task: generated scenes.
        split: train, validation or test.
        answers: a number from 0 for each answer.
        side: rows and columns of patches.
    """
    scenes = [task.labels(name) for name in task.image_ids(split)]
    patches = region_patches([[label.box] for labels in scenes for label in labels], side=side)
    return Boxes(
        patches=patches.reshape(len(scenes), -1, side * side),
        kinds=torch.tensor([[KINDS.index(label.kind) for label in labels] for labels in scenes]),
        values=torch.tensor([[answers[label.value] for label in labels] for labels in scenes]),
    )


def read_pool(task: Scenes, split: str, *, words: Mapping[str, int], answers: Mapping[str, int]) -> Pool:
    """All scenes of a split.

    Args:
        task: generated scenes.
        split: train, validation or test.
        words: a number from 1 for each word of a question.
        answers: a number from 0 for each answer.
    """
    items, names = task.items(split), task.image_ids(split)
    numbers = [[words[word] for word in split_words(question)] for question in items["question"]]
    questions = [row + [0] * (LONGEST - len(row)) for row in numbers]
    right = [answers[given[0]] for given in items["answers"].to_list()]
    return Pool(
        images=as_tensor(task.image(name) for name in names),
        questions=torch.tensor(questions).reshape(len(names), -1, LONGEST),
        answers=torch.tensor(right).reshape(len(names), -1),
        regions=items["regions"].to_list(),
    )


def split_words(question: str) -> list[str]:
    """The words of a question without its punctuation.

    >>> split_words("is it red, or not?")
    ['is', 'it', 'red', 'or', 'not']
    """
    return question.rstrip("?").replace(",", "").split()


def as_tensor(images: Iterable[Image.Image]) -> UInt8[Tensor, "images 3 size size"]:
    """Pictures of one size as bytes, channels first."""
    return (
        torch.from_numpy(np.stack([np.asarray(image) for image in images])).permute(0, 3, 1, 2).contiguous()
    )


def as_pixels(images: UInt8[Tensor, "images 3 size size"]) -> Float[Tensor, "images 3 size size"]:
    """How far each value is from its channel's median in the image, which is the background: about -5..2."""
    pixels = images.float()
    return (pixels - pixels.flatten(2).median(-1).values[:, :, None, None]) / CONTRAST


def blanked(
    pool: Pool, scenes: Int[Tensor, " items"], tasks: Int[Tensor, " items"]
) -> UInt8[Tensor, "items 3 size size"]:
    """The scenes of some items with everything outside the answer regions in the colour of the background."""
    return as_tensor(
        only_regions(
            Image.fromarray(pool.images[scene].permute(1, 2, 0).numpy()),
            pool.regions[scene * pool.answers.shape[1] + task],
            fill=_background(pool.images[scene]),
        )
        for scene, task in zip(scenes.tolist(), tasks.tolist(), strict=True)
    )


def _background(image: UInt8[Tensor, "3 size size"]) -> tuple[int, int, int]:
    red, green, blue = image.flatten(1).median(-1).values.tolist()
    return red, green, blue


def region_patches(regions: Sequence[Sequence[Box]], *, side: int) -> Bool[Tensor, "items patches"]:
    """Which patches of a grid of `side` rows and columns a region of the item covers by more than a quarter.

    A quarter of the patch's height and of its width; a region too small for that counts where it touches.
    """
    start = torch.arange(side) / side
    inside = torch.zeros(len(regions), side, side, dtype=torch.bool)
    for item, boxes in enumerate(regions):
        for left, top, right, bottom in boxes:
            inside[item] |= _covered(start, top, bottom)[:, None] & _covered(start, left, right)
    return inside.flatten(1)


def _covered(start: Float[Tensor, " side"], low: float, high: float) -> Bool[Tensor, " side"]:
    unit = 1 / len(start)
    overlap = (start + unit).clamp_max(high) - start.clamp_min(low)
    wide = overlap > unit / 4
    return wide if wide.any() else overlap > 0
