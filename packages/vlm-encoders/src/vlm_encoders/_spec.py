"""The record of everything that decides an encoder's output, checked where it is written; free of torch."""

import hashlib
import json
from dataclasses import asdict, dataclass

from ._architecture import Architecture

EXTRAS = ("attention", "keys", "joint")


@dataclass(frozen=True, kw_only=True)
class EncoderSpec:
    """What is taken from which encoder, and how images reach it.

    The feature layer counts as in `hidden_states` of transformers, the same for every library: 0 is the
    embedded patches before the first block, `k` the output after `k` blocks, -1 the last block, -2 the one
    before it. For a convolutional model a layer is a feature stage: 1 the first (stride 2, mostly), -1 the
    last (stride 32, mostly); there is no layer 0.

    Attributes:
        name: the name that `create_encoder` was given.
        architecture: the checkpoint's facts.
        weights: "pretrained", "random:SEED" or the path they came from.
        image_size: height and width in pixels; each a multiple of the patch (or of the stage's stride), or the native
            size, of which some models leave out the last pixels (SigLIP so400m/14 at 384 sees 378).
        feature_layer: which layer the tokens are taken from.
        final_norm: whether the model's last norm is applied to them, at whatever layer. A convolutional model has
            none that applies to every position, nor have vision transformers that pool first: refused there.
        class_token: "apart" (in `cls`), "append" (behind the patches, which then form no grid) or "drop".
        register_tokens: "drop" or "append".
        resize: "squash" (both sides to the size), "letterbox" (fitted, padded with the mean) or "crop" (centre).
        extras: further tensors per token: "attention" (what the class token pays to each, mean over heads), "keys",
            "joint" (patches in the joint space of image and text), "level_K" (the raw tokens of layer K).
        attention_layer: the block whose attention and keys are taken, counted like `feature_layer`, not 0.
    """

    name: str
    architecture: Architecture
    weights: str
    image_size: tuple[int, int]
    feature_layer: int = -2
    final_norm: bool = False
    class_token: str = "apart"
    register_tokens: str = "drop"
    resize: str = "squash"
    extras: tuple[str, ...] = ()
    attention_layer: int = -1

    def __post_init__(self) -> None:
        """Refuse settings that the architecture cannot serve."""
        _choice("class_token", self.class_token, ("apart", "append", "drop"))
        _choice("register_tokens", self.register_tokens, ("append", "drop"))
        _choice("resize", self.resize, ("squash", "letterbox", "crop"))
        if self.class_token == "append" and not self.architecture.class_token:
            raise ValueError(f"{self.name} has no class token to append")
        if self.register_tokens == "append" and not self.architecture.registers:
            raise ValueError(f"{self.name} has no register tokens to append")
        layers = [("feature_layer", self.feature_layer), ("attention_layer", self.attention_layer)]
        layers += [(f"extras {name!r}", level) for name, level in self.levels.items()]
        for rule, layer in layers:
            self._check_layer(rule, layer)
        if self.attention_layer == 0:
            raise ValueError("attention_layer counts blocks and cannot be 0, the embedded patches")
        if self.final_norm and not self.architecture.norm:
            raise ValueError(
                f"{self.name} has no final norm that applies to every token; set final_norm=False"
            )
        if self.architecture.convolutional:
            self._check_convolutional()
        elif "attention" in self.extras and not self.architecture.class_token:
            raise ValueError(f'{self.name} has no class token, so the extra "attention" does not exist')
        if "joint" in self.extras and not self.architecture.joint:
            raise ValueError(f"{self.name} has no joint space of image and text for single tokens")
        if len(set(self.extras)) != len(self.extras):
            raise ValueError(f"extras must differ, got {self.extras}")
        whole = all(side >= 1 and side % self.patch == 0 for side in self.image_size)
        if not whole and self.image_size != self.architecture.size:
            raise ValueError(
                f"image_size must be multiples of {self.patch}"
                f" or the native {self.architecture.size}, got {self.image_size}"
            )

    def _check_layer(self, rule: str, layer: int) -> None:
        depth, lowest = self.architecture.depth, int(self.architecture.convolutional)
        if not (-depth <= layer <= -1 or lowest <= layer <= depth):
            raise ValueError(f"{rule} must be -{depth}..-1 or {lowest}..{depth}, got {layer}")

    def _check_convolutional(self) -> None:
        if self.final_norm:
            raise ValueError(
                f"{self.name} has no final norm that applies to every position; set final_norm=False"
            )
        if self.extras:
            raise ValueError(f"{self.name} is convolutional and gives no extras, got {self.extras}")

    @property
    def levels(self) -> dict[str, int]:
        """The layer of each extra that names one."""
        levels = {}
        for name in self.extras:
            head, _, layer = name.partition("_")
            if head == "level" and layer.removeprefix("-").isdigit():
                levels[name] = int(layer)
            elif name not in EXTRAS:
                raise ValueError(f'extras are {", ".join(EXTRAS)} or "level_K", got {name!r}')
        return levels

    @property
    def blocks_used(self) -> int:
        """How many blocks the output's gradients reach, 0..depth; attention and keys are taken without gradients."""
        deepest = [self.feature_layer, *self.levels.values(), *([-1] if "joint" in self.extras else [])]
        return max(self.blocks_run(layer) for layer in deepest)

    @property
    def blocks_needed(self) -> int:
        """How many blocks the model must keep, 0..depth."""
        looks = "attention" in self.extras or "keys" in self.extras
        return max(self.blocks_used, self.blocks_run(self.attention_layer) if looks else 0)

    def blocks_run(self, layer: int | None = None) -> int:
        """How many blocks (or stages) stand behind a layer, 0..depth; the feature layer without argument."""
        layer = self.feature_layer if layer is None else layer
        return layer if layer >= 0 else self.architecture.depth + 1 + layer

    @property
    def patch(self) -> int:
        """Pixels of the image per side of a token's cell."""
        if self.architecture.convolutional:
            return self.architecture.stages[self.blocks_run() - 1].stride
        return self.architecture.patch

    @property
    def width(self) -> int:
        """Channels of a token."""
        if self.architecture.convolutional:
            return self.architecture.stages[self.blocks_run() - 1].width
        return self.architecture.width

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of the patch tokens."""
        return self.image_size[0] // self.patch, self.image_size[1] // self.patch

    @property
    def appended(self) -> int:
        """Tokens that stand behind the patches."""
        registers = self.architecture.registers if self.register_tokens == "append" else 0
        return int(self.class_token == "append") + registers

    @property
    def tokens(self) -> int:
        """Tokens per image."""
        return self.grid[0] * self.grid[1] + self.appended

    def to_json(self) -> str:
        """Every setting and fact, keys sorted, for a record or a hash."""
        return json.dumps(asdict(self), sort_keys=True)

    def digest(self) -> str:
        """SHA-256 of `to_json`, in hexadecimal."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


def _choice(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {value!r}")
