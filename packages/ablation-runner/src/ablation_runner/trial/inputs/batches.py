"""Which images and questions every step sees: the same for all arms, ranks and worker counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ablation_runner.trial._seeding import stream


@dataclass(frozen=True)
class Row:
    """One image with the questions asked of it in one row.

    Attributes:
        image: the image that is asked about.
        shown: the image that is shown; another one only for the blind control.
        questions: indices of the split's items.
    """

    image: int
    shown: int
    questions: tuple[int, ...]


class BatchPlan:
    """The global batch of every step, from (seed, step) alone.

    Images come in a new order every epoch; an image with more questions than a row holds shows a random
    choice of them, in random order.

    Args:
        questions_of: for each image the indices of its items.
        seed: the trial's seed.
        images_per_step: rows of a global batch.
        questions_per_image: most questions of a row.
        shuffled: show every image's questions with an image drawn at random (the blind control).
    """

    def __init__(
        self,
        questions_of: Sequence[Sequence[int]],
        *,
        seed: int,
        images_per_step: int,
        questions_per_image: int,
        shuffled: bool,
    ) -> None:
        """Checks that an epoch holds at least one batch."""
        if images_per_step > len(questions_of):
            raise ValueError(
                f"training.images_per_step is {images_per_step}, the training split has {len(questions_of)} images"
            )
        self._questions_of = questions_of
        self._seed = seed
        self._rows = images_per_step
        self._questions = questions_per_image
        self._shuffled = shuffled
        self._order = lru_cache(maxsize=2)(self._epoch_order)

    def rows(self, step: int) -> list[Row]:
        """The global batch of optimizer step `step`, counted from 0."""
        per_epoch = len(self._questions_of) // self._rows
        epoch, batch = divmod(step, per_epoch)
        images = self._order(epoch)[batch * self._rows : (batch + 1) * self._rows]
        generator = stream(self._seed, "questions", step)
        questions = [generator.permutation(self._questions_of[image])[: self._questions] for image in images]
        shown = images
        if self._shuffled:
            shown = stream(self._seed, "shown", step).integers(len(self._questions_of), size=len(images))
        return [
            Row(int(image), int(other), tuple(int(item) for item in asked))
            for image, other, asked in zip(images, shown, questions, strict=True)
        ]

    def _epoch_order(self, epoch: int) -> np.ndarray:
        return stream(self._seed, "order", epoch).permutation(len(self._questions_of))
