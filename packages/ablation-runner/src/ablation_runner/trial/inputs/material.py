"""What trials share: the task's items as token ids, and what is stored of their images."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl
from jaxtyping import Float
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from ablation_runner.failure import TrialFailedError
from ablation_runner.storage.store import content_hash
from ablation_runner.study import Configuration
from ablation_runner.trial.inputs.data import Split, encode_split, make_tokenizer, read_items
from ablation_runner.trial.inputs.images import PIXELS, StoredImages, normalised, read_images, store_images
from token_budget import VisualTokens
from vlm_encoders import EncoderSpec, MixtureSpec, tensors_to_tokens
from vlm_fusion import PretrainedOptions, language_model_options
from vlm_tasks import create_task

SPLITS = ("train", "validation", "test")
_MOST_CANDIDATES = 64


@dataclass(frozen=True)
class Material:
    """Everything that a trial reads.

    Attributes:
        tokenizer: the language model's.
        splits: the items of "train", "validation" and "test".
        stored: what is stored of all their images; read from disk as it is asked for.
        spec: of the encoder that sees the images, or of the mixture.
    """

    tokenizer: PreTrainedTokenizerBase
    splits: dict[str, Split]
    stored: StoredImages
    spec: EncoderSpec | MixtureSpec

    @property
    def longest_question(self) -> int:
        """Words of the longest test question with its answer."""
        return max(len(question.prompt) + len(question.answer) for question in self.splits["test"].questions)

    def candidates(self, question_type: str) -> list[str]:
        """The training split's answers to questions of a type, sorted: what an answer is picked from."""
        return self._candidates[question_type]

    @cached_property
    def _candidates(self) -> dict[str, list[str]]:
        answers = self.splits["train"].items.select("question_type", pl.col("answers").list.first())
        return {
            str(name): group["answers"].unique().sort().to_list()
            for (name,), group in answers.group_by("question_type")
        }

    def answer_ids(self, answer: str) -> list[int]:
        """An answer's token ids, with the end token."""
        return [*self.tokenizer.encode(answer, add_special_tokens=False), self.tokenizer.eos_token_id]

    def images(self, split: str, images: list[int]) -> VisualTokens | Float[Tensor, "batch 3 height width"]:
        """The stored tokens of some images of a split, or their pixels where the encoder is trained.

        Args:
            split: "train", "validation" or "test".
            images: indices in the split's order of images.
        """
        ids = self.splits[split].images
        tensors = read_images(self.stored, [ids[image] for image in images], self.spec)
        if PIXELS in tensors:
            assert isinstance(self.spec, EncoderSpec)
            return normalised(tensors[PIXELS], self.spec)
        return tensors_to_tokens(tensors)


def material_key(configuration: Configuration, seed: int) -> str:
    """Names what `load_material` would read: trials with the same key share it."""
    data = configuration.data.model_dump(exclude={"images", "validation_images", "answers"})
    stored = PIXELS
    if not configuration.trains_encoder:
        drawn = any(member.weights == "random" for member in configuration.encoder.members)
        fresh = seed if drawn else None
        stored = content_hash([list(configuration.extras), configuration.model.allocator is not None, fresh])
    _, language = configuration.model.parts
    words = language_model_options(language.name, **language.options())
    own = [words.repository, words.revision] if isinstance(words, PretrainedOptions) else None
    return content_hash([data, configuration.encoder.model_dump(), stored, own])


def load_material(
    configuration: Configuration,
    seed: int,
    features: Path,
    tell: Callable[..., None],
    *,
    precision: str = "float32",
) -> Material:
    """Reads the task, and stores what of its images is not stored yet.

    Args:
        configuration: names task and encoder, and the reducer whose needs are stored with the features.
        seed: of the trial; an encoder with fresh weights depends on it.
        features: folder of stored features.
        tell: called with an event's name and fields.
        precision: of the engine.

    Raises:
        TrialFailedError: answers are to be ranked, and a type of question has too many, or none in the training split.
    """
    named = configuration.data.task
    task = create_task(named.name, **named.options())
    tokenizer = make_tokenizer(task, configuration)
    splits = {
        split: encode_split(
            read_items(task, split, limit=configuration.data.limit),
            tokenizer,
            prompt=configuration.data.prompt,
        )
        for split in SPLITS
    }
    images = [image for split in SPLITS for image in splits[split].images]
    stored = store_images(configuration, seed, task, images, features, tell, precision=precision)
    spec = configuration.encoder.spec(extras=configuration.extras)
    material = Material(tokenizer, splits, stored, spec)
    if configuration.data.answers == "ranked":
        _check_candidates(material)
    return material


def _check_candidates(material: Material) -> None:
    for name in sorted({kind for split in material.splits.values() for kind in split.items["question_type"]}):
        try:
            count = len(material.candidates(name))
        except KeyError:
            raise TrialFailedError(
                f"questions of type {name!r} have no answer in the training split to be ranked"
            ) from None
        if count > _MOST_CANDIDATES:
            raise TrialFailedError(
                f"questions of type {name!r} have {count} different answers, at most {_MOST_CANDIDATES} can be ranked: "
                f'choose other questions, or data.answers = "written"'
            )
