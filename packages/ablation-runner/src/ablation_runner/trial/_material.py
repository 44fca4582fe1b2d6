"""What trials share: the task's items as token ids, and the stored features of their images."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from ablation_runner.store import content_hash
from ablation_runner.study import Configuration, reducer_needs
from ablation_runner.trial._allocating import GROUPS, TEXTURE
from ablation_runner.trial._data import Split, encode_split, read_items, tokenizer_texts
from relevance_allocator import patch_texture
from token_budget import VisualTokens
from vlm_encoders import (
    EncoderSpec,
    FeatureStore,
    create_encoder,
    extract_features,
    feature_key,
    image_encoder,
    preprocess,
    tensors_to_tokens,
)
from vlm_fusion import build_tokenizer
from vlm_tasks import Task, create_task

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Material:
    """Everything that a trial reads.

    Attributes:
        tokenizer: made from the training split's words.
        splits: the items of "train", "validation" and "test".
        features: for each split the stored tensors of its images, in the split's order of images.
    """

    tokenizer: PreTrainedTokenizerBase
    splits: dict[str, Split]
    features: dict[str, dict[str, Tensor]]

    @property
    def vision_width(self) -> int:
        """Width of the visual tokens."""
        return self.features["train"]["features"].shape[-1]

    @property
    def longest_question(self) -> int:
        """Words of the longest test question with its answer."""
        return max(len(question.prompt) + len(question.answer) for question in self.splits["test"].questions)

    def stored(self, split: str, images: list[int]) -> VisualTokens:
        """The stored tokens of some images of a split, given by their indices in the split's order."""
        return tensors_to_tokens({name: tensor[images] for name, tensor in self.features[split].items()})


def material_key(configuration: Configuration) -> str:
    """Names what `load_material` would read: configurations with the same key share it."""
    data = configuration.data.model_dump(exclude={"images", "validation_images"})
    textured = configuration.model.allocator is not None
    return content_hash([data, configuration.encoder.model_dump(), list(_extras(configuration)), textured])


def load_material(configuration: Configuration, features: Path, tell: Callable[..., None]) -> Material:
    """Reads the task, and extracts the features that are not stored yet (several workers share the work).

    All tokens of the encoder are stored, so that every budget and every reducer reads the same store.

    Args:
        configuration: names task and encoder, and the reducer whose needs are stored with the features.
        features: folder of stored features.
        tell: called with an event's name and fields.
    """
    named = configuration.data.task
    task = create_task(named.name, **named.options())
    tokenizer = build_tokenizer(tokenizer_texts(task, configuration))
    splits = {
        split: encode_split(
            read_items(task, split, limit=configuration.data.limit),
            tokenizer,
            prompt=configuration.data.prompt,
        )
        for split in SPLITS
    }
    images = [image for split in SPLITS for image in splits[split].images]
    store = store_features(configuration, task, images, features, tell)
    return Material(tokenizer, splits, {split: store[splits[split].images] for split in SPLITS})


def store_features(
    configuration: Configuration, task: Task, images: list[str], folder: Path, tell: Callable[..., None]
) -> FeatureStore:
    """The store of the images' tokens, made or completed where needed."""
    wanted = configuration.encoder
    encoder = create_encoder(
        wanted.name,
        image_size=wanted.image_size,
        feature_layer=wanted.feature_layer,
        final_norm=wanted.final_norm,
        extras=_extras(configuration),
    )
    textured = configuration.model.allocator is not None
    encode = image_encoder(encoder)
    return extract_features(
        {image: partial(task.image, image) for image in images},
        partial(_with_texture, encode, encoder.spec) if textured else encode,
        folder,
        key=feature_key(encoder, texture=textured),
        progress=lambda done, total: tell("features", done=done, total=total),
    )


def _with_texture(
    encode: Callable[[Sequence[Image.Image]], dict[str, Tensor]],
    spec: EncoderSpec,
    images: Sequence[Image.Image],
) -> dict[str, Tensor]:
    """The encoder's tensors, and beside them the texture of the patches as it saw them."""
    pixels = seen_pixels(images, spec)
    texture = patch_texture(pixels, spec.grid, groups=GROUPS)
    names = [f"extras.{name}" for name in TEXTURE]
    return encode(images) | dict(zip(names, (texture.means, texture.entropies), strict=True))


def seen_pixels(images: Sequence[Image.Image], spec: EncoderSpec) -> Float[Tensor, "batch 3 height width"]:
    """The images as an encoder sees them, as sRGB in 0..1."""
    normalised, facts = preprocess(images, spec), spec.architecture
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (facts.mean, facts.std))
    return (normalised * std + mean).clamp(0, 1)


def _extras(configuration: Configuration) -> tuple[str, ...]:
    """What the reducer reads besides the features."""
    return tuple(name for name in ("attention",) if name in reducer_needs(configuration.tokens.method))
