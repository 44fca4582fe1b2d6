"""Connector, language model and allocator by name."""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from ablation_runner.study._checkpoint import Checkpoint
from ablation_runner.study._settings import Settings
from ablation_runner.study._variants import Variant


class Model(Settings):
    """The connector and the language model, each a variant with its options."""

    connector: Annotated[
        Variant | None, Field(description="Connector of vlm-fusion: a name, or a table with `name`.")
    ] = None
    language_model: Annotated[
        Variant | None, Field(description="Decoder of vlm-fusion: a name, or a table with `name`.")
    ] = None
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
    checkpoint: Annotated[
        Checkpoint | None,
        Field(
            description="Weights that are there already; with `stages = []`, in a study that trains nothing."
        ),
    ] = None

    @property
    def parts(self) -> tuple[Variant, Variant]:
        """Connector and language model of a model that is put together here.

        Raises:
            ValueError: a model of transformers has parts of its own.
        """
        if self.connector is None or self.language_model is None:
            raise ValueError("a model of transformers has a connector and a language model of its own")
        return self.connector, self.language_model

    @property
    def is_of_transformers(self) -> bool:
        """Whether the model is one of transformers, with parts, tokens and a processor of its own."""
        return self.checkpoint is not None and self.checkpoint.transformers is not None

    @field_validator("connector")
    @classmethod
    def _known_connector(cls, connector: Variant | None) -> Variant | None:
        from vlm_fusion import connector_options

        if connector is not None:
            connector_options(connector.name, **connector.options())
        return connector

    @field_validator("language_model")
    @classmethod
    def _known_language_model(cls, language_model: Variant | None) -> Variant | None:
        from vlm_fusion import language_model_options

        if language_model is not None:
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

    @model_validator(mode="after")
    def _whole(self) -> "Model":
        needed = ("connector", "language_model")
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if self.is_of_transformers and name != "checkpoint" and value != field.default:
                raise ValueError(f"{name} is given, and a model of transformers has all parts of its own")
            if not self.is_of_transformers and name in needed and value is None:
                raise ValueError(f"{name} is missing: a name, or a table with `name`")
        return self
