"""The parts of a vision-language model that its configuration describes: made fresh, and checked when given."""

from typing import Any

from torch import nn
from transformers import AutoModelForCausalLM, PreTrainedModel

from ._adaptation import adapt_language_model, is_adapted
from ._config import VisionLanguageConfig
from ._create import create_connector
from ._decoder import require_decoder
from ._language_options import AdaptationOptions


def fresh_language_model(config: VisionLanguageConfig) -> PreTrainedModel:
    """A language model with fresh weights, adapted as the configuration says."""
    language_model = AutoModelForCausalLM.from_config(config.text_config)
    adapt_language_model(language_model, AdaptationOptions(**config.adaptation))
    return language_model


def fresh_connector(config: VisionLanguageConfig, language_width: int) -> nn.Module:
    """The connector that the configuration describes, for a language model of `language_width` units."""
    return create_connector(
        config.connector,
        vision_width=config.vision_width,
        language_width=language_width,
        language_layers=config.text_config.num_hidden_layers,
        **config.connector_options,
    )


def require_fitting(language_model: Any, config: VisionLanguageConfig) -> None:
    """Refuses a language model that cannot read rows with images, or is not adapted as the configuration says.

    Raises:
        ValueError: as said.
    """
    require_decoder(language_model)
    mode = config.adaptation["mode"]
    if is_adapted(language_model) != (mode == "lora"):
        raise ValueError(
            f"the configuration's adaptation is {mode!r}, and the language model given "
            f"{'carries' if is_adapted(language_model) else 'lacks'} low-rank additions"
        )


def keep_weights(model: nn.Module) -> None:
    """Marks every part as initialised, so that `post_init` of `transformers` draws nothing anew.

    Not on the meta device: there `from_pretrained` still has to fill the buffers that no checkpoint holds.
    """
    if not any(parameter.is_meta for parameter in model.parameters()):
        for module in model.modules():
            module._is_hf_initialized = True  # type: ignore[assignment]  # transformers' own mark
