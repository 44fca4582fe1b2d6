"""Raw patches: an encoder without parameters that hands the pixels on."""

import torch
from PIL import Image

from vlm_encoders import create_encoder, encoder_cost, feature_key, image_encoder, preprocess


def test_each_token_holds_the_pixels_of_its_patch():
    encoder = create_encoder("raw-patches-8", feature_layer=-1, image_size=24)
    pixels = torch.rand(2, 3, 24, 24)
    tokens = encoder(pixels)
    assert tokens.features.shape == (2, 9, 192)
    assert torch.equal(tokens.features[1, 5], pixels[1, :, 8:16, 16:24].flatten())
    assert tokens.grids.tolist() == [[3, 3], [3, 3]]


def test_patches_can_be_stored_like_features():
    encoder = create_encoder("raw-patches-16", feature_layer=-1, image_size=32)
    image = Image.effect_noise((40, 30), 80).convert("RGB")
    stored = image_encoder(encoder)([image])["features"]
    assert torch.equal(stored, encoder(preprocess([image], encoder.spec)).features)
    assert feature_key(encoder)["spec"]["architecture"]["library"] == "raw_patches"


def test_no_encoder_costs_nothing():
    cost = encoder_cost(create_encoder("raw-patches-8", feature_layer=-1))
    assert (cost.parameters, cost.macs, cost.activation_bytes) == (0, 0, 0)
