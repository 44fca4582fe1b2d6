"""The memory that training an arm takes on one rank: state by arithmetic, activations as its own forward pass keeps them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ablation_runner.study import Engine

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class TrialMemory:
    """Bytes on one rank while it trains; the libraries and the stored features come on top.

    What `engine.offload` moves lies in main memory, and counts here all the same.

    Attributes:
        weights: of the model.
        gradients: of all weights.
        optimizer: AdamW's two moments, and its own copy of the weights where the engine keeps one.
        activations: what a micro-batch's forward pass keeps for its backward pass.
    """

    weights: int
    gradients: int
    optimizer: int
    activations: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.gradients + self.optimizer + self.activations


def trial_memory(parameters: int, activations: int, engine: Engine, *, ranks: int) -> TrialMemory:
    """The memory of a trial.

    ZeRO divides the optimizer's state among the ranks from stage 1, gradients from 2 and weights from 3
    (arXiv:1910.02054, section 5).

    Args:
        parameters: that train.
        activations: bytes that one global batch keeps in float32.
        engine: how it is trained.
        ranks: that train it together.

    >>> trial_memory(1000, 0, Engine(), ranks=1).total
    16000
    >>> trial_memory(1000, 0, Engine(zero_stage=3, precision="bfloat16"), ranks=4).total
    4000
    """
    half = engine.halves
    width, stage = 2 if half else 4, engine.zero_stage
    copied = half or stage > 0
    return TrialMemory(
        weights=parameters * width // (ranks if stage >= 3 else 1),
        gradients=parameters * width // (ranks if stage >= 2 else 1),
        optimizer=parameters * (12 if copied else 8) // (ranks if stage >= 1 else 1),
        activations=activations * width // (4 * ranks * engine.accumulation),
    )


def testing_memory(parameters: int, engine: Engine) -> TrialMemory:
    """The memory of a trial that only tests: its weights.

    Args:
        parameters: of the model.
        engine: its precision is that of the test.
    """
    width = 4 if engine.precision == "float32" else 2
    return TrialMemory(weights=parameters * width, gradients=0, optimizer=0, activations=0)


@contextmanager
def saved_activations() -> Iterator[Callable[[], int]]:
    """Measures what the forward passes of the block keep for their backward passes, weights left out.

    Yields:
        A call that gives the bytes of the forward pass that kept most so far.
    """
    import torch

    held: dict[int, torch.UntypedStorage] = {}
    kept = most = 0

    def keep(tensor: "Tensor") -> "Tensor":
        nonlocal kept, most
        storage = tensor.untyped_storage()
        if not _is_weight(tensor) and storage._cdata not in held:
            held[storage._cdata] = storage  # held itself: another one must not get its address
            kept += storage.nbytes()
            most = max(most, kept)
        return tensor

    def use(tensor: "Tensor") -> "Tensor":
        nonlocal kept
        held.clear()  # the backward pass has begun
        kept = 0
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, use):
        yield lambda: most


def _is_weight(tensor: "Tensor") -> bool:
    from torch.nn import Parameter

    return isinstance(tensor, Parameter) or isinstance(tensor._base, Parameter)
