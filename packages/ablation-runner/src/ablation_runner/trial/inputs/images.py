"""What of the images is stored: an encoder's features where it stays frozen, else the pixels that it will see."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from ablation_runner.plan import own_sources
from ablation_runner.storage.store import source_digest
from ablation_runner.study import Configuration, SingleEncoder
from ablation_runner.trial._allocating import GROUPS, TEXTURE
from ablation_runner.trial._seeding import stream_seed
from ablation_runner.trial.engine.engine import own_device
from relevance_allocator import patch_texture
from vlm_encoders import (
    Encoder,
    EncoderSpec,
    FeatureStore,
    MixtureSpec,
    create_encoder,
    encoder_cost,
    extract_features,
    feature_key,
    image_encoder,
    join_tokens,
    preprocess,
    tensors_to_tokens,
    tokens_to_tensors,
)
from vlm_tasks import Task

PIXELS = "pixels"
Tensors = dict[str, Tensor]
Encode = Callable[[Sequence[Image.Image]], Tensors]


class StoredImages(NamedTuple):
    """What is stored of a task's images, and what the encoders cost that see them.

    Attributes:
        stores: one per encoder of a mixture; of pixels, where the encoder is trained.
        parameters: of all encoders, as they are used.
        macs: multiply-accumulates of all encoders, per image.
    """

    stores: tuple[FeatureStore, ...]
    parameters: int
    macs: int


def make_encoder(wanted: SingleEncoder, seed: int, *, extras: tuple[str, ...] = ()) -> Encoder:
    """An encoder by its settings; fresh weights are drawn from the trial's seed."""
    fresh = f"random:{stream_seed(seed, 'init', 'encoder')}"
    return create_encoder(
        wanted.name,
        weights=fresh if wanted.weights == "random" else wanted.weights,
        extras=extras,
        **wanted.options(),
    )


def store_images(
    configuration: Configuration,
    seed: int,
    task: Task,
    images: Sequence[str],
    folder: Path,
    tell: Callable[..., None],
    *,
    precision: str,
) -> StoredImages:
    """The images' tokens or pixels, stored or completed where needed (several workers share the work).

    All tokens of an encoder are stored, so that every budget and every reducer reads the same store, and so does a
    mixture in which the encoder takes part. The encoder computes in float32, on the rank's GPU where it has one.

    Args:
        configuration: names the encoders, and the reducer whose needs are stored with the features.
        seed: of the trial.
        task: gives the images.
        images: their ids.
        folder: holds all stores.
        tell: called with an event's name and fields.
        precision: of features and class tokens, as the study trains in it; what chooses among tokens stays float32.
    """
    loaders = {image: partial(task.image, image) for image in images}
    # To draw all scenes again, only to see that they are the same, took longer than to train on them.
    sources = source_digest("vlm_tasks") + own_sources(configuration)
    seen = {"images": f"{task.fingerprint()} {sources}"}
    members = configuration.encoder.members
    exact = ["positions", "sizes", *(f"extras.{name}" for name in (*configuration.extras, *TEXTURE))]
    stores, costs = [], []
    for index, member in enumerate(members):

        def progress(done: int, total: int, before: int = index * len(images)) -> None:
            tell("features", done=before + done, total=total * len(members))

        encoder = make_encoder(member, seed, extras=configuration.extras)
        costs.append(encoder_cost(encoder))
        encode, key = _stored_as(configuration, encoder.to(own_device()))
        stores.append(
            extract_features(
                loaders,
                encode,
                folder,
                key=key | seen,
                dtype=precision,
                exact=exact,
                check_images=False,
                progress=progress,
            )
        )
    return StoredImages(
        tuple(stores), sum(cost.parameters for cost in costs), sum(cost.macs for cost in costs)
    )


def read_images(stored: StoredImages, images: Sequence[str], spec: EncoderSpec | MixtureSpec) -> Tensors:
    """The stored tensors of some images, joined where several encoders have seen them.

    Args:
        stored: as `store_images` gives it.
        images: their ids.
        spec: of the encoder or the mixture.
    """
    read = [store[images] for store in stored.stores]
    if not isinstance(spec, MixtureSpec):
        return read[0]
    return tokens_to_tensors(join_tokens([tensors_to_tokens(tensors) for tensors in read], spec))


def _stored_as(configuration: Configuration, encoder: Encoder) -> tuple[Encode, dict[str, Any]]:
    """What of an image is stored, and what names it: pixels, where the encoder is trained."""
    if configuration.trains_encoder:
        return partial(_pixels, encoder.spec), {
            "spec": asdict(configuration.encoder.own_spec()),
            "content": PIXELS,
        }
    textured = configuration.model.allocator is not None
    encode = image_encoder(encoder)
    return (
        partial(_with_texture, encode, encoder.spec) if textured else encode,
        feature_key(encoder, texture=textured),
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


def _with_texture(encode: Encode, spec: EncoderSpec, images: Sequence[Image.Image]) -> Tensors:
    """The encoder's tensors, and beside them the texture of the patches as it saw them."""
    texture = patch_texture(seen_pixels(images, spec), spec.grid, groups=GROUPS)
    names = [f"extras.{name}" for name in TEXTURE]
    return encode(images) | dict(zip(names, (texture.means, texture.entropies), strict=True))
