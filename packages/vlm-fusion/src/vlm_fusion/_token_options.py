"""The options of connectors that send each token, or each square of tokens, on its own way. Free of torch."""

from dataclasses import dataclass

from ._checks import ACTIVATIONS, require_count, require_member


@dataclass(frozen=True, kw_only=True)
class ConcatenationOptions:
    """One linear layer per token; the tokens are concatenated before the words.

    Attributes:
        bias: whether the layer adds a bias.
    """

    bias: bool = True

    def __post_init__(self) -> None:
        """Checks that it is true or false, as a text would always count as true."""
        if self.bias not in (False, True):
            raise ValueError(f"ConcatenationOptions: bias must be true or false, got {self.bias!r}")


@dataclass(frozen=True, kw_only=True)
class MlpOptions:
    """Linear layers with an activation between them, per token.

    Attributes:
        depth: linear layers, 1 or more (2 is LLaVA-1.5's, arXiv 2310.03744).
        width: units between the layers; None is the language model's width.
        activation: gelu, relu or silu.
    """

    depth: int = 2
    width: int | None = None
    activation: str = "gelu"

    def __post_init__(self) -> None:
        """Checks the ranges."""
        require_count("MlpOptions", depth=self.depth, width=1 if self.width is None else self.width)
        require_member("MlpOptions", "activation", self.activation, set(ACTIVATIONS) - {"swiglu"})


@dataclass(frozen=True, kw_only=True)
class SwigluOptions:
    """A gated projector per token, `(silu(x G) * x U) D` (arXiv 2002.05202; TokenFLEX's, arXiv 2504.03154).

    Attributes:
        width: units of the gate; None is the language model's width.
    """

    width: int | None = None

    def __post_init__(self) -> None:
        """Checks the ranges."""
        require_count("SwigluOptions", width=1 if self.width is None else self.width)


@dataclass(frozen=True, kw_only=True)
class PixelShuffleOptions:
    """Neighbouring tokens stacked on the channel axis, then an MLP (InternVL, arXiv 2404.16821).

    Attributes:
        factor: side of the square of tokens that becomes one; the grid must divide by it.
        width: units of the MLP; None is the language model's width.
    """

    factor: int = 2
    width: int | None = None

    def __post_init__(self) -> None:
        """Checks the ranges."""
        require_count(
            "PixelShuffleOptions", factor=self.factor, width=1 if self.width is None else self.width
        )


@dataclass(frozen=True, kw_only=True)
class PatchEmbeddingOptions:
    """Early fusion: raw patches through one linear layer, then everything in the decoder (Fuyu; EVE, arXiv 2406.11832).

    Attributes:
        positions: `none` or `sinusoidal`: what is added to the embedded patches.
    """

    positions: str = "sinusoidal"

    def __post_init__(self) -> None:
        """Checks the ranges."""
        require_member("PatchEmbeddingOptions", "positions", self.positions, ("none", "sinusoidal"))


@dataclass(frozen=True, kw_only=True)
class TwoTowerOptions:
    """Late fusion: image and words each through a tower of their own, joined after both.

    Attributes:
        width: hidden units of the part that joins them; None is twice the language model's width.
    """

    width: int | None = None

    def __post_init__(self) -> None:
        """Checks the ranges."""
        require_count("TwoTowerOptions", width=1 if self.width is None else self.width)
