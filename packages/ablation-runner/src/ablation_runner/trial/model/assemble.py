"""From a configuration to a model, every component under its own stream of the trial's seed."""

from typing import Any

from transformers import PreTrainedTokenizerBase

from ablation_runner.study import Configuration
from ablation_runner.trial._allocating import AllocatingModel
from ablation_runner.trial._seeding import seeded_init
from ablation_runner.trial.inputs.images import make_encoder
from ablation_runner.trial.inputs.pairs import objective_heads
from relevance_allocator import RelevanceAllocator, create_allocator
from vlm_fusion import VisionLanguageConfig, VisionLanguageModel, create_connector, create_language_model


def assemble_model(
    configuration: Configuration, tokenizer: PreTrainedTokenizerBase, *, seed: int
) -> VisionLanguageModel:
    """The model of a configuration: arms that share a component share its initial weights bit for bit.

    It holds the encoder where a stage trains it, and in `objectives` the heads of a Q-Former's objectives where a stage
    has such objectives.

    Args:
        configuration: which encoder, connector, language model and allocator.
        tokenizer: the language model's words.
        seed: the trial's seed.
    """
    connector, language = configuration.model.parts
    vision_width, options = configuration.encoder.spec().width, connector.options()
    pairs = any(training.pair_objectives for training in configuration.trainings)
    if pairs:
        options["vocabulary"] = len(tokenizer)
    with seeded_init(seed, "language_model"):
        language_model: Any = create_language_model(language.name, tokenizer=tokenizer, **language.options())
    with seeded_init(seed, "connector"):
        made = create_connector(
            connector.name,
            vision_width=vision_width,
            language_width=language_model.config.hidden_size,
            language_layers=language_model.config.num_hidden_layers,
            **options,
        )
    config = VisionLanguageConfig(
        text_config=language_model.config,
        vision_width=vision_width,
        connector=connector.name,
        connector_options=options,
        prefix_attention=configuration.model.prefix_attention,
        feature_norm=configuration.model.feature_norm,
    )
    parts = {"connector": made, "language_model": language_model}
    if configuration.model.allocator is not None:
        allocator = make_allocator(configuration, language_model.config.hidden_size, seed=seed)
        return AllocatingModel(config, allocator=allocator, **parts)
    trained = configuration.trains_encoder
    encoder = make_encoder(configuration.encoder, seed, extras=configuration.extras) if trained else None
    model = VisionLanguageModel(config, encoder=encoder, **parts)
    if pairs:
        with seeded_init(seed, "objectives"):
            model.objectives = objective_heads(model)
    return model


def make_allocator(configuration: Configuration, query_dim: int, *, seed: int) -> RelevanceAllocator:
    """The allocator of a configuration that has one, with fresh weights.

    Args:
        configuration: which allocator, of what tokens.
        query_dim: width of the question's token embeddings.
        seed: the trial's seed.
    """
    allocator = configuration.model.allocator
    assert allocator is not None
    with seeded_init(seed, "allocator"):
        return create_allocator(
            allocator.name,
            dim=configuration.encoder.spec().width,
            query_dim=query_dim,
            budget=configuration.tokens.budget,
            **allocator.options(),
        )
