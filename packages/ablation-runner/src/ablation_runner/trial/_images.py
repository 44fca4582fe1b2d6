"""What of the images is stored: an encoder's features where it stays frozen, else the pixels that it will see."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from ablation_runner.study import Configuration
from ablation_runner.trial._allocating import GROUPS, TEXTURE
from ablation_runner.trial._seeding import stream_seed
from relevance_allocator import patch_texture
from vlm_encoders import (
    Encoder,
    EncoderSpec,
    FeatureStore,
    create_encoder,
    extract_features,
    feature_key,
    image_encoder,
    preprocess,
)
from vlm_tasks import Task

PIXELS = "pixels"


def make_encoder(configuration: Configuration, seed: int) -> Encoder:
    """The encoder of a configuration; fresh weights are drawn from the trial's seed."""
    wanted = configuration.encoder
    fresh = f"random:{stream_seed(seed, 'init', 'encoder')}"
    return create_encoder(
        wanted.name,
        weights=fresh if wanted.weights == "random" else wanted.weights,
        extras=configuration.extras,
        **wanted.options(),
    )


def store_images(
    configuration: Configuration,
    seed: int,
    task: Task,
    images: Sequence[str],
    folder: Path,
    tell: Callable[..., None],
) -> FeatureStore:
    """The store of the images' tokens or pixels, made or completed where needed (several workers share the work).

    All tokens of the encoder are stored, so that every budget and every reducer reads the same store.

    Args:
        configuration: names the encoder, and the reducer whose needs are stored with the features.
        seed: of the trial.
        task: gives the images.
        images: their ids.
        folder: holds all stores.
        tell: called with an event's name and fields.
    """
    loaders = {image: partial(task.image, image) for image in images}

    def progress(done: int, total: int) -> None:
        tell("features", done=done, total=total)

    if configuration.trains_encoder:
        spec = configuration.encoder.spec()
        key = {"spec": asdict(spec), "content": PIXELS}
        return extract_features(loaders, partial(_pixels, spec), folder, key=key, progress=progress)
    encoder = make_encoder(configuration, seed)
    encode = image_encoder(encoder)
    textured = configuration.model.allocator is not None
    return extract_features(
        loaders,
        partial(_with_texture, encode, encoder.spec) if textured else encode,
        folder,
        key=feature_key(encoder, texture=textured),
        progress=progress,
    )


def seen_pixels(images: Sequence[Image.Image], spec: EncoderSpec) -> Float[Tensor, "batch 3 height width"]:
    """The images as an encoder sees them, as sRGB in 0..1."""
    mean, std = _statistics(spec)
    return (preprocess(images, spec) * std + mean).clamp(0, 1)


def normalised(
    pixels: UInt8[Tensor, "batch 3 height width"], spec: EncoderSpec
) -> Float[Tensor, "batch 3 height width"]:
    """Stored pixels as `preprocess` gave them."""
    mean, std = _statistics(spec)
    return pixels.float().div_(255).sub_(mean).div_(std)


def _pixels(
    spec: EncoderSpec, images: Sequence[Image.Image]
) -> dict[str, UInt8[Tensor, "batch 3 height width"]]:
    return {PIXELS: (seen_pixels(images, spec) * 255).round().to(torch.uint8)}


def _statistics(spec: EncoderSpec) -> tuple[Tensor, Tensor]:
    facts = spec.architecture
    return torch.tensor(facts.mean).view(3, 1, 1), torch.tensor(facts.std).view(3, 1, 1)


def _with_texture(
    encode: Callable[[Sequence[Image.Image]], dict[str, Tensor]],
    spec: EncoderSpec,
    images: Sequence[Image.Image],
) -> dict[str, Tensor]:
    """The encoder's tensors, and beside them the texture of the patches as it saw them."""
    texture = patch_texture(seen_pixels(images, spec), spec.grid, groups=GROUPS)
    names = [f"extras.{name}" for name in TEXTURE]
    return encode(images) | dict(zip(names, (texture.means, texture.entropies), strict=True))
