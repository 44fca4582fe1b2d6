"""How a model is trained, in one stage or several."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, field_validator, model_validator

from ablation_runner.study._engine import LearningRateSchedule
from ablation_runner.study._objectives import ANSWERS, TEXT, pair_options, parse_objectives
from ablation_runner.study._settings import Settings
from ablation_runner.study._tokens import known_schedule
from ablation_runner.study._variants import Variant

if TYPE_CHECKING:
    from vlm_fusion import ObjectiveOptions

Part = Literal["allocator", "connector", "language_model"]
TrainedPart = Literal["allocator", "connector", "language_model", "encoder"]
PARTS: tuple[Part, ...] = ("allocator", "connector", "language_model")


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
    objectives: Annotated[
        str,
        Field(
            description="What is learned: `answers` about images, `text` (the same without images), or objectives of a "
            "Q-Former joined by +, with weights: `contrastive + 0.5 matching`."
        ),
    ] = ANSWERS
    schedule: Annotated[
        Variant | None,
        Field(
            description="Budgets of this stage's steps, of token-budget; those of tokens.schedule if left out."
        ),
    ] = None
    allocates: Annotated[
        bool,
        Field(
            description="Whether the model's allocator chooses the tokens; else the reducer does, in this stage."
        ),
    ] = True
    encoder: Annotated[
        Variant,
        Field(
            description="What of the encoder is trained: `frozen`, `full`, `last-2-blocks`, `norm-only` or `lora`."
        ),
    ] = Variant(name="frozen")
    learning_rates: Annotated[
        dict[TrainedPart, Annotated[float, Field(gt=0)]],
        Field(
            description="Peak learning rates of parts that do not have the common one: `{ connector = 1e-3, encoder = 1e-5 }`."
        ),
    ] = Field(default_factory=dict)
    learning_rate_schedules: Annotated[
        dict[TrainedPart, LearningRateSchedule],
        Field(description='Schedules of parts that do not have the engine\'s: `{ encoder = "constant" }`.'),
    ] = Field(default_factory=dict)
    parts: Annotated[
        list[Part],
        Field(description="What is trained besides the encoder; the rest keeps its weights."),
    ] = Field(default_factory=lambda: list(PARTS))

    @field_validator("encoder")
    @classmethod
    def _known_training(cls, encoder: Variant) -> Variant:
        from vlm_encoders import training_options

        training_options(encoder.name, **encoder.options())
        return encoder

    @field_validator("schedule")
    @classmethod
    def _known_schedule(cls, schedule: Variant | None) -> Variant | None:
        return known_schedule(schedule)

    @field_validator("objectives")
    @classmethod
    def _known_objectives(cls, text: str) -> str:
        parse_objectives(text)
        return text

    @model_validator(mode="after")
    def _something_is_trained(self) -> "Training":
        if not self.parts and not self.trains_encoder:
            raise ValueError('parts must name what is trained, unless encoder is trained (it is "frozen")')
        if self.reads_text_alone and (self.trains_encoder or self.parts != ["language_model"]):
            raise ValueError('objectives = "text" trains parts = ["language_model"] and no encoder')
        if self.pair_objectives and self.questions_per_image != 1:
            raise ValueError(
                f"objectives = {self.objectives!r} take one text per image: set questions_per_image = 1, "
                f"got {self.questions_per_image}"
            )
        return self

    @model_validator(mode="after")
    def _rates_are_of_trained_parts(self) -> "Training":
        trained = [*self.parts, *(["encoder"] if self.trains_encoder else [])]
        for field in ("learning_rates", "learning_rate_schedules"):
            for part in getattr(self, field):
                if part not in trained:
                    raise ValueError(f"{field} names {part}, which is not trained: {', '.join(trained)} are")
        return self

    @property
    def trains_encoder(self) -> bool:
        """Whether anything of the encoder is trained."""
        return self.encoder.name != "frozen"

    @property
    def reads_text_alone(self) -> bool:
        """Whether there are no images."""
        return self.objectives.strip() == TEXT

    @property
    def pair_objectives(self) -> dict[str, float]:
        """Weights of the Q-Former's objectives, by name; empty where answers or text are learned."""
        weights = parse_objectives(self.objectives)
        return {} if set(weights) & {ANSWERS, TEXT} else weights

    def objective_options(self, *, accumulation: int = 1) -> "ObjectiveOptions | None":
        """The options of the Q-Former's objectives; None where answers or text are learned.

        Raises:
            ValueError: an objective that compares all pairs of a batch, and micro-batches.
        """
        weights = self.pair_objectives
        return pair_options(weights, accumulation=accumulation) if weights else None


class Stage(Settings):
    """A stage of training before the last one; arms that agree up to it share it."""

    name: Annotated[str, Field(min_length=1, description="What the stage is called.")]
    training: Annotated[Training, Field(description="How long, on how much, on what and which parts.")]
