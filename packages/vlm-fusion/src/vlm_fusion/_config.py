"""The configuration of a vision-language model, as `transformers` saves and loads it."""

from collections.abc import Mapping
from dataclasses import asdict
from difflib import get_close_matches
from typing import Any

from transformers import AutoConfig, PreTrainedConfig

from ._checks import FEATURE_NORMS, require_count, require_member
from ._language_options import AdaptationOptions
from ._names import build_options, nearest_name
from ._options import connector_options as options_of

OWN = (
    "adaptation",
    "connector",
    "connector_options",
    "feature_norm",
    "prefix_attention",
    "text_config",
    "vision_width",
)


class VisionLanguageConfig(PreTrainedConfig):  # type: ignore[misc]  # transformers is not followed by mypy
    """What a `VisionLanguageModel` is made of.

    Args:
        text_config: configuration of the causal language model.
        vision_width: units of the visual tokens that come in.
        connector: one of `list_connectors()`, or `package.module:Name`.
        connector_options: options by name; all of them are stored, defaults too.
        prefix_attention: `causal` or `bidirectional` among the visual tokens.
        feature_norm: `none`, or `layer`: each visual token is first brought to mean 0 and variance 1
            (without parameters), as an encoder's final norm would.
        adaptation: options of `AdaptationOptions` by name; None trains the language model in full.

    Raises:
        ValueError: a value is unknown or out of range, or an option is all but one of these.
    """

    model_type = "vlm_fusion"
    sub_configs = {"text_config": AutoConfig}  # noqa: RUF012  # the name and the kind are transformers'

    def __init__(
        self,
        *,
        text_config: Any = None,
        vision_width: int = 768,
        connector: str = "mlp",
        connector_options: Mapping[str, Any] | None = None,
        prefix_attention: str = "causal",
        feature_norm: str = "none",
        adaptation: Mapping[str, Any] | None = None,
        **others: Any,
    ) -> None:
        owner = "VisionLanguageConfig"
        for name in others:
            # transformers keeps whatever it does not know: a misspelt option would be lost without a word.
            if get_close_matches(name, OWN, n=1, cutoff=0.8):
                raise nearest_name(f"option of {owner}", name, OWN)
        require_count(owner, vision_width=vision_width)
        require_member(owner, "prefix_attention", prefix_attention, ("causal", "bidirectional"))
        require_member(owner, "feature_norm", feature_norm, FEATURE_NORMS)
        if text_config is None:
            text_config = AutoConfig.for_model("llama")
        elif isinstance(text_config, Mapping):
            text_config = AutoConfig.for_model(**text_config)
        others.setdefault("tie_word_embeddings", getattr(text_config, "tie_word_embeddings", False))
        # First the parent, which would reset the language model's choice of attention.
        super().__init__(**others)
        self.text_config = text_config
        self.vision_width = vision_width
        self.connector = connector
        self.connector_options = asdict(options_of(connector, **(connector_options or {})))
        self.prefix_attention = prefix_attention
        self.feature_norm = feature_norm
        self.adaptation = asdict(
            build_options("adaptation", AdaptationOptions, _with_tuple(adaptation or {}))
        )


def _with_tuple(adaptation: Mapping[str, Any]) -> dict[str, Any]:
    """The options with `targets` as a tuple again, which JSON keeps as a list."""
    return {key: tuple(value) if key == "targets" else value for key, value in adaptation.items()}
