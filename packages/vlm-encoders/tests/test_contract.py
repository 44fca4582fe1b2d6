"""Our tokens against each library's own output, on small random configurations of the real classes."""

from typing import Any

import pytest
import torch
from tiny_models import CLASS_TOKEN, DEPTH, PATCH, REGISTERS, SIZE, TINY, pixels, tiny
from torch import Tensor

from vlm_encoders import wrap_encoder

MEAN = (0.5, 0.5, 0.5)


def make(name: str, **settings: Any) -> Any:
    return wrap_encoder(tiny(name), name=name, mean=MEAN, std=MEAN, **settings)


def own_states(name: str, model: Any, image: Tensor) -> list[Tensor]:
    """Sequences after 0..DEPTH blocks, caught by hooks while the library runs its own forward pass."""
    inner = getattr(model, "vision_model", model)
    blocks = {
        "hf-c": lambda: inner.encoder.layers,
        "hf-s": lambda: inner.encoder.layers,
        "hf-d": lambda: inner.encoder.layer,
        "hf-v": lambda: inner.layers,
        "open": lambda: inner.transformer.resblocks,
        "timm": lambda: inner.blocks,
    }[name[:4]]()
    caught: list[Tensor] = []
    hooks = [blocks[0].register_forward_pre_hook(lambda _, args: caught.append(args[0]))]
    hooks += [block.register_forward_hook(lambda *args: caught.append(args[2])) for block in blocks]
    with torch.inference_mode():
        if name == "hf-siglip2":
            run_siglip2(model, image)
        else:
            model(image)
    for hook in hooks:
        hook.remove()
    return caught


def run_siglip2(model: Any, image: Tensor) -> Any:
    from transformers.models.siglip2.image_processing_siglip2 import convert_image_to_patches

    rows, columns = image.shape[2] // PATCH, image.shape[3] // PATCH
    flat = torch.stack([convert_image_to_patches(one, PATCH) for one in image])
    mask = torch.ones(len(image), rows * columns, dtype=torch.long)
    return model(flat, pixel_attention_mask=mask, spatial_shapes=torch.tensor([[rows, columns]] * len(image)))


