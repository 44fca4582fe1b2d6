"""Weights of a stage of training: read back into a model, taken out of it, and those that are kept."""

from contextlib import nullcontext
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from ablation_runner.failure import TrialFailedError
from ablation_runner.plan import TrainedTrial
from ablation_runner.storage.store import StageFolder
from ablation_runner.study import Stage
from ablation_runner.trial._price import fitted_price
from ablation_runner.trial.engine.engine import training_type
from ablation_runner.trial.inputs.material import Material
from ablation_runner.trial.model.assemble import assemble_model
from ablation_runner.trial.model.parts import train_parts
from ablation_runner.trial.model.weights import load_weights
from ablation_runner.trial.training.train import batch_plan, stage_feed
from vlm_encoders import Encoder, merge_adapters
from vlm_fusion import VisionLanguageModel


def stage_model(trial: TrainedTrial, material: Material, weights: StageFolder | None) -> VisionLanguageModel:
    """The trial's model with the weights that a stage ended in, on the CPU.

    Args:
        trial: names the model and its seed.
        material: the language model's words.
        weights: the stage; None for fresh weights.

    Raises:
        TrialFailedError: the stage's file is whole as recorded, and yet holds no weights of the model.
    """
    model = assemble_model(trial.configuration, material.tokenizer, seed=trial.random_seed)
    if weights is not None:
        try:
            load_weights(model, safetensors.torch.load_file(weights.weights_file), needed=set())
        except (safetensors.SafetensorError, ValueError) as error:
            raise TrialFailedError(
                f"{weights.weights_file} is not what the stage ends in ({error}): delete {weights.path} and run again, and "
                "it is trained anew"
            ) from error
    return model


def weights_to_keep(
    trial: TrainedTrial,
    stage: Stage,
    material: Material,
    before: StageFolder | None,
    plain: dict[str, Tensor],
    weights: dict[str, Tensor],
) -> dict[str, Tensor]:
    """Name to each weight that this stage or one before it has trained or changed, adapters merged, and the fitted price.

    Args:
        trial: one of those that share the stage.
        stage: its settings.
        material: what it reads.
        before: the stage that it started from; None for fresh weights.
        plain: the state that it started from, adapters not yet added.
        weights: the state that it ended in.
    """
    dtype = training_type(trial.engine)
    whole = stage_model(trial, material, before)
    trained = set(train_parts(whole, stage.training, seed=trial.random_seed))
    _set_weights(whole, weights)
    if isinstance(whole.encoder, Encoder):
        merge_adapters(whole.encoder)
    kept = set(safetensors.torch.load_file(before.weights_file)) if before else set()
    changed = {
        name: tensor
        for name, tensor in copied_state(whole).items()
        if name in kept | trained or not torch.equal(tensor.to(dtype), plain[name].to(dtype))
    }
    batches = batch_plan(trial, stage.training, material)
    return changed | fitted_price(whole, batches, stage_feed(trial, stage, material))


def copied_state(model: nn.Module) -> dict[str, Tensor]:
    """Name to a copy of each parameter and buffer; shared ones under their first name."""
    named = (*model.named_parameters(), *model.named_buffers())
    return {name: tensor.detach().clone() for name, tensor in named}


def whole_weights(model: nn.Module, *, gather: bool) -> dict[str, Tensor]:
    """Name to a copy of each parameter and buffer on the CPU; under ZeRO-3 gathered from all ranks."""
    with _gathered(list(model.parameters())) if gather else nullcontext():
        return {name: tensor.cpu() for name, tensor in copied_state(model).items()}


def _gathered(parameters: list[nn.Parameter]) -> Any:
    import deepspeed

    return deepspeed.zero.GatheredParameters(parameters)


def _set_weights(model: VisionLanguageModel, weights: dict[str, Tensor]) -> None:
    named = dict(model.named_parameters()) | dict(model.named_buffers())
    with torch.no_grad():
        for name, tensor in weights.items():
            if name in named:
                named[name].copy_(tensor)
