"""From a configuration to a model, every component under its own stream of the trial's seed."""

from typing import Any

from transformers import PreTrainedTokenizerBase

from ablation_runner.study import Configuration
from ablation_runner.trial._allocating import AllocatingModel
from ablation_runner.trial._seeding import seeded_init
from relevance_allocator import create_allocator
from vlm_fusion import VisionLanguageConfig, VisionLanguageModel, create_connector, create_language_model


def assemble_model(
    configuration: Configuration, tokenizer: PreTrainedTokenizerBase, *, vision_width: int, seed: int
) -> VisionLanguageModel:
    """The model of a configuration: arms that share a component share its initial weights bit for bit.

    Args:
        configuration: which connector, language model and allocator.
        tokenizer: the language model's words.
        vision_width: width of the encoder's tokens.
        seed: the trial's seed.
    """
    connector, language = configuration.model.connector, configuration.model.language_model
    with seeded_init(seed, "language_model"):
        language_model: Any = create_language_model(language.name, tokenizer=tokenizer, **language.options())
    with seeded_init(seed, "connector"):
        made = create_connector(
            connector.name,
            vision_width=vision_width,
            language_width=language_model.config.hidden_size,
            language_layers=language_model.config.num_hidden_layers,
            **connector.options(),
        )
    config = VisionLanguageConfig(
        text_config=language_model.config,
        vision_width=vision_width,
        connector=connector.name,
        connector_options=connector.options(),
        prefix_attention=configuration.model.prefix_attention,
        feature_norm=configuration.model.feature_norm,
    )
    if configuration.model.allocator is None:
        return VisionLanguageModel(config, connector=made, language_model=language_model)
    with seeded_init(seed, "allocator"):
        allocator = create_allocator(
            configuration.model.allocator.name,
            dim=vision_width,
            query_dim=language_model.config.hidden_size,
            budget=configuration.tokens.budget,
            **configuration.model.allocator.options(),
        )
    return AllocatingModel(config, allocator=allocator, connector=made, language_model=language_model)
