"""Several encoders as one, on a common grid."""

from typing import Any

import pytest
import torch
from PIL import Image
from tiny_models import pixels, tiny

from vlm_encoders import (
    EncoderMixture,
    encoder_spec,
    image_encoder,
    join_tokens,
    mixture_spec,
    tensors_to_tokens,
    wrap_encoder,
)
from vlm_encoders._mixture import resample_grid

HALF = (0.5, 0.5, 0.5)


def make(name: str, **more: Any) -> Any:
    return wrap_encoder(tiny(name), name=name, mean=HALF, std=(0.25, 0.25, 0.25), **more)


def test_channels_stand_side_by_side_at_each_place():
    first, second = make("hf-dinov2-registers"), make("hf-clip")
    mixture = EncoderMixture([first, second], combine="channels")
    tokens = mixture([pixels(), pixels()])
    assert torch.equal(tokens.features[..., :64], first(pixels()).features)
    assert torch.equal(tokens.features[..., 64:], second(pixels()).features)
    assert tokens.cls.shape == (2, 128)
    assert tokens.grids.tolist() == [[4, 4]] * 2


def test_other_grids_are_interpolated_to_the_common_one():
    first, second = make("hf-siglip"), make("hf-clip", image_size=48)
    mixture = EncoderMixture([first, second], combine="channels")
    tokens = mixture([pixels(), pixels(48, 48)])
    assert tokens.features.shape == (2, 16, 128)
    assert tokens.cls is None, "SigLIP has none"
    pooled = EncoderMixture([first, second], combine="channels", grid=(2, 2))([pixels(), pixels(48, 48)])
    assert pooled.grids.tolist() == [[2, 2]] * 2


def test_a_map_that_is_linear_in_place_stays_so_when_resampled():
    ramp = torch.arange(6.0).repeat(6, 1).reshape(1, 36, 1)
    got = resample_grid(ramp, old=(6, 6), new=(3, 3)).reshape(3, 3)
    assert torch.allclose(got[:, 1], torch.full((3,), 2.5), atol=1e-5)
    assert torch.allclose(got[0], got[2])
    assert torch.equal(resample_grid(ramp, old=(6, 6), new=(6, 6)), ramp)


def test_tokens_follow_one_another_or_alternate_at_the_same_place():
    first, second = make("hf-clip"), make("hf-dinov2")
    one, two = first(pixels()), second(pixels())
    joined = EncoderMixture([first, second], combine="tokens")([pixels(), pixels()])
    assert torch.equal(joined.features, torch.cat([one.features, two.features], dim=1))
    mixed = EncoderMixture([first, second], combine="interleave")([pixels(), pixels()])
    assert torch.equal(mixed.features[:, 0::2], one.features)
    assert torch.equal(mixed.features[:, 1::2], two.features)
    assert torch.equal(mixed.positions[:, 0::2], one.positions)
    assert torch.equal(mixed.positions[:, 1::2], one.positions)
    assert mixed.grids is None


def test_each_encoder_gets_pixels_of_its_own_size():
    mixture = EncoderMixture([make("hf-clip"), make("timm-vit", image_size=16)], combine="channels")
    sizes = [tuple(one.shape) for one in mixture.preprocess([Image.new("RGB", (50, 20))])]
    assert sizes == [(1, 3, 32, 32), (1, 3, 16, 16)]


def test_extras_of_one_encoder_are_kept():
    mixture = EncoderMixture([make("hf-clip", extras=("attention",)), make("hf-siglip")], combine="channels")
    assert mixture([pixels(), pixels()]).extras["attention"].shape == (2, 16)


@pytest.mark.parametrize(
    ("build", "rule"),
    [
        (lambda: EncoderMixture([make("hf-clip")], combine="channels"), "two encoders or more"),
        (lambda: EncoderMixture([make("hf-clip")] * 2, combine="add"), "combine must be"),
        (
            lambda: EncoderMixture(
                [make("hf-clip", class_token="append"), make("hf-clip")], combine="channels"
            ),
            "must not append",
        ),
        (
            lambda: EncoderMixture([make("hf-clip", extras=("keys",))] * 2, combine="channels"),
            "under one name",
        ),
    ],
)
def test_mixtures_that_cannot_be_are_refused(build, rule):
    with pytest.raises(ValueError, match=rule):
        build()


def test_unequal_widths_are_refused_but_for_channels():
    import timm

    wide = timm.create_model(
        "vit_tiny_patch16_224", img_size=32, patch_size=8, embed_dim=96, depth=2, num_heads=4
    )
    with pytest.raises(ValueError, match=r"equal widths, got \[64, 96\]"):
        EncoderMixture([make("hf-clip"), wrap_encoder(wide, name="wide")], combine="interleave")


def test_pixels_of_too_few_encoders_are_refused():
    with pytest.raises(ValueError, match="pixels for 2 encoders, got 1"):
        EncoderMixture([make("hf-clip"), make("hf-siglip")], combine="channels")([pixels()])


@pytest.mark.parametrize("combine", ["channels", "tokens", "interleave"])
def test_a_spec_knows_tokens_and_width_beforehand(combine):
    mixture = EncoderMixture([make("hf-clip"), make("hf-dinov2")], combine=combine)
    made = mixture([pixels(), pixels()]).features
    assert (mixture.spec.tokens, mixture.spec.width) == tuple(made.shape[1:])


def test_stored_tokens_of_each_member_join_to_what_the_mixture_sees():
    members = [make("hf-clip"), make("hf-siglip", image_size=48)]
    images = [Image.new("RGB", (40, 30), "teal"), Image.new("RGB", (20, 50), "olive")]
    stored = [tensors_to_tokens(image_encoder(member)(images)) for member in members]
    mixture = EncoderMixture(members, combine="channels")
    joined = join_tokens(stored, mixture.spec)
    assert torch.equal(joined.features, mixture(mixture.preprocess(images)).features)


def test_tokens_of_too_few_encoders_and_an_empty_grid_are_refused():
    spec = mixture_spec([encoder_spec("clip-vit-l-14"), encoder_spec("dinov2-l-14")], combine="channels")
    with pytest.raises(ValueError, match="tokens of 2 encoders, got 0"):
        join_tokens([], spec)
    with pytest.raises(ValueError, match=r"1 row and column or more, got \(0, 4\)"):
        mixture_spec(spec.encoders, combine="channels", grid=(0, 4))
