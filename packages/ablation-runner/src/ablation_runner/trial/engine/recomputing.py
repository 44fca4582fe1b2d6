"""Activation checkpointing (arXiv:1604.06174): layers are computed again in the backward pass, not kept."""

from typing import Any

from torch import nn
from transformers import PreTrainedModel


def recompute_activations(model: nn.Module) -> None:
    """Has the layers of the language model, and of an encoder of timm, open_clip or transformers, computed twice.

    Connectors, small encoders of our own and heads keep their activations.

    Args:
        model: changed in place; its losses and gradients stay the same.
    """
    module: Any
    for module in model.modules():
        if isinstance(module, PreTrainedModel) and module.supports_gradient_checkpointing:
            module.activation_checkpointing_enable()
        elif hasattr(module, "set_grad_checkpointing"):
            module.set_grad_checkpointing()
