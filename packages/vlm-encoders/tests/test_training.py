"""What is trained changes in a step, exactly; what is frozen keeps no activations and stays in eval mode."""

from typing import Any

import pytest
import timm
import torch
from tiny_models import TINY, pixels, shaken, tiny
from torch import nn

from vlm_encoders import (
    Frozen,
    Full,
    LastBlocks,
    Lora,
    NormOnly,
    create_encoder,
    parameter_groups,
    set_trainable,
    training_options,
    wrap_encoder,
)

HALF = (0.5, 0.5, 0.5)


def make(name: str, **settings: Any) -> Any:
    if name == "efficientnet":
        return create_encoder("efficientnet-lite0", image_size=64, weights="random:0", **settings)
    if name == "resnet":
        return wrap_encoder(shaken(timm.create_model("resnet10t")), name=name, image_size=64, **settings)
    if name == "convnext":
        model = timm.create_model("convnext_atto", depths=(1, 1, 1, 1), dims=(8, 8, 16, 16))
        return wrap_encoder(shaken(model), name=name, image_size=64, **settings)
    return wrap_encoder(tiny(name), name=name, mean=HALF, std=HALF, **settings)


def changed_by_a_step(encoder: Any) -> set[str]:
    before = {name: parameter.detach().clone() for name, parameter in encoder.named_parameters()}
    trained = [parameter for parameter in encoder.parameters() if parameter.requires_grad]
    encoder.train()
    for _ in range(2):  # an adapter's first factor moves once the second has left zero
        optimiser = torch.optim.SGD(trained, lr=0.01)
        tokens = encoder(pixels(*encoder.spec.image_size))
        loss = tokens.features.square().mean() + (0 if tokens.cls is None else tokens.cls.square().mean())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return {
        name for name, parameter in encoder.named_parameters() if not torch.equal(parameter, before[name])
    }


# A key's bias moves all scores of a query alike, so its gradient is rounding noise or nothing.
def without_key_biases(names: set[str]) -> set[str]:
    return {name for name in names if not name.endswith("k_proj.bias")}


@pytest.mark.parametrize(
    "training", [Full(), LastBlocks(blocks=1), NormOnly(), Lora(rank=2)], ids=lambda t: type(t).__name__
)
@pytest.mark.parametrize("name", [*TINY, "efficientnet", "resnet", "convnext"])
def test_after_a_step_exactly_the_named_parameters_changed(name, training):
    encoder = make(name, feature_layer=-2)
    if isinstance(training, Lora) and name in ("efficientnet", "resnet", "convnext"):
        training = Lora(
            rank=2, targets={"efficientnet": ("conv_pw",), "resnet": ("conv1",), "convnext": ("fc1",)}[name]
        )
    named = set_trainable(encoder, training)
    assert named
    assert without_key_biases(changed_by_a_step(encoder)) == without_key_biases(set(named))


@pytest.mark.parametrize("name", [*TINY, "efficientnet"])
def test_a_frozen_encoder_keeps_no_activations(name):
    encoder = make(name)
    assert set_trainable(encoder, Frozen()) == []
    encoder.train()
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda value: kept.append(value), lambda value: value):
        tokens = encoder(pixels(*encoder.spec.image_size))
    assert not tokens.features.requires_grad
    assert kept == []


@pytest.mark.parametrize("name", ["hf-clip", "timm-vit", "open-clip-vit"])
def test_frozen_blocks_before_the_trained_ones_keep_no_activations(name):
    def kept(blocks: int) -> int:
        encoder, sizes = make(name, feature_layer=-1), []
        set_trainable(encoder, LastBlocks(blocks=blocks))
        with torch.autograd.graph.saved_tensors_hooks(
            lambda value: sizes.append(value.numel()), lambda value: value
        ):
            encoder.train()(pixels())
        return sum(sizes)

    one, two, three = kept(1), kept(2), kept(3)
    assert two - one == pytest.approx(three - two)
    assert one > 0


def test_last_blocks_are_the_last_that_the_tokens_go_through():
    encoder = make("hf-clip", feature_layer=-2, extras=("attention",))
    named = set_trainable(encoder, LastBlocks(blocks=1))
    assert {name.split("layers.")[1][0] for name in named} == {"1"}, "block 2 only looks"


def test_final_norm_is_trained_with_the_last_blocks_where_it_is_applied():
    named = set_trainable(make("hf-clip", final_norm=True), LastBlocks(blocks=1))
    assert "backbone.model.post_layernorm.weight" in named


def test_frozen_batch_norm_and_dropout_stay_in_eval_mode():
    encoder = make("efficientnet")
    encoder.backbone.model.blocks[0].append(nn.Dropout(0.5))
    set_trainable(encoder, LastBlocks(blocks=1))
    encoder.train()
    buffers = {name: value.clone() for name, value in encoder.named_buffers()}
    encoder(pixels(64, 64))
    moved = {name for name, value in encoder.named_buffers() if not torch.equal(value, buffers[name])}
    assert encoder.training
    assert moved
    assert all(name.startswith(("backbone.model.blocks.3.", "backbone.model.blocks.4.")) for name in moved)
    assert not encoder.backbone.model.blocks[0][-1].training
    assert encoder.backbone.model.blocks[4].training
    assert not any(module.training for module in encoder.eval().modules())


def test_verifying_leaves_running_statistics_and_gradients_alone():
    encoder = make("efficientnet")
    buffers = {name: value.clone() for name, value in encoder.named_buffers()}
    set_trainable(encoder.train(), Full())
    assert all(torch.equal(value, buffers[name]) for name, value in encoder.named_buffers())
    assert all(parameter.grad is None for parameter in encoder.parameters())


