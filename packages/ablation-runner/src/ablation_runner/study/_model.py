"""Connector, language model and allocator by name."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from ablation_runner.study._settings import Settings
from ablation_runner.study._variants import Variant


class Model(Settings):
    """The connector and the language model, each a variant with its options."""

    connector: Annotated[
        Variant, Field(description="Connector of vlm-fusion: a name, or a table with `name`.")
    ]
    language_model: Annotated[
        Variant, Field(description="Decoder of vlm-fusion: a name, or a table with `name`.")
    ]
    allocator: Annotated[
        Variant | None,
        Field(
            description="Allocator of relevance-allocator, which chooses tokens.budget tokens for each question: "
            "a name, or a table with `name`; left out, the reducer serves all questions of an image alike."
        ),
    ] = None
    prefix_attention: Annotated[
        Literal["causal", "bidirectional"],
        Field(description="Whether visual tokens see later visual tokens."),
    ] = "causal"
    feature_norm: Annotated[
        Literal["none", "layer"], Field(description="Bring each visual token to mean 0 and variance 1 first.")
    ] = "none"

    @field_validator("connector")
    @classmethod
    def _known_connector(cls, connector: Variant) -> Variant:
        from vlm_fusion import connector_options

        connector_options(connector.name, **connector.options())
        return connector

    @field_validator("language_model")
    @classmethod
    def _known_language_model(cls, language_model: Variant) -> Variant:
        from vlm_fusion import language_model_options

        language_model_options(language_model.name, **language_model.options())
        return language_model

    @field_validator("allocator")
    @classmethod
    def _known_allocator(cls, allocator: Variant | None) -> Variant | None:
        from relevance_allocator import allocator_options

        if allocator is not None:
            if "budget" in allocator.options():
                raise ValueError("the budget of an allocator is tokens.budget")
            allocator_options(allocator.name, allocator.options())
        return allocator
