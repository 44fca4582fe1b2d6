"""The store of frozen features: bytes, resumption, breakage, and several writers."""

import multiprocessing
import time
from functools import partial
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from vlm_encoders import FeatureStore, extract_features
from vlm_encoders._files import claimed
from vlm_encoders._shards import record_path, shard_path

IDS = [f"image-{index}" for index in (5, 3, 9, 1, 7, 0, 2)]


def picture(name: str, shift: int = 0) -> Image.Image:
    value = int(name.split("-")[1])
    return Image.new("RGB", (4, 3), (value, value + shift, 100))


def encode(images, calls=None):
    if calls is not None:
        calls.append(len(images))
    red = torch.tensor([float(image.getpixel((0, 0))[0]) for image in images])
    return {"features": red.reshape(-1, 1, 1) + torch.arange(6.0).reshape(2, 3), "flag": red > 4}


def loaders(shift: int = 0, ids=IDS):
    return {name: partial(picture, name, shift) for name in ids}


def extract(folder, **changes):
    settings = {"key": {"weights": "a"}, "batch_size": 2, "shard_size": 3}
    return extract_features(loaders(), encode, folder, **{**settings, **changes})


def test_rows_come_back_by_id_in_the_order_asked_also_twice(tmp_path):
    got = extract(tmp_path)[["image-0", "image-9", "image-0"]]
    assert got["features"][:, 0, 0].tolist() == [0, 9, 0]
    assert got["flag"].tolist() == [False, True, False]
    assert got["features"].dtype == torch.float32


def test_an_opened_store_knows_its_ids_and_key(tmp_path):
    opened = FeatureStore(extract(tmp_path).folder)
    assert list(opened.ids) == IDS
    assert opened.key == {"weights": "a"}
    assert len(opened) == 7
    assert "image-9" in opened
    assert "image-8" not in opened


def test_batches_never_cross_a_shard(tmp_path):
    calls = []
    extract_features(loaders(), partial(encode, calls=calls), tmp_path, key={}, batch_size=2, shard_size=3)
    assert calls == [2, 1, 2, 1, 1]


def test_a_second_run_computes_nothing(tmp_path):
    first, calls = extract(tmp_path), []
    extract_features(
        loaders(), partial(encode, calls=calls), tmp_path, key={"weights": "a"}, batch_size=2, shard_size=3
    )
    assert calls == []
    assert first.digest() == FeatureStore(first.folder).digest()


@pytest.mark.parametrize(
    "change", [{"key": {"weights": "b"}}, {"batch_size": 3}, {"shard_size": 4}, {"dtype": "float16"}]
)
def test_whatever_determines_the_bytes_names_another_folder(tmp_path, change):
    assert extract(tmp_path).folder != extract(tmp_path, **change).folder


def test_an_interrupted_run_resumes_and_gives_the_same_bytes(tmp_path):
    def failing(images):
        if any(image.getpixel((0, 0))[0] == 7 for image in images):
            raise KeyboardInterrupt
        return encode(images)

    settings = {"key": {"weights": "a"}, "batch_size": 2, "shard_size": 3}
    with pytest.raises(KeyboardInterrupt):
        extract_features(loaders(), failing, tmp_path / "a", **settings)
    calls = []
    resumed = extract_features(loaders(), partial(encode, calls=calls), tmp_path / "a", **settings)
    assert sum(calls) == 4, "the first shard was done"
    assert resumed.digest() == extract(tmp_path / "b").digest()
    assert not list(resumed.folder.glob(".*.part"))


def test_a_broken_shard_is_found_by_its_checksum_and_rebuilt(tmp_path):
    store = extract(tmp_path)
    before, path = store.digest(), shard_path(store.folder, 1)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert FeatureStore(store.folder).broken() == [path]
    rebuilt = extract(tmp_path)
    assert rebuilt.broken() == []
    assert rebuilt.digest() == before


@pytest.mark.parametrize("damage", ["shard", "record", "truncated", "nonsense"])
def test_a_missing_or_truncated_file_is_rebuilt(tmp_path, damage):
    store = extract(tmp_path)
    shard, record = shard_path(store.folder, 2), record_path(store.folder, 2)
    if damage == "nonsense":
        record.write_text('{"ids": 3}')
    elif damage == "truncated":
        shard.write_bytes(shard.read_bytes()[:-5])
        with pytest.raises(ValueError, match="missing or broken"):
            FeatureStore(store.folder)
    else:
        (shard if damage == "shard" else record).unlink()
    assert extract(tmp_path).digest() == store.digest()


