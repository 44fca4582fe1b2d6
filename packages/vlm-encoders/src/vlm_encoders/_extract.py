"""Features of images into a store: shard by shard, resumable, by any number of processes at once."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from ._files import claimed, write_whole
from ._shards import INDEX, StoreLayout, read_record, sound, write_shard
from ._store import FeatureStore, index_json

Encode = Callable[[Sequence[Image.Image]], Mapping[str, Tensor]]
Load = Callable[[], Image.Image]
DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


def extract_features(
    images: Mapping[str, Load],
    encode: Encode,
    folder: Path | str,
    *,
    key: Mapping[str, Any],
    batch_size: int = 8,
    shard_size: int = 256,
    dtype: str = "float32",
    exact: Sequence[str] = ("positions", "sizes"),
    check_images: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> FeatureStore:
    """Stored features of all images; computes only the shards that are missing, broken or of other images.

    Several processes may call it at once with the same arguments: each takes shards that nobody holds, and returns
    when all are done. Shards and batches are fixed, so the bytes do not depend on how many processes there are
    (nor on kills in between); they may depend on torch's thread count, as any forward pass may.

    Args:
        images: a loader for each image id; order matters. A loader may be called twice.
        encode: images to tensors whose first axis is the batch; of the same shapes for every image. `image_encoder`
            makes one from an encoder.
        folder: holds any number of stores; this one is the sub-folder named by the hash of all arguments below and
            the ids. Changed images are noticed by their pixels and their shards computed anew.
        key: what makes the features what they are, as `feature_key` gives it.
        batch_size: images per call of `encode`. Small batches stay in a CPU's cache; a GPU wants larger ones.
        shard_size: images per file.
        dtype: floating tensors are stored as: float32, float16 or bfloat16. Integers and truth values stay.
        exact: names of floating tensors that keep their own type.
        check_images: whether images that are stored already are loaded to see if they have changed. False is for a
            `key` that says what the images are, as with the fingerprint of a data set in it.
        progress: called with images done and images in all, after each shard.

    Raises:
        ValueError: a feature is not finite, also after the cast to `dtype`, or `encode` gives other shapes.
    """
    layout = StoreLayout(
        key=dict(key),
        ids=tuple(images),
        batch_size=batch_size,
        shard_size=shard_size,
        dtype=dtype,
        exact=tuple(sorted(exact)),
    )
    place = Path(folder) / layout.digest()
    shards, done = layout.shards(), 0
    waiting = list(enumerate(shards))
    for wait in (False, True):
        # First whatever is free, then what others hold: by then they are done with it or dead.
        held = []
        for index, ids in waiting:
            with claimed(place / "locks" / f"{index:05d}", wait=wait) as mine:
                if not mine:
                    held.append((index, ids))
                    continue
                _ensure_shard(place, index, ids, images, encode, layout, check_images)
            done += len(ids)
            if progress is not None:
                progress(done, len(layout.ids))
        waiting = held
    write_whole(place / INDEX, index_json(place, layout).encode())
    return FeatureStore(place)


def _ensure_shard(
    place: Path,
    index: int,
    ids: Sequence[str],
    images: Mapping[str, Load],
    encode: Encode,
    layout: StoreLayout,
    check_images: bool,
) -> None:
    record = read_record(place, index)
    whole = record if record is not None and sound(place, index, record) else None
    if whole is not None and (not check_images or whole.images == _image_digests(ids, images)):
        return
    tensors, digests = _encode_shard(ids, images, encode, layout)
    write_shard(place, index, tensors, ids, digests)


def _image_digests(ids: Sequence[str], images: Mapping[str, Load]) -> tuple[str, ...]:
    return tuple(image_digest(images[name]()) for name in ids)


def _encode_shard(
    ids: Sequence[str], images: Mapping[str, Load], encode: Encode, layout: StoreLayout
) -> tuple[dict[str, Tensor], list[str]]:
    batches: list[dict[str, Tensor]] = []
    digests = []
    for start in range(0, len(ids), layout.batch_size):
        names = ids[start : start + layout.batch_size]
        pictures = [images[name]() for name in names]  # one batch in memory, whatever the shard's size
        digests += [image_digest(picture) for picture in pictures]
        encoded = encode(pictures)
        batches.append({name: _stored(name, tensor, names, layout) for name, tensor in encoded.items()})
        shapes = [
            {name: tensor.shape[1:] for name, tensor in batch.items()} for batch in (batches[0], batches[-1])
        ]
        if shapes[0] != shapes[1]:
            raise ValueError(
                f"encode must give the same shapes for every image, got {shapes[0]} and {shapes[1]}"
            )
    return {name: torch.cat([batch[name] for batch in batches]) for name in sorted(batches[0])}, digests


def _stored(name: str, tensor: Tensor, ids: Sequence[str], layout: StoreLayout) -> Tensor:
    if tensor.shape[:1] != (len(ids),):
        raise ValueError(f"{name} must have one row per image, {len(ids)}, got shape {tuple(tensor.shape)}")
    tensor = tensor.detach().cpu()
    if tensor.is_floating_point():
        tensor = tensor if name in layout.exact else tensor.to(DTYPES[layout.dtype])
        finite = tensor.reshape(len(ids), -1).isfinite().all(1)
        if not finite.all():
            raise ValueError(
                f"{name} of image {ids[int(finite.int().argmin())]!r} is not finite as {tensor.dtype}"
            )
    return tensor.contiguous()


def image_digest(image: Image.Image) -> str:
    """SHA-256 of an image's mode, size, palette, transparency and pixels, in hexadecimal."""
    digest = hashlib.sha256(f"{image.mode} {image.size} {image.info.get('transparency')!r}\n".encode())
    if image.mode in ("P", "PA"):
        digest.update(repr(image.getpalette()).encode())
    digest.update(image.tobytes())
    return digest.hexdigest()
