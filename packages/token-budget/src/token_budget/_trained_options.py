"""Reducers with parameters or a training mode: names and options. Imports no torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ._names import named_options


@dataclass(frozen=True, kw_only=True)
class PixelShuffleMLP:
    """Neighbours stacked on the channels, then LayerNorm, Linear, GELU, Linear (InternVL, arXiv:2404.16821).

    Attributes:
        factor: patches per side of a block; the budget is the number of patches / factor².
    """

    factor: int = 2

    def __post_init__(self) -> None:
        if self.factor < 1:
            raise ValueError(f"factor must be at least 1, got {self.factor}")


@dataclass(frozen=True, kw_only=True)
class PoolSwiGLU:
    """Average pooling to any budget, then a SwiGLU projector (TokenFLEX, arXiv:2504.03154).

    Attributes:
        hidden: width between the projections; None for that of the output.
        coverage: "torch-adaptive" as the paper pools, or "area", which weighs every patch the same.
    """

    hidden: int | None = None
    coverage: Literal["area", "torch-adaptive"] = "area"

    def __post_init__(self) -> None:
        if self.hidden is not None and self.hidden < 1:
            raise ValueError(f"hidden must be at least 1, got {self.hidden}")
        if self.coverage not in ("area", "torch-adaptive"):
            raise ValueError(f"coverage must be 'area' or 'torch-adaptive', got {self.coverage!r}")


@dataclass(frozen=True, kw_only=True)
class MaskedDrop:
    """A random subset of the tokens in training, all of them in evaluation.

    Attributes:
        lowest: smallest share kept, above 0.
        highest: largest share kept, up to 1; each image draws its share evenly between the two.
        skip: probability that an image keeps all its tokens, 0..1.
    """

    lowest: float = 0.25
    highest: float = 0.75
    skip: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.lowest <= self.highest <= 1:
            raise ValueError(f"0 < lowest <= highest <= 1 is needed, got {self.lowest} and {self.highest}")
        if not 0 <= self.skip <= 1:
            raise ValueError(f"skip must be in 0..1, got {self.skip}")


TrainedOptions = PixelShuffleMLP | PoolSwiGLU | MaskedDrop
TRAINED_METHODS: dict[str, type[TrainedOptions]] = {
    "masked-drop": MaskedDrop,
    "pixel-shuffle-mlp": PixelShuffleMLP,
    "pool-swiglu": PoolSwiGLU,
}


def list_trained_reducers() -> list[str]:
    """Names of all methods of `create_trained_reducer`, sorted.

    >>> list_trained_reducers()
    ['masked-drop', 'pixel-shuffle-mlp', 'pool-swiglu']
    """
    return sorted(TRAINED_METHODS)


def trained_options(method: str, options: Mapping[str, Any] | None = None) -> TrainedOptions:
    """The checked options of a trained reducer, without importing torch.

    Raises:
        ValueError: no such method, no such option, or a value out of its range.

    >>> trained_options("pixel-shuffle-mlp", {"factor": 4})
    PixelShuffleMLP(factor=4)
    """
    chosen: TrainedOptions = named_options("trained reducer", method, TRAINED_METHODS, options)
    return chosen
