"""The configuration of a trial as frozen, validated settings; it nests as the model does."""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from ablation_runner.study._settings import Settings
from ablation_runner.study._variants import Variant, check_known

Part = Literal["allocator", "connector", "language_model"]
PARTS: tuple[Part, ...] = ("allocator", "connector", "language_model")


class Data(Settings):
    """What is asked, and of which images."""

    task: Annotated[
        Variant, Field(description="Task of vlm-tasks: a name, or a table with `name` and its options.")
    ] = Variant(name="easy-vqa")
    prompt: Annotated[str, Field(description="Prompt template of vlm-tasks.")] = "short-answer"
    images: Annotated[
        Literal["paired", "shuffled"], Field(description="Shuffled images make the blind control arm.")
    ] = "paired"
    validation_images: Annotated[
        int, Field(ge=1, description="Validation images whose loss is followed while training.")
    ] = 100
    limit: Annotated[int | None, Field(ge=1, description="Use only the first items of every split.")] = None

    @field_validator("task", mode="before")
    @classmethod
    def _name_alone(cls, value: object) -> object:
        return {"name": value} if isinstance(value, str) else value

    @field_validator("task")
    @classmethod
    def _known_task(cls, task: Variant) -> Variant:
        from vlm_tasks import list_tasks, task_options

        if ":" not in check_known("task", task.name, list_tasks()):
            task_options(task.name, **task.options())
        return task

    @field_validator("prompt")
    @classmethod
    def _known_prompt(cls, prompt: str) -> str:
        from vlm_tasks import list_prompts

        return check_known("prompt", prompt, list_prompts())


class Encoder(Settings):
    """The frozen vision encoder whose features are stored once."""

    name: Annotated[str, Field(description="Encoder of vlm-encoders.")] = "efficientnet-lite0"
    image_size: Annotated[int, Field(ge=1, description="Side of the square input, pixels.")] = 128
    feature_layer: Annotated[int, Field(description="Layer the features are read from; -1 is the last.")] = -2
    final_norm: Annotated[bool, Field(description="Apply the encoder's final norm to the features.")] = False

    @model_validator(mode="after")
    def _fits(self) -> "Encoder":
        from vlm_encoders import encoder_spec

        encoder_spec(
            self.name,
            image_size=self.image_size,
            feature_layer=self.feature_layer,
            final_norm=self.final_norm,
        )
        return self


class Reducer(Settings):
    """How the encoder's stored tokens are reduced to the budget, whenever they are read."""

    method: Annotated[
        Variant, Field(description="Reducer of token-budget: a name, or a table with `name`.")
    ] = Variant(name="average-pool")
    budget: Annotated[int, Field(ge=1, description="Visual tokens per image.")] = 16
    schedule: Annotated[
        Variant | None,
        Field(
            description="Budgets of the training steps, of token-budget: a name, or a table with `name`; "
            "left out, every step has the budget."
        ),
    ] = None

    @field_validator("method", "schedule", mode="before")
    @classmethod
    def _name_alone(cls, value: object) -> object:
        return {"name": value} if isinstance(value, str) else value

    @field_validator("method")
    @classmethod
    def _known_method(cls, method: Variant) -> Variant:
        if "relevance" in reducer_needs(method):
            raise ValueError(f"{method.name!r} ranks tokens by a relevance, which a study cannot supply")
        return method

    @field_validator("schedule")
    @classmethod
    def _known_schedule(cls, schedule: Variant | None) -> Variant | None:
        from token_budget import create_schedule

        if schedule is not None:
            create_schedule(schedule.name, schedule.options())
        return schedule


def reducer_needs(method: Variant) -> tuple[str, ...]:
    """What a reducer needs beside tokens and budget: "grid", "attention", "generator", ...

    Raises:
        ValueError: an unknown reducer or option.
    """
    from token_budget import reducer_options

    needs: tuple[str, ...] = reducer_options(method.name, method.options()).facts.needs
    return needs


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

    @field_validator("connector", "language_model", "allocator", mode="before")
    @classmethod
    def _name_alone(cls, value: object) -> object:
        return {"name": value} if isinstance(value, str) else value

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


class Training(Settings):
    """How long and on how much the model is trained; the same for every arm unless it is the factor."""

    steps: Annotated[int, Field(ge=1, description="Optimizer steps.")]
    images_per_step: Annotated[int, Field(ge=1, description="Images in a global batch.")] = 16
    questions_per_image: Annotated[
        int, Field(ge=1, description="Questions asked of each image, in one row.")
    ] = 8
    learning_rate: Annotated[float, Field(gt=0, description="Peak learning rate of AdamW.")] = 2e-3
    weight_decay: Annotated[float, Field(ge=0, description="AdamW weight decay of matrices.")] = 0.05
    validations: Annotated[
        int, Field(ge=1, description="Validation passes, evenly spread over training.")
    ] = 10
    parts: Annotated[
        list[Part],
        Field(min_length=1, description="What is trained; the rest keeps its weights."),
    ] = Field(default_factory=lambda: list(PARTS))


class Stage(Settings):
    """A stage of training before the last one; arms that agree up to it share it."""

    name: Annotated[str, Field(min_length=1, description="What the stage is called.")]
    objective: Annotated[
        Literal["answers", "text"],
        Field(description="Answers about images, or the same text without images (language model only)."),
    ] = "answers"
    training: Annotated[Training, Field(description="How long, on how much and which parts.")]

    @model_validator(mode="after")
    def _text_has_no_connector(self) -> "Stage":
        if self.objective == "text" and self.training.parts != ["language_model"]:
            raise ValueError('a stage on text alone trains parts = ["language_model"]')
        return self


class Configuration(Settings):
    """Everything that determines a trial besides its seed and the engine."""

    data: Annotated[Data, Field(description="What is asked, and of which images.")] = Data()
    encoder: Annotated[Encoder, Field(description="The vision encoder.")] = Encoder()
    tokens: Annotated[Reducer, Field(description="Visual tokens per image.")] = Reducer()
    model: Annotated[Model, Field(description="Connector and language model.")]
    before: Annotated[list[Stage], Field(description="Stages of training before the last one.")] = Field(
        default_factory=list
    )
    training: Annotated[Training, Field(description="The last stage of training.")]

    @model_validator(mode="after")
    def _one_question_per_row(self) -> "Configuration":
        for training in (self.training, *(stage.training for stage in self.before)):
            if self.model.allocator and training.questions_per_image != 1:
                raise ValueError(
                    f"an allocator chooses tokens for one question: set training.questions_per_image = 1, "
                    f"got {training.questions_per_image}"
                )
        return self

    @model_validator(mode="after")
    def _budget_fits(self) -> "Configuration":
        from vlm_encoders import encoder_spec

        encoder = self.encoder
        spec = encoder_spec(
            encoder.name,
            image_size=encoder.image_size,
            feature_layer=encoder.feature_layer,
            final_norm=encoder.final_norm,
            extras=tuple({"attention"} & set(reducer_needs(self.tokens.method))),
        )
        rows, columns = spec.grid
        if self.tokens.budget > rows * columns:
            raise ValueError(
                f"tokens.budget is {self.tokens.budget}, and {encoder.name} gives {rows} × {columns} tokens "
                f"at {encoder.image_size} px"
            )
        return self
