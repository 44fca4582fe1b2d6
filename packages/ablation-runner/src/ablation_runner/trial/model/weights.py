"""Weights from elsewhere put into a model: nothing is missing, nothing is left over, every shape fits."""

from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from ablation_runner.failure import TrialFailedError
from ablation_runner.plan import TrainedTrial
from ablation_runner.storage.records import file_digest
from ablation_runner.study import PARTS, Configuration
from ablation_runner.trial.inputs.material import Material
from ablation_runner.trial.model.assemble import assemble_model
from ablation_runner.trial.model.parts import part_of, trained_parts
from vlm_fusion import PretrainedOptions, VisionLanguageModel, language_model_options


def checkpoint_model(trial: TrainedTrial, material: Material) -> VisionLanguageModel:
    """The model of a trial that tests a checkpoint, on the CPU.

    Args:
        trial: names the model, its seed and the file of its weights.
        material: the language model's words.

    Raises:
        TrialFailedError: the file is not the one that was planned with, or a weight is missing, unknown or misshapen.
    """
    assert trial.weights is not None
    file = Path(trial.weights.path)
    if file_digest(file) != trial.weights.digest:
        raise TrialFailedError(f"{file} has changed since the study was planned; run the study again")
    model = assemble_model(trial.configuration, material.tokenizer, seed=trial.random_seed)
    try:
        load_weights(model, safetensors.torch.load_file(file), needed=_fresh_parts(trial.configuration))
    except ValueError as error:
        raise TrialFailedError(f"{file}: {error}") from error
    return model


@torch.no_grad()
def load_weights(model: VisionLanguageModel, weights: Mapping[str, Tensor], *, needed: set[str]) -> None:
    """Copies weights into a model by their names.

    Args:
        model: changed in place.
        weights: name to tensor.
        needed: parts all of whose weights that may train have to be there, such as "connector".

    Raises:
        ValueError: a weight is missing, unknown or misshapen; nothing is copied then.
    """
    own: dict[str, Tensor] = dict(model.named_parameters()) | dict(model.named_buffers())
    for name, tensor in sorted(weights.items()):
        if name not in own:
            raise ValueError(f"holds {name}, and the model has no such weight")
        if tensor.shape != own[name].shape:
            raise ValueError(
                f"{name} has shape {list(tensor.shape)}, in the model it is {list(own[name].shape)}"
            )
    missing = [
        name
        for name, parameter in model.named_parameters()
        if parameter.requires_grad and part_of(name) in needed and name not in weights
    ]
    if missing:
        raise ValueError(f"has no {missing[0]} ({len(missing)} weights of the model are missing)")
    for name, tensor in weights.items():
        own[name].copy_(tensor)


def _fresh_parts(configuration: Configuration) -> set[str]:
    """Parts that would be random without the checkpoint; where it says its training, those that were trained."""
    if configuration.trainings:
        return {part for training in configuration.trainings for part in trained_parts(training)}
    _, language = configuration.model.parts
    options = language_model_options(language.name, **language.options())
    return {part for part in PARTS if part != "language_model" or not isinstance(options, PretrainedOptions)}
