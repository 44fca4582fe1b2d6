"""Which parameters of an encoder are trained, set and then verified."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from token_budget import VisualTokens

from ._backbone import Part
from ._encoder import Encoder
from ._lora import add_adapters
from ._training_options import Frozen, Full, LastBlocks, Lora, NormOnly, Training

NORMS = (nn.LayerNorm, nn.GroupNorm, nn.RMSNorm, nn.modules.batchnorm._BatchNorm)


def set_trainable(encoder: Encoder, training: Training, *, verify: bool = True) -> list[str]:
    """Trains some of an encoder's parameters and freezes the rest; returns the names of the trained ones.

    Frozen parameters need no gradient, so torch keeps none of the activations before the first trained block; and
    their modules stay in eval mode whatever `train()` is called with.

    Args:
        encoder: changed in place; adapters of an earlier call stay where they are.
        training: options of the table `TRAINING`.
        verify: run one image forward and backward, and refuse a parameter that no gradient reaches.

    Raises:
        ValueError: more blocks than the tokens go through, adapters that find no target, or parameters that should
            be trained and would not be.
    """
    names = add_adapters(encoder, training) if isinstance(training, Lora) else _chosen(encoder, training)
    for name, parameter in encoder.named_parameters():
        parameter.requires_grad_(name in names)
    encoder.trained = _modules_in_train_mode(encoder, training)
    encoder.train(encoder.training)
    trained = [name for name, _ in encoder.named_parameters() if name in names]
    if verify and trained:
        _verify_gradients(encoder)
    return trained


def used_parts(encoder: Encoder) -> list[Part]:
    """The parts whose parameters the tokens depend on, front to back, with names as the encoder has them.

    Blocks that are kept only to look at their attention are left out.
    """
    used = []
    for part in encoder.backbone.parts():
        kind, _, number = part.name.partition(".")
        if kind != "block" or int(number) < encoder.spec.blocks_used:
            used.append(Part(part.name, tuple(f"backbone.{name}" for name in part.parameters)))
    return used


def _chosen(encoder: Encoder, training: Training) -> set[str]:
    parts = used_parts(encoder)
    match training:
        case Frozen():
            return set()
        case Full():
            return {name for part in parts for name in part.parameters}
        case LastBlocks():
            blocks = encoder.spec.blocks_used
            if training.blocks > blocks:
                raise ValueError(f"blocks must be 1..{blocks}, the blocks in use, got {training.blocks}")
            last = {f"block.{number}" for number in range(blocks - training.blocks, blocks)} | {
                "norm",
                "projection",
            }
            return {name for part in parts if part.name in last for name in part.parameters}
        case NormOnly():
            used = {name for part in parts for name in part.parameters}
            names = {
                f"{path}.{name}"
                for path, module in encoder.named_modules()
                if isinstance(module, NORMS)
                for name, _ in module.named_parameters(recurse=False)
            }
            if not names & used:
                raise ValueError(f"{encoder.spec.name} has no norms that could be trained")
            return names & used
        case Lora():
            raise ValueError("adapters are added by set_trainable")


def _modules_in_train_mode(encoder: Encoder, training: Training) -> tuple[str, ...]:
    if isinstance(training, Full):
        return ("backbone",)
    if not isinstance(training, LastBlocks):
        return ()
    names = {id(module): name for name, module in encoder.named_modules()}
    blocks = encoder.backbone.blocks()[: encoder.spec.blocks_used]
    return tuple(names[id(module)] for block in blocks[-training.blocks :] for module in block)


def _verify_gradients(encoder: Encoder) -> None:
    mode, noise = encoder.training, torch.Generator().manual_seed(0)
    first = next(encoder.parameters())
    image = torch.randn(1, 3, *encoder.spec.image_size, generator=noise).to(first)
    encoder.eval()  # batch norm's running statistics must not move
    with torch.enable_grad():
        total = _total(encoder(image))
    encoder.train(mode)
    named = [(name, parameter) for name, parameter in encoder.named_parameters() if parameter.requires_grad]
    found: tuple[torch.Tensor | None, ...] = (None,) * len(named)
    if total.requires_grad:
        found = torch.autograd.grad(total, [parameter for _, parameter in named], allow_unused=True)
    lost = [name for (name, _), gradient in zip(named, found, strict=True) if gradient is None]
    if lost:
        raise ValueError(f"no gradient reaches {', '.join(lost[:5])} ({len(lost)} in all)")


def _total(tokens: VisualTokens) -> torch.Tensor:
    total = tokens.features.square().sum()
    for value in (tokens.cls, *tokens.extras.values()):
        if value is not None and value.requires_grad:
            total = total + value.square().sum()
    return total


def parameter_groups(
    encoder: Encoder, rates: Mapping[str, float], *, default: float | None = None
) -> list[dict[str, Any]]:
    """Groups for an optimiser, each with a learning rate of its own; none for a frozen encoder.

    Args:
        encoder: after `set_trainable`.
        rates: learning rate by part, above 0: "embedding", "blocks" or "block.3" (counted from 0; it goes before
            "blocks"), "norm", "projection", "adapters".
        default: learning rate of the trained parts that `rates` does not name; None refuses them.

    Raises:
        ValueError: a part that is trained has no rate, or a rate belongs to nothing that is trained.

    >>> from vlm_encoders import create_encoder, training_options
    >>> encoder = create_encoder("small-vit", weights="random:0")
    >>> _ = set_trainable(encoder, training_options("last-2-blocks"))
    >>> [(group["name"], group["lr"]) for group in parameter_groups(encoder, {"block.2": 1e-4}, default=1e-5)]
    [('blocks', 1e-05), ('block.2', 0.0001)]
    """
    groups: dict[str, list[nn.Parameter]] = {}
    places = {name: part.name for part in used_parts(encoder) for name in part.parameters}
    for name, parameter in encoder.named_parameters():
        if not parameter.requires_grad:
            continue
        if name not in places:
            raise ValueError(f"{name} needs a gradient, but the tokens do not depend on it")
        place = "adapters" if "lora_" in name else places[name]
        kind = "blocks" if place.startswith("block.") and place not in rates else place
        groups.setdefault(kind, []).append(parameter)
    lacking = [kind for kind in groups if kind not in rates]
    if lacking and default is None:
        raise ValueError(
            f"{', '.join(lacking)} is trained and has no learning rate; rates are given for {sorted(rates)}"
        )
    idle = sorted(set(rates) - set(groups))
    if idle:
        raise ValueError(f"nothing that is trained belongs to the learning rates of {', '.join(idle)}")
    chosen = {kind: rates.get(kind, default) for kind in groups}
    if not all(rate is not None and rate > 0 for rate in chosen.values()):
        raise ValueError(f"learning rates must be above 0, got {chosen}")
    return [{"name": kind, "params": members, "lr": chosen[kind]} for kind, members in groups.items()]
