"""The configuration of a trial as frozen, validated settings; it nests as the model does."""

from typing import Annotated

from pydantic import Field, model_validator

from ablation_runner.study._data import Data
from ablation_runner.study._encoder import Encoder
from ablation_runner.study._model import Model
from ablation_runner.study._settings import Settings
from ablation_runner.study._tokens import Reducer, reducer_needs
from ablation_runner.study._training import Stage, Training


class Configuration(Settings):
    """Everything that determines a trial besides its seed and the engine."""

    data: Annotated[Data, Field(description="What is asked, and of which images.")] = Data()
    encoder: Annotated[Encoder, Field(description="The vision encoder.")] = Encoder()
    tokens: Annotated[Reducer, Field(description="Visual tokens per image.")] = Reducer()
    model: Annotated[Model, Field(description="Connector and language model.")]
    before: Annotated[list[Stage], Field(description="Stages of training before the last one.")] = Field(
        default_factory=list
    )
    training: Annotated[
        Training | None,
        Field(description="The last stage of training; left out where model.checkpoint has the weights."),
    ] = None
    replicate: Annotated[
        int,
        Field(
            ge=0,
            description="Another number draws initial weights, order of data and all else anew under the same seeds: the "
            "same arm once more. An arm that differs in it differs in nothing else.",
        ),
    ] = 0

    @property
    def trainings(self) -> tuple[Training, ...]:
        """The training of every stage, in their order; of a checkpoint those that it has been through, if it says so."""
        stages = tuple(stage.training for stage in self.before)
        return stages if self.training is None else (*stages, self.training)

    @property
    def pair_objectives(self) -> dict[str, float]:
        """Weights of the Q-Former's objectives that the last stage learns; empty where answers are written."""
        return self.training.pair_objectives if self.training else {}

    @property
    def trains_encoder(self) -> bool:
        """Whether a stage trains the encoder, so that pixels are read; else features are stored once."""
        return any(training.trains_encoder for training in self.trainings)

    @property
    def extras(self) -> tuple[str, ...]:
        """What the reducer reads besides the encoder's features."""
        return tuple(name for name in ("attention",) if name in reducer_needs(self.tokens.method))

    @model_validator(mode="after")
    def _has_weights(self) -> "Configuration":
        if self.training is None and self.model.checkpoint is None:
            raise ValueError(
                "training is missing (or, with stages = [], model.checkpoint: weights that are there)"
            )
        return self

    @model_validator(mode="after")
    def _serves_a_model_of_transformers(self) -> "Configuration":
        if not self.model.is_of_transformers:
            return self
        for name, settings, own in (("encoder", self.encoder, Encoder()), ("tokens", self.tokens, Reducer())):
            for key in type(settings).model_fields:
                if getattr(settings, key) != getattr(own, key):
                    raise ValueError(
                        f"{name}.{key} is set, and a model of transformers has an encoder and image tokens of its own: "
                        f"what can be set is data.* and model.checkpoint.*"
                    )
        if self.data.answers == "ranked":
            raise ValueError('a model of transformers writes its answers: set data.answers = "written"')
        return self

    @model_validator(mode="after")
    def _allocator_fits(self) -> "Configuration":
        if self.model.allocator is None:
            return self
        if self.training and not self.training.allocates:
            raise ValueError("the last stage is the one that is tested: its allocator chooses the tokens")
        for training in self.trainings:
            if training.allocates and not training.reads_text_alone and training.questions_per_image != 1:
                raise ValueError(
                    f"an allocator chooses tokens for one question: set training.questions_per_image = 1, "
                    f"got {training.questions_per_image}"
                )
        if self.trains_encoder:
            raise ValueError('an allocator reads stored features: set training.encoder = "frozen"')
        if self.data.answers == "ranked":
            raise ValueError('an allocator chooses tokens for one question: set data.answers = "written"')
        return self

    @model_validator(mode="after")
    def _encoder_can_be_trained(self) -> "Configuration":
        if self.trains_encoder and "generator" in reducer_needs(self.tokens.method):
            raise ValueError(
                f"tokens.method {self.tokens.method.name!r} draws tokens for a whole batch, which an encoder that is "
                f"trained does not hold at once; choose another or freeze the encoder"
            )
        return self

    @model_validator(mode="after")
    def _mixture_fits(self) -> "Configuration":
        if not self.encoder.mixed_with:
            return self
        if self.trains_encoder:
            raise ValueError('encoders that are mixed stay as they are: set training.encoder = "frozen"')
        if self.model.allocator is not None:
            raise ValueError("an allocator reads the features of one encoder: leave encoder.mixed_with out")
        if self.encoder.combine != "channels" and "grid" in reducer_needs(self.tokens.method):
            raise ValueError(
                f"tokens.method {self.tokens.method.name!r} needs a grid, which encoder.combine = "
                f'{self.encoder.combine!r} does not leave: choose another, or combine = "channels"'
            )
        return self

    @model_validator(mode="after")
    def _objectives_fit(self) -> "Configuration":
        pairs = [training.objectives for training in self.trainings if training.pair_objectives]
        if pairs and self.model.parts[0].name != "q-former":
            raise ValueError(
                f"training.objectives = {pairs[0]!r} are learned by a Q-Former: set model.connector to "
                f"'q-former', got {self.model.parts[0].name!r}"
            )
        if self.training and self.pair_objectives and self.data.answers != "ranked":
            raise ValueError(
                f'training.objectives = {self.training.objectives!r} write no answers: set data.answers = "ranked"'
            )
        if self.training and self.training.reads_text_alone:
            raise ValueError('the last stage sees images: objectives = "text" belongs to a stage before it')
        return self

    @model_validator(mode="after")
    def _budget_fits(self) -> "Configuration":
        encoder = self.encoder
        spec = encoder.spec(extras=self.extras)
        if self.tokens.budget > spec.tokens:
            names = " and ".join(member.name for member in encoder.members)
            raise ValueError(
                f"tokens.budget is {self.tokens.budget}, and {names} gives {spec.tokens} tokens at "
                f"{encoder.image_size} px"
            )
        return self
