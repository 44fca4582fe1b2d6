"""A stage's state to resume from, on any number of ranks: whole tensors as safetensors, the rest as JSON."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import safetensors
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from ablation_runner.errors import StudyError
from ablation_runner.storage.files import write_atomically
from ablation_runner.storage.records import read_record, write_record
from ablation_runner.storage.store import StageFolder, plain_name
from ablation_runner.trial._ranks import agreed
from ablation_runner.trial.engine.whole_state import (
    BUFFER,
    MOMENTS,
    STEP,
    WEIGHT,
    check_plain_state,
    gather_tensors,
    plain_state,
    restore_plain_state,
    scatter_tensors,
    trained_parameters,
)

_LATEST = "latest.json"


@dataclass
class History:
    """What training has left behind so far; saved with every checkpoint.

    Attributes:
        step: optimizer steps done; data, budgets and what is drawn follow from it and the seed.
        seconds: time spent on them, validation included.
        curve: rows of {step, split, loss, accuracy}; accuracy of validation rows only.
        processes: the numbers of ranks that did them, in the order in which they took over.
    """

    step: int = 0
    seconds: float = 0.0
    curve: list[dict[str, Any]] = field(default_factory=list)
    processes: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that fits the module it was read for."""

    history: History
    state: dict[str, float]
    tensors: dict[str, Tensor]

    def load_weights(self, module: nn.Module) -> None:
        """Copies weights and buffers into a module that no engine has divided yet."""
        named: dict[str, Tensor] = {f"{WEIGHT}/{name}": each for name, each in trained_parameters(module)}
        named |= {f"{BUFFER}/{name}": each for name, each in module.named_buffers()}
        with torch.no_grad():
            for name, tensor in named.items():
                tensor.copy_(self.tensors[name])

    def restore(self, engine: Any) -> None:
        """Puts the optimizer, its schedule and the loss scale into an engine of that module."""
        scatter_tensors(engine, self.tensors)
        restore_plain_state(engine, self.state)


def save_checkpoint(engine: Any, folder: StageFolder, history: History) -> None:
    """Writes a checkpoint from rank 0, points to it, then removes the one before; all ranks take part."""
    tensors, state = gather_tensors(engine), plain_state(engine)
    if torch.distributed.get_rank() == 0:
        path = folder.checkpoint / f"step-{history.step:06d}.safetensors"
        write_atomically(path, lambda file: save_file(tensors, file))
        latest = {"file": path.name, **asdict(history), "state": state}
        write_record(folder.checkpoint / _LATEST, latest, files=[path])
        for old in folder.checkpoint.glob("step-*"):
            if old != path:
                old.unlink()
    torch.distributed.barrier()


def read_checkpoint(
    folder: StageFolder, module: nn.Module, refuse: Callable[[str], None]
) -> Checkpoint | None:
    """The last checkpoint of a stage; None where there is none, or none that can be used.

    Args:
        folder: of the stage.
        module: whole, as the stage trains it.
        refuse: told on rank 0, in one line, why a checkpoint that is there is not used.

    Raises:
        StudyError: rank 0 can read it and this rank cannot.
    """
    path = folder.checkpoint / _LATEST
    found, problem = None, ""
    if path.exists():
        try:
            found = _read(folder, module)
        except (
            OSError,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            safetensors.SafetensorError,
        ) as error:
            problem = str(error).partition("\n")[0]
    if agreed(found is not None):
        if found is None:
            raise StudyError(f"{path}: rank 0 can read it, and another rank cannot ({problem})")
        return found
    if problem and torch.distributed.get_rank() == 0:
        refuse(f"{path}: not a checkpoint of this stage ({problem}); the stage starts anew")
    return None


def _read(folder: StageFolder, module: nn.Module) -> Checkpoint:
    """What `save_checkpoint` wrote.

    Raises:
        ValueError: a file is missing or broken, or the tensors are not those of the module.
        KeyError, TypeError, AttributeError: a field is missing or no such thing.
    """
    latest = read_record(folder.checkpoint / _LATEST)
    if latest is None:
        raise ValueError("it cannot be read, or the file it names is not whole")
    history = History(**{each.name: latest[each.name] for each in fields(History)})
    file = folder.checkpoint / plain_name(latest["file"])
    expected = _expected(module)
    with safetensors.safe_open(file, framework="pt") as opened:
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 (not a dict)
    for name, shape in expected.items():
        required = name.startswith((f"{WEIGHT}/", f"{BUFFER}/"))
        if name not in tensors and required:
            raise ValueError(f"{name} is missing")
        if name in tensors and tensors[name].shape != shape:
            raise ValueError(f"{name} is {list(tensors[name].shape)}, the model's is {list(shape)}")
    unknown = sorted(set(tensors) - set(expected))
    if unknown:
        raise ValueError(f"the model has no {unknown[0]}")
    check_plain_state(latest["state"])
    for name, kind in {"seconds": int | float, "curve": list, "processes": list}.items():
        if not isinstance(latest[name], kind):
            raise TypeError(f"{name} is {latest[name]!r}")
    if type(history.step) is not int or latest["state"]["global_steps"] != history.step:
        raise ValueError(f"step is {history.step!r}, the engine's {latest['state']['global_steps']!r}")
    return Checkpoint(history, latest["state"], tensors)


def _expected(module: nn.Module) -> dict[str, torch.Size]:
    """Name to shape of every tensor that a checkpoint of the module may have."""
    shapes = {f"{BUFFER}/{name}": each.shape for name, each in module.named_buffers()}
    for name, parameter in trained_parameters(module):
        shapes |= {f"{kind}/{name}": parameter.shape for kind in (WEIGHT, *MOMENTS)}
        shapes[f"{STEP}/{name}"] = torch.Size()
    return shapes