@pytest.mark.parametrize("layer", [0, 1, -2, -1])
@pytest.mark.parametrize("name", TINY)
def test_tokens_equal_the_librarys_own_at_every_layer(name, layer):
    image, states = pixels(), own_states(name, tiny(name), pixels())
    expected = states[layer if layer >= 0 else DEPTH + 1 + layer]
    encoder = make(name, feature_layer=layer)
    with torch.inference_mode():
        tokens = encoder(image)
    prefix = int(CLASS_TOKEN[name]) + REGISTERS.get(name, 0)
    assert tokens.features.shape[1] == (SIZE // PATCH) ** 2
    assert (tokens.features - expected[:, prefix:]).abs().max() < 1e-5
    assert (tokens.cls is not None) == CLASS_TOKEN[name]
    if tokens.cls is not None:
        assert (tokens.cls - expected[:, 0]).abs().max() < 1e-5


NORMS = {
    "hf-c": "post_layernorm", "hf-s": "post_layernorm", "hf-d": "layernorm", "hf-v": "layernorm",
    "open": "ln_post", "timm": "norm",
}  # fmt: skip


@pytest.mark.parametrize("name", TINY)
def test_final_norm_is_the_librarys_own_also_before_the_last_block(name):
    model, image = tiny(name), pixels()
    states = own_states(name, model, image)
    norm = getattr(getattr(model, "vision_model", model), NORMS[name[:4]])
    prefix = int(CLASS_TOKEN[name]) + REGISTERS.get(name, 0)
    for layer in (-2, -1):
        with torch.inference_mode():
            tokens = make(name, feature_layer=layer, final_norm=True)(image)
            assert (tokens.features - norm(states[layer])[:, prefix:]).abs().max() < 1e-5


@pytest.mark.parametrize("name", ["hf-siglip", "hf-dinov2", "hf-dinov2-registers", "hf-vit"])
def test_normed_last_layer_is_what_transformers_calls_last_hidden_state(name):
    with torch.inference_mode():
        expected = tiny(name)(pixels()).last_hidden_state
        tokens = make(name, feature_layer=-1, final_norm=True)(pixels())
    assert (tokens.features - expected[:, -tokens.features.shape[1] :]).abs().max() < 1e-5


def test_timm_features_equal_forward_features():
    with torch.inference_mode():
        expected = tiny("timm-dinov2-registers").forward_features(pixels())
        tokens = make("timm-dinov2-registers", feature_layer=-1, final_norm=True)(pixels())
    assert (tokens.features - expected[:, 5:]).abs().max() < 1e-5


@pytest.mark.parametrize("name", ["hf-dinov2-registers", "timm-dinov2-registers"])
def test_class_token_and_registers_are_appended_behind_the_patches(name):
    states = own_states(name, tiny(name), pixels())
    with torch.inference_mode():
        encoder = make(
            name, feature_layer=-1, class_token="append", register_tokens="append", extras=("level_1",)
        )
        tokens = encoder(pixels())
    count = (SIZE // PATCH) ** 2
    prefix = 1 + REGISTERS[name]
    expected = torch.cat([states[-1][:, prefix:], states[-1][:, :prefix]], dim=1)
    assert (tokens.features - expected).abs().max() < 1e-5
    assert tokens.extras["level_1"].shape == tokens.features.shape
    assert tokens.cls is None
    assert tokens.grids is None
    assert tokens.positions[0, count:].tolist() == [[0.5, 0.5]] * prefix
    assert encoder.spec.tokens == count + prefix


def test_dropped_class_token_leaves_the_grid():
    tokens = make("hf-clip", class_token="drop")(pixels())
    assert tokens.cls is None
    assert tokens.grids.tolist() == [[4, 4]] * 2


def test_raster_order_and_positions_agree():
    encoder = make("timm-vit", feature_layer=0)
    image = torch.zeros(1, 3, SIZE, SIZE)
    plain = encoder(image).features
    image[:, :, PATCH * 1 : PATCH * 2, PATCH * 2 : PATCH * 3] = 5.0  # row 1, column 2
    changed = (encoder(image).features - plain).abs().sum(-1)[0]
    place = int(changed.argmax())
    assert (changed > 1e-6).sum() == 1
    assert encoder(image).positions[0, place].tolist() == [1.5 / 4, 2.5 / 4]


@pytest.mark.parametrize("name", ["hf-clip", "hf-siglip2", "timm-siglip", "timm-eva02", "open-clip-vit"])
def test_levels_are_raw_layers(name):
    states = own_states(name, tiny(name), pixels())
    with torch.inference_mode():
        tokens = make(name, feature_layer=1, final_norm=False, extras=("level_-1", "level_2"))(pixels())
    prefix = int(CLASS_TOKEN[name])
    assert (tokens.features - states[1][:, prefix:]).abs().max() < 1e-5
    assert (tokens.extras["level_-1"] - states[3][:, prefix:]).abs().max() < 1e-5
    assert (tokens.extras["level_2"] - states[2][:, prefix:]).abs().max() < 1e-5


@pytest.mark.parametrize("name", ["hf-clip", "hf-dinov2-registers", "hf-vit"])
@pytest.mark.parametrize("layer", [-1, 2])
def test_attention_of_the_class_token_equals_transformers_own(name, layer):
    model = tiny(name)
    model.set_attn_implementation("eager")
    with torch.inference_mode():
        attentions = model(pixels(), output_attentions=True).attentions
        tokens = make(name, extras=("attention",), attention_layer=layer)(pixels())
    own = attentions[layer if layer < 0 else layer - 1].mean(1)[:, 0]
    assert (tokens.extras["attention"] - own[:, 1 + REGISTERS.get(name, 0) :]).abs().max() < 1e-6


def test_attention_of_open_clip_equals_torchs_own_weights():
    model = tiny("open-clip-vit")
    states = own_states("open-clip-vit", model, pixels())
    block = model.transformer.resblocks[-1]
    with torch.inference_mode():
        normed = block.ln_1(states[-2])
        weights = block.attn(normed, normed, normed, need_weights=True)[1]
        tokens = make("open-clip-vit", extras=("attention", "keys"))(pixels())
        keys = torch.nn.functional.linear(normed, block.attn.in_proj_weight, block.attn.in_proj_bias)[
            :, 1:, 64:128
        ]
    assert (tokens.extras["attention"] - weights[:, 0, 1:]).abs().max() < 1e-6
    assert (tokens.extras["keys"] - keys).abs().max() < 1e-5


@pytest.mark.parametrize("name", ["timm-vit", "timm-eva02", "timm-eva-giant", "timm-clip"])
def test_attention_of_timm_equals_its_unfused_softmax(name):
    model = tiny(name)
    module = model.blocks[-1].attn
    module.fused_attn = False
    caught = []
    module.attn_drop.register_forward_hook(lambda *args: caught.append(args[2]))
    with torch.inference_mode():
        model(pixels())
        tokens = make(name, extras=("attention",))(pixels())
    assert (tokens.extras["attention"] - caught[0].mean(1)[:, 0, 1:]).abs().max() < 1e-6


def test_joint_embeddings_project_every_normed_patch():
    model = tiny("hf-clip-projection")
    states = own_states("hf-clip-projection", model, pixels())
    with torch.inference_mode():
        expected = model.visual_projection(model.vision_model.post_layernorm(states[-1]))[:, 1:]
        tokens = make("hf-clip-projection", extras=("joint",))(pixels())
    assert (tokens.extras["joint"] - expected).abs().max() < 1e-5
    with torch.inference_mode():
        own = tiny("open-clip-vit")
        joint = make("open-clip-vit", extras=("joint",))(pixels()).extras["joint"]
        expected = own.ln_post(own_states("open-clip-vit", own, pixels())[-1])[:, 1:] @ own.proj
    assert (joint - expected).abs().max() < 1e-5


def test_eva_inside_open_clip_is_taken_from_its_trunk():
    from tiny_models import _open_clip_eva

    torch.manual_seed(0)
    model = _open_clip_eva()
    image = pixels(224, 224, batch=1)
    states = own_states("timm", model.trunk, image)
    with torch.inference_mode():
        tokens = wrap_encoder(model, name="eva", feature_layer=-2)(image)
    assert (tokens.features - states[-2][:, 1:]).abs().max() < 1e-5


@pytest.mark.parametrize(
    ("name", "settings", "rule"),
    [
        ("hf-siglip", {"extras": ("attention",)}, "no class token"),
        ("hf-clip", {"extras": ("joint",)}, "no joint space"),
        ("hf-clip", {"feature_layer": -4}, r"feature_layer must be -3..-1 or 0..3, got -4"),
        ("hf-clip", {"attention_layer": 0}, "cannot be 0"),
        ("hf-clip", {"extras": ("level_9",)}, "level_9"),
        ("hf-clip", {"extras": ("Attention",)}, "extras are attention"),
        ("hf-clip", {"extras": ("keys", "keys")}, "must differ"),
        ("hf-clip", {"image_size": 36}, "multiples of 8"),
        ("hf-clip", {"class_token": "keep"}, "class_token must be one of"),
        ("hf-siglip", {"class_token": "append"}, "no class token to append"),
        ("hf-clip", {"register_tokens": "append"}, "no register tokens to append"),
    ],
)
def test_what_an_encoder_cannot_serve_is_refused(name, settings, rule):
    with pytest.raises(ValueError, match=rule):
        make(name, **settings)


def test_pixels_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"pixels must be \(32, 32\), got \(32, 40\)"):
        make("hf-clip")(pixels(32, 40))


def test_a_library_that_computes_something_else_is_noticed():
    model = tiny("hf-clip")
    embed = model.embeddings.forward
    model.embeddings.forward = lambda *args, **more: embed(*args, **more).flip(1)
    with pytest.raises(ValueError, match="differs from the library's own output"):
        wrap_encoder(model, name="other", mean=MEAN, std=MEAN)
