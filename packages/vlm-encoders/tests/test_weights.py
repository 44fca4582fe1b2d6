"""Weights: from a seed, from files, and saved again; every key accounted for."""

import re

import pytest
import timm
import torch
from safetensors.torch import save_file
from tiny_models import pixels, tiny

from vlm_encoders import (
    Encoder,
    Full,
    SmallViTOptions,
    create_encoder,
    encoder_spec,
    save_weights,
    set_trainable,
    weights_digest,
    wrap_encoder,
)
from vlm_encoders._state import load_exactly, read_state


def test_random_weights_come_from_their_seed_and_leave_the_global_generator_alone():
    def make(seed: int) -> Encoder:
        return create_encoder("small-vit", weights=f"random:{seed}")

    state = torch.get_rng_state()
    digests = [weights_digest(make(seed)) for seed in (1, 1, 2)]
    assert torch.equal(torch.get_rng_state(), state)
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize("weights", ["random", "random:", "random:-1", "random:x"])
def test_random_weights_without_a_seed_are_refused(weights):
    with pytest.raises(ValueError, match="random:SEED"):
        create_encoder("small-vit", weights=weights)


def test_small_vit_is_saved_and_loaded_and_has_no_pretrained_weights(tmp_path):
    options = SmallViTOptions(width=64, depth=3, registers=2)
    whole = create_encoder(
        "small-vit", options=options, weights="random:3", feature_layer=-1, final_norm=True
    )
    save_weights(whole, tmp_path / "vit.safetensors")
    again = create_encoder(
        "small-vit",
        options=options,
        weights=str(tmp_path),
        feature_layer=-1,
        final_norm=True,
        extras=("attention",),
    )
    assert torch.equal(whole(pixels(64, 64)).features, again(pixels(64, 64)).features)
    with pytest.raises(ValueError, match="no pretrained weights"):
        create_encoder("small-vit")
    with pytest.raises(ValueError, match="options belong to"):
        encoder_spec("vit-tiny-16", options=options)


def test_a_small_vit_trained_in_one_stage_is_the_frozen_encoder_of_the_next(tmp_path):
    stage = create_encoder("small-vit", weights="random:0", feature_layer=-1, final_norm=True)
    set_trainable(stage, Full())
    optimiser = torch.optim.SGD(stage.parameters(), lr=0.1)
    stage.train()(pixels(64, 64)).features.square().mean().backward()
    optimiser.step()
    save_weights(stage, tmp_path / "stage.safetensors")
    place = {"weights": str(tmp_path / "stage.safetensors")}
    cut = create_encoder("small-vit", feature_layer=-2, extras=("attention",), **place)
    whole = create_encoder("small-vit", feature_layer=-1, extras=("level_-2",), **place)
    untrained = create_encoder("small-vit", weights="random:0", feature_layer=-2)
    with torch.inference_mode():
        got = cut(pixels(64, 64))
        assert torch.equal(got.features, whole(pixels(64, 64)).extras["level_-2"])
        assert not torch.equal(got.features, untrained(pixels(64, 64)).features)
    assert got.extras["attention"].shape == (2, 64)


def test_only_whole_models_that_can_be_loaded_again_are_saved(tmp_path):
    place = tmp_path / "encoder.safetensors"
    with pytest.raises(ValueError, match="final_norm=True"):
        save_weights(create_encoder("small-vit", weights="random:0", feature_layer=-1), place)
    with pytest.raises(ValueError, match="final_norm=True"):
        save_weights(create_encoder("small-vit", weights="random:0", final_norm=True), place)
    small = create_encoder("small-vit", weights="random:0", feature_layer=-1, final_norm=True, image_size=32)
    with pytest.raises(ValueError, match=r"native size \(64, 64\)"):
        save_weights(small, place)
    with pytest.raises(ValueError, match="transformers"):
        save_weights(wrap_encoder(tiny("hf-clip"), name="clip", mean=(0.5,) * 3, std=(0.5,) * 3), place)
    assert not place.exists()
    trained = create_encoder("vit-tiny-16", weights="random:5", feature_layer=-1, final_norm=True)
    save_weights(trained, place)
    again = create_encoder("vit-tiny-16", weights=str(place), feature_layer=-1, final_norm=True)
    assert weights_digest(again) == weights_digest(trained)


def test_timm_weights_from_a_file_fill_every_place(tmp_path):
    model = timm.create_model("vit_tiny_patch16_224")
    torch.save({"state_dict": model.state_dict()}, tmp_path / "model.pth")
    encoder = create_encoder(
        "vit-tiny-16", weights=str(tmp_path / "model.pth"), feature_layer=-1, image_size=224
    )
    with torch.inference_mode():
        expected = model.eval().forward_intermediates(pixels(224, 224), indices=1, intermediates_only=True)[0]
        got = encoder(pixels(224, 224)).features.transpose(1, 2).reshape(expected.shape)
    assert (got - expected).abs().max() < 1e-5
    with pytest.raises(ValueError, match="the weights do not fit: missing"):
        create_encoder("timm:resnet10t", weights=str(tmp_path / "model.pth"))


def test_pickles_that_hold_code_are_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return (print, ("executed",))

    torch.save({"weight": Evil()}, tmp_path / "model.bin")
    with pytest.raises(Exception, match=r"[Ww]eights.only"):
        read_state(tmp_path / "model.bin")
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(ValueError, match="no state dictionary"):
        read_state(tmp_path / "list.pt")


def test_folders_prefer_safetensors_and_refuse_a_choice(tmp_path):
    save_file({"a": torch.ones(1)}, tmp_path / "one.safetensors")
    torch.save({"a": torch.zeros(1)}, tmp_path / "two.pt")
    assert read_state(tmp_path)["a"].item() == 1
    save_file({"a": torch.ones(1)}, tmp_path / "three.safetensors")
    with pytest.raises(ValueError, match=r"several \.safetensors"):
        read_state(tmp_path)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ValueError, match="holds no weights"):
        read_state(empty)


def test_shapes_and_left_over_keys_are_named():
    module = torch.nn.Linear(2, 3)
    with pytest.raises(
        ValueError, match=re.escape("left over head.weight; weight has shape (2, 2), not (3, 2)")
    ):
        load_exactly(
            module, {"weight": torch.zeros(2, 2), "bias": torch.zeros(3), "head.weight": torch.zeros(1)}
        )
    load_exactly(module, {**module.state_dict(), "head.weight": torch.zeros(1)}, unused=("head",))
