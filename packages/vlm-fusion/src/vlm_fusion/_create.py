"""From a name to a connector."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from ._checks import require_count
from ._elastic import ElasticQueries
from ._gated_cross_attention import GatedCrossAttention
from ._names import load_named
from ._options import connector_options
from ._perceiver import PerceiverResampler
from ._pixel_shuffle import PixelShuffle
from ._projections import Concatenation, Mlp, PatchEmbedding, Swiglu
from ._q_former import QFormer
from ._two_tower import TwoTower

MODULES: Mapping[str, Callable[..., nn.Module]] = {
    "concatenation": Concatenation,
    "elastic-queries": ElasticQueries,
    "gated-cross-attention": GatedCrossAttention,
    "mlp": Mlp,
    "patch-embedding": PatchEmbedding,
    "perceiver-resampler": PerceiverResampler,
    "pixel-shuffle": PixelShuffle,
    "q-former": QFormer,
    "swiglu": Swiglu,
    "two-tower": TwoTower,
}


def create_connector(
    name: str, *, vision_width: int, language_width: int, language_layers: int | None = None, **options: Any
) -> nn.Module:
    """A connector with fresh weights, drawn from torch's global generator (seed it around the call).

    Args:
        name: one of `list_connectors()`, or `package.module:Name` of a class built alike.
        vision_width: units of the encoder's tokens.
        language_width: units of the language model's word vectors.
        language_layers: decoder layers; only a memory connector needs it.
        options: of the connector's options dataclass.

    Raises:
        ValueError: the name or an option is unknown, a value is out of range, widths don't divide, or a memory
            connector is not told the number of decoder layers.

    >>> sum(p.numel() for p in create_connector("concatenation", vision_width=8, language_width=4).parameters())
    36
    """
    layers = 1 if language_layers is None else language_layers
    require_count(name, vision_width=vision_width, language_width=language_width, language_layers=layers)
    chosen = connector_options(name, **options)
    build = load_named(name) if ":" in name else MODULES[name]
    widths = {"vision_width": vision_width, "language_width": language_width}
    if getattr(build, "shape", "prefix") == "memory":
        if language_layers is None:
            raise ValueError(f"{name} is a memory connector and needs language_layers, the decoder's depth")
        connector = build(chosen, **widths, language_layers=language_layers)
    else:
        connector = build(chosen, **widths)
    return connector if ":" in name else connector.apply(draw_linear)


def draw_linear(module: nn.Module) -> None:
    """Draws a linear layer's weights anew, uniform with the variance of Glorot and Bengio, biases at zero.

    One rule for all connectors. Torch's own default has a third of the variance, and with it resamplers that are
    trained from scratch converge far more slowly.
    """
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