def test_changed_images_are_noticed_by_their_pixels(tmp_path):
    store, calls = extract(tmp_path), []
    changed = {**loaders(), "image-1": partial(picture, "image-1", shift=1)}
    extract_features(
        changed, partial(encode, calls=calls), tmp_path, key={"weights": "a"}, batch_size=2, shard_size=3
    )
    assert sum(calls) == 3, "only the shard of the changed image"
    assert FeatureStore(store.folder).folder == store.folder


def test_stored_images_are_not_loaded_again_where_the_key_says_what_they_are(tmp_path):
    settings = {"key": {"data": "fingerprint"}, "batch_size": 2, "shard_size": 3, "check_images": False}
    store = extract_features(loaders(), encode, tmp_path, **settings)

    def never():
        raise AssertionError("loaded again")

    again = extract_features(dict.fromkeys(loaders(), never), encode, tmp_path, **settings)
    assert again.digest() == store.digest()


def test_half_precision_is_stored_and_positions_keep_their_own(tmp_path):
    def with_positions(images):
        return {**encode(images), "positions": torch.full((len(images), 2, 2), 1 / 3)}

    store = extract_features(loaders(), with_positions, tmp_path, key={}, dtype="bfloat16")
    got = store[IDS]
    assert got["features"].dtype == torch.bfloat16
    assert got["positions"].dtype == torch.float32
    assert got["features"][2, 0].tolist() == [9, 10, 11]


def test_a_feature_that_overflows_names_the_image(tmp_path):
    def large(images):
        return {"features": encode(images)["features"] * 6000}

    with pytest.raises(ValueError, match=r"features of image 'image-9' is not finite as torch\.float16"):
        extract_features(loaders(), large, tmp_path, key={}, dtype="float16")


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        (lambda images: {"features": torch.zeros(1, 2)}, "one row per image"),
        (lambda images: {"features": torch.zeros(len(images), len(images))}, "same shapes for every image"),
    ],
)
def test_other_shapes_are_refused(tmp_path, wrong, rule):
    with pytest.raises(ValueError, match=rule):
        extract_features(loaders(), wrong, tmp_path, key={}, batch_size=2)


def test_a_later_shard_of_another_shape_is_refused(tmp_path):
    def wider_from_the_second_shard_on(images):
        width = 2 if images[0].getpixel((0, 0))[0] in (5, 9) else 3
        return {"features": torch.zeros(len(images), width)}

    with pytest.raises(ValueError, match=r"same shapes for every image, got .*\[2\].* and .*\[3\]"):
        extract_features(
            loaders(), wider_from_the_second_shard_on, tmp_path, key={}, batch_size=2, shard_size=3
        )


@pytest.mark.parametrize("change", [{"batch_size": 0}, {"shard_size": 0}, {"dtype": "float64"}])
def test_layouts_that_make_no_sense_are_refused(tmp_path, change):
    with pytest.raises(ValueError, match=next(iter(change))):
        extract(tmp_path, **change)


def test_unknown_ids_and_unfinished_stores_are_refused(tmp_path):
    store = extract(tmp_path)
    with pytest.raises(ValueError, match="'image-8' is not in the feature store"):
        store[["image-8"]]
    with pytest.raises(TypeError, match="got the string"):
        store["image-9"]
    with pytest.raises(ValueError, match="at least one"):
        store[[]]
    with pytest.raises(ValueError, match="no finished feature store"):
        FeatureStore(tmp_path)


def test_progress_ends_at_all_images(tmp_path):
    seen = []
    extract(tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(3, 7), (6, 7), (7, 7)]


def run_slowly(folder: str, computed) -> None:
    def slow(images):
        with computed.get_lock():
            computed.value += len(images)
        time.sleep(0.05)  # long enough for the other process to meet a held shard
        return encode(images)

    extract_features(loaders(), slow, Path(folder), key={"weights": "a"}, batch_size=2, shard_size=3)


def test_two_processes_share_the_shards_and_write_the_same_bytes(tmp_path):
    context = multiprocessing.get_context("fork")
    computed = context.Value("i", 0)
    processes = [context.Process(target=run_slowly, args=(str(tmp_path / "a"), computed)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    alone, shared = extract(tmp_path / "b"), FeatureStore(next((tmp_path / "a").iterdir()))
    assert computed.value == 7, "no shard was computed twice"
    for index in range(3):
        assert shard_path(alone.folder, index).read_bytes() == shard_path(shared.folder, index).read_bytes()


def test_a_claim_is_held_by_one_and_dropped_at_the_end(tmp_path):
    with claimed(tmp_path / "lock", wait=False) as first, claimed(tmp_path / "lock", wait=False) as second:
        assert (first, second) == (True, False)
    with claimed(tmp_path / "lock", wait=False) as third:
        assert third


def test_shards_are_plain_safetensors(tmp_path):
    tensors = load_file(shard_path(extract(tmp_path).folder, 0))
    assert tensors["features"].shape == (3, 2, 3)