def test_a_parameter_that_no_gradient_reaches_is_refused():
    encoder = make("timm-vit")
    encoder.backbone.model.blocks[1].register_forward_hook(lambda *args: args[2].detach())
    with pytest.raises(ValueError, match="no gradient reaches"):
        set_trainable(encoder, Full())


def test_fresh_adapters_change_nothing_and_leave_the_global_generator_alone():
    encoder, image = make("hf-clip"), pixels()
    expected = encoder(image).features
    state = torch.get_rng_state()
    set_trainable(encoder, Lora(rank=4))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(encoder(image).features, expected)


def test_adapters_start_from_their_own_seed():
    def first(seed: int) -> torch.Tensor:
        encoder = make("hf-clip")
        name = next(n for n in set_trainable(encoder, Lora(seed=seed)) if "lora_A" in n)
        return encoder.get_parameter(name)

    assert torch.equal(first(1), first(1))
    assert not torch.equal(first(1), first(2))


def test_learning_rates_go_to_their_parts():
    encoder = make("timm-vit", feature_layer=-1, final_norm=True)
    set_trainable(encoder, Full())
    rates = {"embedding": 1e-5, "block.2": 3e-4, "blocks": 1e-4, "norm": 1e-3}
    groups = {group["name"]: group for group in parameter_groups(encoder, rates)}
    assert {name: group["lr"] for name, group in groups.items()} == rates
    members = [id(parameter) for group in groups.values() for parameter in group["params"]]
    assert sorted(members) == sorted(id(parameter) for parameter in encoder.parameters())
    assert {id(p) for p in groups["block.2"]["params"]} == {
        id(p) for p in encoder.backbone.model.blocks[2].parameters()
    }


class Reader(nn.Module):
    """A model around an encoder, as a vision-language model is one."""

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(encoder.spec.width, 2)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.head(self.encoder(image).features.mean(1))


@pytest.mark.parametrize(
    ("training", "parts"),
    [
        ("frozen", []),
        ("full", ["embedding", "blocks", "norm"]),
        ("last-1-blocks", ["blocks", "norm"]),
        ("lora", ["adapters"]),
        ("norm-only", ["embedding", "blocks", "norm"]),
    ],
)
def test_a_trainer_around_the_encoder_trains_what_was_named(training, parts):
    model = Reader(make("hf-clip", final_norm=True))
    named = set(set_trainable(model.encoder, training_options(training)))
    groups = parameter_groups(model.encoder, {}, default=0.01)
    assert [group["name"] for group in groups] == parts
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    optimiser = torch.optim.SGD([*groups, {"params": model.head.parameters(), "lr": 0.1}])
    model.train()
    for _ in range(2):
        optimiser.zero_grad()
        model(pixels()).square().sum().backward()
        optimiser.step()
    changed = {name for name, value in model.named_parameters() if not torch.equal(value, before[name])}
    expected = {f"encoder.{name}" for name in named} | {"head.weight", "head.bias"}
    assert without_key_biases(changed) == without_key_biases(expected)
    assert model.head.training
    frozen = [module for module in model.encoder.modules() if not any(True for _ in module.children())]
    assert any(module.training for module in frozen) == (training in ("full", "last-1-blocks"))


def test_a_default_rate_goes_to_the_parts_that_are_not_named():
    encoder = make("timm-vit", feature_layer=-1, final_norm=True)
    set_trainable(encoder, Full())
    groups = parameter_groups(encoder, {"norm": 1e-3}, default=1e-5)
    assert {group["name"]: group["lr"] for group in groups} == {
        "embedding": 1e-5,
        "blocks": 1e-5,
        "norm": 1e-3,
    }
    with pytest.raises(ValueError, match="above 0"):
        parameter_groups(encoder, {}, default=0.0)


def test_a_parameter_that_the_tokens_do_not_depend_on_has_no_group():
    encoder = make("hf-clip", feature_layer=-2, extras=("attention",))
    set_trainable(encoder, Frozen())
    encoder.backbone.model.encoder.layers[2].requires_grad_(True)  # kept only to look at its attention
    with pytest.raises(ValueError, match="the tokens do not depend on it"):
        parameter_groups(encoder, {"blocks": 1e-3})


@pytest.mark.parametrize(
    ("rates", "rule"),
    [
        ({"blocks": 1e-4}, "norm is trained and has no learning rate"),
        ({"blocks": 1.0, "norm": 1.0, "adapters": 1.0}, "adapters"),
        ({"blocks": 0.0, "norm": 1.0}, "above 0"),
    ],
)
def test_learning_rates_that_fit_no_part_are_refused(rates, rule):
    encoder = make("timm-vit", final_norm=True)
    set_trainable(encoder, LastBlocks(blocks=1))
    with pytest.raises(ValueError, match=rule):
        parameter_groups(encoder, rates)


@pytest.mark.parametrize(
    ("name", "options", "rule"),
    [
        ("frozn", {}, "nearest is 'frozen'"),
        ("last-blocks", {"blocks": 0}, "blocks must be 1 or more"),
        ("lora", {"rank": 0}, "rank must be 1 or more"),
    ],
)
def test_unknown_names_and_options_are_refused(name, options, rule):
    with pytest.raises(ValueError, match=rule):
        training_options(name, **options)


def test_more_blocks_than_are_used_and_targets_that_are_not_there_are_refused():
    with pytest.raises(ValueError, match=r"blocks must be 1\.\.2, the blocks in use, got 3"):
        set_trainable(make("hf-clip", feature_layer=-2), LastBlocks(blocks=3))
    with pytest.raises(ValueError, match="named q_projection"):
        set_trainable(make("hf-clip"), Lora(targets=("q_projection",)))
    encoder = make("hf-clip")
    set_trainable(encoder, Lora())
    with pytest.raises(ValueError, match="adapters already"):
        set_trainable(encoder, Lora())
