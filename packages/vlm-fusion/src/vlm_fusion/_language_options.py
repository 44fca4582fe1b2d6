"""The options of the language models, and the table of their names. Free of torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ._checks import require_count, require_divides, require_member, require_positive
from ._names import build_options, nearest_name

ADAPTATIONS = ("full", "frozen", "lora")


@dataclass(frozen=True, kw_only=True)
class DecoderOptions:
    """A small decoder with fresh weights, of an architecture of `transformers`.

    Attributes:
        architecture: `llama` or `qwen2`.
        width: units of a word vector.
        depth: layers.
        heads: attention heads; they divide the width.
        key_value_heads: heads of keys and values; None is `heads`.
        feed_forward: hidden units of a layer's feed-forward; None is twice the width.
        context: longest row, visual tokens included.
        initializer_range: standard deviation of the initial linear weights.
        embedding_std: standard deviation of the initial word vectors; None is `initializer_range`. (Small decoders
            learn faster from larger word vectors.)
        tie_embeddings: whether the output layer shares the word vectors.
    """

    architecture: str = "llama"
    width: int = 96
    depth: int = 2
    heads: int = 4
    key_value_heads: int | None = None
    feed_forward: int | None = None
    context: int = 512
    initializer_range: float = 0.1
    embedding_std: float | None = 0.3
    tie_embeddings: bool = False

    def __post_init__(self) -> None:
        """Checks the ranges."""
        owner = "DecoderOptions"
        require_member(owner, "architecture", self.architecture, ("llama", "qwen2"))
        require_count(
            owner,
            width=self.width,
            depth=self.depth,
            heads=self.heads,
            key_value_heads=1 if self.key_value_heads is None else self.key_value_heads,
            feed_forward=1 if self.feed_forward is None else self.feed_forward,
            context=self.context,
        )
        require_positive(
            owner,
            initializer_range=self.initializer_range,
            embedding_std=1.0 if self.embedding_std is None else self.embedding_std,
        )
        require_divides(owner, self.heads, self.width, "heads")
        if self.key_value_heads is not None:
            require_divides(owner, self.key_value_heads, self.heads, "key_value_heads")
        if (self.width // self.heads) % 2:
            raise ValueError(
                f"{owner}: width / heads must be even for rotary positions, got {self.width // self.heads}"
            )


@dataclass(frozen=True, kw_only=True)
class PretrainedOptions:
    """A pretrained causal language model, loaded by `transformers` from its hub, cache or a folder.

    Attributes:
        repository: the model's name or folder.
        revision: commit, tag or branch; a commit makes the study repeatable.
        depth: layers that are kept, from the first; None keeps all.
        pretrained: false builds the same architecture with fresh weights (no language pretraining).
    """

    repository: str
    revision: str | None = None
    depth: int | None = None
    pretrained: bool = True

    def __post_init__(self) -> None:
        """Checks the ranges."""
        require_count("PretrainedOptions", depth=1 if self.depth is None else self.depth)


@dataclass(frozen=True, kw_only=True)
class AdaptationOptions:
    """Which of a language model's weights train.

    Attributes:
        mode: `full`, `frozen` or `lora` (low-rank additions, arXiv 2106.09685).
        rank: rank of the additions.
        scale: factor on the additions (LoRA's alpha / rank).
        targets: names of the linear layers that get one.
    """

    mode: str = "full"
    rank: int = 8
    scale: float = 2.0
    targets: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj")

    def __post_init__(self) -> None:
        """Checks the ranges."""
        require_member("AdaptationOptions", "mode", self.mode, ADAPTATIONS)
        require_count("AdaptationOptions", rank=self.rank, targets=len(self.targets))
        require_positive("AdaptationOptions", scale=self.scale)


LANGUAGE_MODELS: Mapping[str, tuple[type, Mapping[str, Any]]] = {
    "llama-3.2-1b": (PretrainedOptions, {"repository": "meta-llama/Llama-3.2-1B"}),
    "llama-tiny": (DecoderOptions, {"architecture": "llama"}),
    "qwen2-tiny": (DecoderOptions, {"architecture": "qwen2"}),
    "qwen2.5-0.5b": (PretrainedOptions, {"repository": "Qwen/Qwen2.5-0.5B"}),
    "qwen2.5-1.5b": (PretrainedOptions, {"repository": "Qwen/Qwen2.5-1.5B"}),
    "smollm2-135m": (PretrainedOptions, {"repository": "HuggingFaceTB/SmolLM2-135M"}),
    "smollm2-360m": (PretrainedOptions, {"repository": "HuggingFaceTB/SmolLM2-360M"}),
}


def list_language_models() -> list[str]:
    """Names that `create_language_model` knows, sorted.

    >>> "llama-tiny" in list_language_models()
    True
    """
    return sorted(LANGUAGE_MODELS)


def language_model_options(name: str, **given: Any) -> DecoderOptions | PretrainedOptions:
    """The checked options of a language model; what is not given keeps the preset's value.

    Args:
        name: one of `list_language_models()`.
        given: options by name.

    Raises:
        ValueError: the name or an option is unknown, or a value is out of range.

    >>> language_model_options("llama-tiny", depth=3).depth
    3
    """
    if name not in LANGUAGE_MODELS:
        raise nearest_name("language model", name, LANGUAGE_MODELS)
    kind, preset = LANGUAGE_MODELS[name]
    options = build_options(name, kind, {**preset, **given})
    assert isinstance(options, DecoderOptions | PretrainedOptions)
    return options
