"""Connectors that transform every token on its own: linear, MLP, SwiGLU."""

from itertools import pairwise

from jaxtyping import Int
from torch import Tensor, nn

from token_budget import VisualTokens

from ._feed_forward import ACTIVATION_MODULES, SwigluFeedForward
from ._positions import position_codes, require_code_width
from ._token_options import ConcatenationOptions, MlpOptions, PatchEmbeddingOptions, SwigluOptions


class PerToken(nn.Module):
    """A connector that sends each token through `project` and changes nothing else."""

    shape = "prefix"

    def __init__(self, project: nn.Module) -> None:
        super().__init__()
        self.project = project

    def token_count(self, tokens: int) -> int:
        """Visual tokens that `tokens` tokens become."""
        return tokens

    def forward(
        self, tokens: VisualTokens, *, text: Int[Tensor, "batch words"] | None = None
    ) -> VisualTokens:
        """The tokens in the language model's width; `text` is not looked at."""
        return tokens._replace(features=self.project(tokens.features), cls=None, extras={})


class Concatenation(PerToken):
    """One linear layer per token (LLaVA, arXiv 2304.08485)."""

    def __init__(self, options: ConcatenationOptions, *, vision_width: int, language_width: int) -> None:
        super().__init__(nn.Linear(vision_width, language_width, bias=options.bias))


class Mlp(PerToken):
    """Linear layers with an activation between them (LLaVA-1.5, arXiv 2310.03744)."""

    def __init__(self, options: MlpOptions, *, vision_width: int, language_width: int) -> None:
        hidden = options.width or language_width
        widths = [vision_width, *[hidden] * (options.depth - 1), language_width]
        layers: list[nn.Module] = []
        for start, end in pairwise(widths):
            layers += [nn.Linear(start, end), ACTIVATION_MODULES[options.activation]()]
        super().__init__(nn.Sequential(*layers[:-1]))


class Swiglu(PerToken):
    """A gated projector (TokenFLEX, arXiv 2504.03154)."""

    def __init__(self, options: SwigluOptions, *, vision_width: int, language_width: int) -> None:
        hidden = options.width or language_width
        super().__init__(SwigluFeedForward(vision_width, hidden, output_width=language_width))


class PatchEmbedding(nn.Module):
    """Raw patches in the language model's width, with their places: the decoder is the vision model too."""

    shape = "prefix"

    def __init__(self, options: PatchEmbeddingOptions, *, vision_width: int, language_width: int) -> None:
        super().__init__()
        require_code_width(language_width, options.positions)
        self.options = options
        self.project = nn.Linear(vision_width, language_width)

    def token_count(self, tokens: int) -> int:
        """Visual tokens that `tokens` patches become."""
        return tokens

    def forward(
        self, tokens: VisualTokens, *, text: Int[Tensor, "batch words"] | None = None
    ) -> VisualTokens:
        """The patches as vectors; `text` is not looked at."""
        features = self.project(tokens.features)
        codes = position_codes(tokens, features.shape[-1], self.options.positions)
        return tokens._replace(features=features if codes is None else features + codes, cls=None, extras={})
