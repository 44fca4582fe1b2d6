"""DeepSpeed checkpoints as safetensors and JSON: nothing is unpickled when a run is read."""

import importlib
import json
import math
from collections import OrderedDict
from enum import Enum
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from deepspeed.runtime.checkpoint_engine.checkpoint_engine import CheckpointCommitInfo, CheckpointEngine
from torch import Tensor

from ablation_runner.errors import StudyError
from ablation_runner.files import write_atomically

# Plain objects that DeepSpeed puts among its state; nothing else is ever constructed from a file.
_OBJECTS = {
    "deepspeed.runtime.fp16.loss_scaler.LossScaler",
    "deepspeed.runtime.fp16.loss_scaler.DynamicLossScaler",
    "deepspeed.utils.tensor_fragment.fragment_address",
}
_ENUMS = {"deepspeed.runtime.zero.config.ZeroStageEnum"}


class SafetensorsCheckpointEngine(CheckpointEngine):  # type: ignore[misc]
    """What DeepSpeed saves, as one safetensors file per part, its structure as JSON in the header."""

    def __init__(self) -> None:
        """An engine without settings."""
        super().__init__()
        self.name = "safetensors"

    def create(self, info: CheckpointCommitInfo) -> None:
        """Nothing to prepare."""

    def save(self, state_dict: Any, path: str) -> None:
        """Writes the state beside `path` and renames it."""
        tensors: dict[str, Tensor] = {}
        structure = json.dumps(encode(state_dict, tensors))
        write_atomically(
            Path(path),
            lambda file: safetensors.torch.save_file(tensors, file, metadata={"structure": structure}),
        )

    def load(self, path: str, map_location: Any = None) -> Any:
        """Reads what `save` wrote, onto the CPU, from where DeepSpeed copies it (`map_location` may be a function).

        Raises:
            StudyError: the file is not one that `save` wrote.
        """
        try:
            with safetensors.safe_open(path, framework="pt") as file:
                structure = json.loads(file.metadata()["structure"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        except (safetensors.SafetensorError, KeyError, TypeError, json.JSONDecodeError) as error:
            raise StudyError(f"{path}: not a checkpoint of this program ({error}); delete it") from error
        return decode(structure, tensors)

    def commit(self, info: CheckpointCommitInfo) -> bool:
        """Files are in place once written."""
        return True


def encode(value: Any, tensors: dict[str, Tensor]) -> Any:
    """`value` as JSON, its tensors moved into `tensors` under numbered names.

    Raises:
        TypeError: a value that is neither data nor one of the objects known here.
    """
    if isinstance(value, Enum):
        return {"$enum": [_known(type(value), _ENUMS), value.value]}
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$float": str(value)}
    if isinstance(value, Tensor):
        name = f"tensor-{len(tensors):05d}"
        tensors[name] = value.detach().cpu().clone().contiguous()
        return {"$tensor": name}
    if isinstance(value, torch.dtype):
        return {"$dtype": str(value).removeprefix("torch.")}
    if isinstance(value, dict):
        kind = "$ordered" if isinstance(value, OrderedDict) else "$dict"
        return {kind: [[encode(key, tensors), encode(item, tensors)] for key, item in value.items()]}
    for kind, sequence in (("$size", torch.Size), ("$list", list), ("$set", set)):
        if isinstance(value, sequence):
            return {kind: [encode(item, tensors) for item in value]}
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return {"$tuple": [encode(item, tensors) for item in value]}
    fields = value._asdict() if hasattr(value, "_asdict") else vars(value)
    return {"$object": [_known(type(value), _OBJECTS), encode(dict(fields), tensors)]}


def decode(value: Any, tensors: dict[str, Tensor]) -> Any:
    """What `encode` made, as it was."""
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    match kind:
        case "$tensor":
            return tensors[content]
        case "$float":
            return float(content)
        case "$dtype":
            return getattr(torch, content)
        case "$dict" | "$ordered":
            pairs = [(decode(key, tensors), decode(item, tensors)) for key, item in content]
            return dict(pairs) if kind == "$dict" else OrderedDict(pairs)
        case "$list" | "$tuple" | "$set" | "$size":
            build = {"$list": list, "$tuple": tuple, "$set": set, "$size": torch.Size}[kind]
            return build(decode(item, tensors) for item in content)
        case "$enum":
            name, number = content
            return _class(name, _ENUMS)(number)
        case "$object":
            name, fields = content
            return _rebuild(_class(name, _OBJECTS), decode(fields, tensors))
    raise StudyError(f"unknown entry {kind!r} in a checkpoint")


def _rebuild(kind: type, fields: dict[str, Any]) -> Any:
    if hasattr(kind, "_fields") or hasattr(kind, "__dataclass_fields__"):
        return kind(**fields)
    made: Any = object.__new__(kind)
    vars(made).update(fields)
    return made


def _known(kind: type, allowed: set[str]) -> str:
    name = f"{kind.__module__}.{kind.__qualname__}"
    if name not in allowed:
        raise TypeError(f"a checkpoint cannot hold a {name}")
    return name


def _class(name: str, allowed: set[str]) -> Any:
    if name not in allowed:
        raise StudyError(f"a checkpoint may not hold a {name!r}")
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)
