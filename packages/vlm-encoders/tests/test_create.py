"""Encoders by name and from local folders, without a network."""

import textwrap

import pytest
import torch
from safetensors.torch import save_file
from tiny_models import pixels, tiny

from vlm_encoders import create_encoder, wrap_encoder
from vlm_encoders._state import read_state


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("clip-vit-b16", "nearest is 'clip-vit-b-16'"),
        ("EfficientNet-Lite0", "nearest is 'efficientnet-lite0'"),
        ("timm:vit_tiny_patch16_22", "timm knows no model"),
        ("open_clip:ViT-B-17/openai", "open_clip knows no model"),
    ],
)
def test_unknown_names_are_refused_with_the_nearest(name, rule):
    with pytest.raises(ValueError, match=rule):
        create_encoder(name, weights="random:0")


def test_open_clip_weights_that_do_not_exist_are_refused():
    with pytest.raises(ValueError, match="has no weights 'opnai'"):
        create_encoder("open_clip:ViT-B-16/opnai")


@pytest.mark.parametrize("name", ["timm:resnet10t", "timm:convnext_atto", "timm:vit_tiny_patch16_224"])
def test_timm_models_outside_the_catalogue(name):
    encoder = create_encoder(name, weights="random:0", image_size=64)
    tokens = encoder(pixels(64, 64))
    assert tokens.features.shape[1:] == (encoder.spec.tokens, encoder.spec.width)


def test_a_local_folder_of_transformers_is_loaded_safetensors_first(tmp_path):
    model = tiny("hf-siglip")
    model.save_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(
        '{"image_mean": [0.4, 0.5, 0.6], "image_std": [0.2, 0.2, 0.3]}'
    )
    (tmp_path / "pytorch_model.bin").write_bytes(b"never read")
    encoder = create_encoder(f"hf:{tmp_path}", feature_layer=-1, final_norm=True)
    assert encoder.spec.architecture.mean == (0.4, 0.5, 0.6)
    with torch.inference_mode():
        assert torch.equal(encoder(pixels()).features, model(pixels()).last_hidden_state)


def test_a_folder_with_missing_or_unknown_keys_is_refused(tmp_path):
    model = tiny("hf-siglip")
    model.save_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(
        '{"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}'
    )
    state = read_state(tmp_path)
    lost = {key: value for key, value in state.items() if "layers.1" not in key}
    save_file({**lost, "strange": torch.zeros(1)}, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match=r"missing .*layers\.1"):
        create_encoder(f"hf:{tmp_path}")


def test_a_whole_clip_checkpoint_gives_its_vision_tower(tmp_path):
    from transformers import CLIPConfig, CLIPModel

    vision = {
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "patch_size": 8,
        "image_size": 32,
    }
    text = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4, "vocab_size": 50}
    small = {"intermediate_size": 64}
    model = CLIPModel(
        CLIPConfig(vision_config={**vision, **small}, text_config={**text, **small}, projection_dim=24)
    )
    model.eval().save_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(
        '{"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}'
    )
    encoder = create_encoder(f"hf:{tmp_path}", feature_layer=-1, final_norm=True, extras=("joint",))
    with torch.inference_mode():
        hidden = model.vision_model(pixels()).last_hidden_state
        joint = model.visual_projection(model.vision_model.post_layernorm(hidden))[:, 1:]
        assert (encoder(pixels()).extras["joint"] - joint).abs().max() < 1e-5


def test_a_folder_that_does_not_say_its_mean_is_refused(tmp_path):
    tiny("hf-siglip").save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="does not say the mean and std"):
        create_encoder(f"hf:{tmp_path}")


def test_modules_that_are_not_supported_are_refused():
    with pytest.raises(ValueError, match=r"torch\.Linear is not supported"):
        wrap_encoder(torch.nn.Linear(2, 2), name="linear")
    with pytest.raises(ValueError, match="mean and std of its pixels must be given"):
        wrap_encoder(tiny("hf-clip"), name="clip")


def test_a_users_own_function_is_named_by_its_module(tmp_path, monkeypatch):
    (tmp_path / "my_encoders").mkdir()
    (tmp_path / "my_encoders" / "__init__.py").write_text("")
    (tmp_path / "my_encoders" / "vit.py").write_text(
        textwrap.dedent("""
        import torch
        from vlm_encoders import SmallViTOptions, create_encoder
        def make(weights):
            return create_encoder("small-vit", options=SmallViTOptions(width=32), weights=weights, feature_layer=-1).backbone
        def drawn(weights):
            backbone = make("random:0")
            torch.nn.init.normal_(backbone.model.patch.weight)
            return backbone
        def wrong(weights):
            return 3
        """)
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert create_encoder("my_encoders.vit:make", weights="random:0").spec.width == 32
    drawn = [
        create_encoder("my_encoders.vit:drawn", weights=f"random:{seed}", verify=False) for seed in (0, 0, 1)
    ]
    weights = [encoder.backbone.model.patch.weight for encoder in drawn]
    assert weights[0].equal(weights[1])
    assert not weights[0].equal(weights[2])
    with pytest.raises(ValueError, match="must return a Backbone, got int"):
        create_encoder("my_encoders.vit:wrong", weights="random:0")
