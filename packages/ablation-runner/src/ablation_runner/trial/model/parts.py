"""The parts of a model: which are trained, and whether what should change has changed and nothing else."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from ablation_runner.failure import TrialFailedError
from ablation_runner.study import Training
from ablation_runner.trial._seeding import stream_seed
from vlm_encoders import Encoder, Lora, set_trainable, training_options
from vlm_fusion import VisionLanguageModel


def train_parts(model: VisionLanguageModel, training: Training, *, seed: int) -> list[str]:
    """Freezes what a stage does not train; gives the names of the parameters that train.

    A parameter that the model's own options freeze stays frozen. Adapters are put into the encoder where it is trained
    by them; `merge_adapters` takes them out again.

    Args:
        model: changed in place.
        training: what is trained, and with which objectives.
        seed: of the trial, for the adapters' initial weights.

    Raises:
        TrialFailedError: nothing trains.
    """
    parts = trained_parts(training)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(parameter.requires_grad and part_of(name) in parts)
    if isinstance(model.encoder, Encoder):
        _train_encoder(model.encoder, training, seed)
    trained = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    if not trained:
        raise TrialFailedError(f"nothing of training.parts = {training.parts} can be trained")
    return trained


def trained_parts(training: Training) -> set[str]:
    """What a stage trains besides the encoder; objectives of pairs have heads, and neither words nor an allocator."""
    if not training.pair_objectives:
        return {*training.parts}
    return {*training.parts, "objectives"} - {"language_model", "allocator"}


def _train_encoder(encoder: Encoder, training: Training, seed: int) -> None:
    options = training_options(training.encoder.name, **training.encoder.options())
    if isinstance(options, Lora):
        options = replace(options, seed=stream_seed(seed, "init", "adapters"))
    set_trainable(encoder, options)


def fingerprints(state: Mapping[str, Tensor], dtype: torch.dtype) -> dict[str, str]:
    """Name to a digest of the tensor's bytes, as they are in `dtype`."""
    return {
        name: hashlib.sha256(_bytes(tensor.detach().to(dtype))).hexdigest()[:16]
        for name, tensor in state.items()
    }


def check_changes(before: Mapping[str, str], after: Mapping[str, str], trained: Sequence[str]) -> None:
    """Nothing, where each trained part has changed and no other weight has.

    Args:
        before: digests of the weights when the stage began.
        after: and when it ended.
        trained: names of those that train.

    Raises:
        TrialFailedError: a frozen weight changed, or a part that trains did not.
    """
    changed = {name for name in before if before[name] != after[name]}
    leaked = sorted(changed - set(trained))
    if leaked:
        raise TrialFailedError(
            f"{leaked[0]} is frozen and was changed by training ({len(leaked)} weights in all)"
        )
    for part in sorted({part_of(name) for name in trained}):
        if not any(part_of(name) == part for name in changed):
            raise TrialFailedError(f"the {part} should train, and none of its weights changed")


def part_of(name: str) -> str:
    """The part of the model that a weight belongs to: the first word of its name."""
    return name.partition(".")[0]


def _bytes(tensor: Tensor) -> bytes:
    return tensor.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
