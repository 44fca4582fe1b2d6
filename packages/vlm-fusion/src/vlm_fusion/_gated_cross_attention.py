"""Gated cross-attention: decoder layers look at the image before they do their own work."""

from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from token_budget import VisualTokens

from ._attention import Attention, attend
from ._attention_options import GatedCrossAttentionOptions
from ._decoder import decoder_layers
from ._feed_forward import feed_forward
from ._positions import position_codes, require_code_width


class VisualMemory(NamedTuple):
    """Keys and values of an image for every block: made once, kept during generation."""

    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]
    mask: Tensor

    def rows(self, index: Tensor) -> "VisualMemory":
        """The memory of chosen images, in the order of `index`."""
        return VisualMemory(
            tuple(keys[index] for keys in self.keys),
            tuple(values[index] for values in self.values),
            self.mask[index],
        )


class GatedBlock(nn.Module):
    """Cross-attention and feed-forward, each behind a tanh gate that starts at zero."""

    def __init__(self, options: GatedCrossAttentionOptions, width: int) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.attention = Attention(width, heads=options.heads)
        self.attention_gate = nn.Parameter(torch.zeros(1))
        self.feed_forward_norm = nn.LayerNorm(width)
        self.feed_forward = feed_forward(width, options.feed_forward_multiple)
        self.feed_forward_gate = nn.Parameter(torch.zeros(1))

    def forward(
        self,
        hidden: Float[Tensor, "batch words width"],
        keys: Float[Tensor, "batch tokens width"],
        values: Float[Tensor, "batch tokens width"],
        mask: Bool[Tensor, "batch tokens"],
    ) -> Float[Tensor, "batch words width"]:
        """The words after a look at the image; those of a row without image get the feed-forward only."""
        asked = self.attention.query(self.attention_norm(hidden))
        read = attend(asked, keys, values, mask[:, None], heads=self.attention.heads)
        read = self.attention.output(read) * mask.any(1)[:, None, None]
        hidden = hidden + self.attention_gate.tanh() * read
        update = self.feed_forward(self.feed_forward_norm(hidden))
        return torch.as_tensor(hidden + self.feed_forward_gate.tanh() * update)


class BeforeLayer:
    """A forward pre-hook that lets a decoder layer's input look at the memory.

    An object, not a closure, so that a deep copy of the model looks through the copy's block. The memory travels as
    the keyword `visual_memory` through the decoder; without it the layer is the plain one.
    """

    def __init__(self, block: nn.Module, index: int) -> None:
        self.block = block
        self.index = index

    def __call__(
        self, layer: nn.Module, arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The layer's arguments with its input replaced."""
        memory = keywords.get("visual_memory")
        if memory is None:
            return arguments, keywords
        rest = {key: value for key, value in keywords.items() if key != "visual_memory"}
        hidden = self.block(arguments[0], memory.keys[self.index], memory.values[self.index], memory.mask)
        return (hidden, *arguments[1:]), rest


class GatedCrossAttention(nn.Module):
    """The memory connector (Flamingo, arXiv 2204.14198, section 2.2): blocks before every n-th decoder layer.

    As the gates start at zero, the model starts as the plain language model. The image's tokens are projected to the
    language model's width first, as one projection that all blocks share.
    """

    shape = "memory"

    def __init__(
        self,
        options: GatedCrossAttentionOptions,
        *,
        vision_width: int,
        language_width: int,
        language_layers: int,
    ) -> None:
        super().__init__()
        require_code_width(language_width, options.positions)
        self.options = options
        self.language_layers = language_layers
        self.project = nn.Linear(vision_width, language_width)
        self.blocks = nn.ModuleList(
            GatedBlock(options, language_width) for _ in range(0, language_layers, options.every)
        )

    def token_count(self, tokens: int) -> int:
        """Visual tokens that each decoder block looks at."""
        return tokens

    def attach(self, language_model: nn.Module) -> None:
        """Puts the blocks before the layers of a decoder; to be called once per decoder.

        Raises:
            ValueError: the decoder has another number of layers, or its layers don't pass keywords on.
        """
        layers = decoder_layers(language_model)
        if len(layers) != self.language_layers:
            raise ValueError(
                f"the connector was made for {self.language_layers} decoder layers, got {len(layers)}"
            )
        for index, block in enumerate(self.blocks):
            layer = layers[index * self.options.every]
            layer.register_forward_pre_hook(BeforeLayer(block, index), with_kwargs=True)

    def forward(self, tokens: VisualTokens) -> VisualMemory:
        """Keys and values of each image, for every block."""
        image = self.project(tokens.features)
        codes = position_codes(tokens, image.shape[-1], self.options.positions)
        image = image if codes is None else image + codes
        looks: list[Any] = [block.attention for block in self.blocks]
        keys = tuple(look.key(image) for look in looks)
        values = tuple(look.value(image) for look in looks)
        return VisualMemory(keys, values, tokens.mask)
