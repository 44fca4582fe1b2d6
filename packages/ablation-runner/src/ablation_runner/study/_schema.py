"""The study file as a whole: the question, the baseline, what varies, and what is claimed."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from ablation_runner.study._command import Command, OwnSettings
from ablation_runner.study._configuration import Configuration
from ablation_runner.study._engine import Engine
from ablation_runner.study._factors import Changes, Design, Factor, Tuning
from ablation_runner.study._recommendation import ToChooseFrom
from ablation_runner.study._scales import CPU
from ablation_runner.study._seeds import Seeds, SeedsAsNeeded
from ablation_runner.study._settings import Settings

AS_TRAINED = "as-trained"
# What a trained model may be tested under without training it again.
CONDITION_PATHS = (
    "tokens.",
    "encoder.image_size",
    "data.images",
    "data.limit",
    "model.allocator",
    "model.checkpoint.processor",
)


class Arm(Settings):
    """An arm written out by hand; it may differ from the baseline only under its factors' paths."""

    factors: Annotated[list[str], Field(min_length=1, description="Names of the factors it sets.")]
    set: Annotated[dict[str, Any], Field(description="Dotted path to value.")]


class Claim(Settings):
    """What the study is to judge, fixed before the first result."""

    text: Annotated[str, Field(min_length=1, description="The claim in words.")]
    arm: Annotated[
        str, Field(description="The arm it is about; tested under a condition: 'ARM @ CONDITION'.")
    ]
    against: Annotated[
        str | None, Field(description="The arm it is compared with; the baseline if left out.")
    ] = None
    kind: Annotated[
        Literal["better", "worse", "equivalent", "not-worse"],
        Field(description="What is claimed of the arm."),
    ]
    margin: Annotated[
        float, Field(ge=0, description="In the metric's unit: 0.01 is one point of accuracy.")
    ] = 0.0
    type: Annotated[
        str | None,
        Field(min_length=1, description="The type of the questions that count; all questions if left out."),
    ] = None


class Study(Settings):
    """A whole study file: a `TrainedStudy`, or a `CommandStudy` where its engine is a command."""

    title: Annotated[str, Field(min_length=1, description="Heading of the report.")]
    question: Annotated[str, Field(min_length=1, description="What the study asks.")]
    metric: Annotated[
        str, Field(description="Metric that the claims are about: of vlm-tasks, or one a command reports.")
    ] = "exact_match"
    seeds: Annotated[
        Seeds,
        Field(
            description="A list of training seeds, the same for every arm; or a table, such as "
            '{ min = 3, max = 10, until = "decided" }, which adds seeds to the arms whose claims are undecided.'
        ),
    ]
    stages: Annotated[
        list[Any] | None,
        Field(
            max_length=0,
            description="`[]` where nothing is trained: the weights are those of model.checkpoint. Else left out; stages are "
            "baseline.before and baseline.training.",
        ),
    ] = None
    baseline: Annotated[
        Configuration | OwnSettings, Field(description="The configuration all arms are compared with.")
    ]
    factors: Annotated[dict[str, Factor], Field(min_length=1, description="What varies.")]
    design: Annotated[Design, Field(description="How the factors' levels are combined into arms.")] = Design()
    match: Annotated[
        Literal["none", "parameters", "macs"],
        Field(description="Solve each arm's connector width so that its cost is the baseline's, to 1 %."),
    ] = "none"
    tuning: Annotated[
        Tuning | None, Field(description="A value picked for every arm on validation, before its trials.")
    ] = None
    arms: Annotated[dict[str, Arm], Field(description="Further arms, written out.")] = Field(
        default_factory=dict
    )
    conditions: Annotated[
        dict[str, Changes],
        Field(
            description="Further conditions every trained model is tested under, without training it again: "
            "name to a table of path and value (tokens.*, encoder.image_size, data.images, data.limit, model.allocator, "
            "model.checkpoint.processor)."
        ),
    ] = Field(default_factory=dict)
    engine: Annotated[
        Engine | Command, Field(description="How DeepSpeed trains, or a command that does; for all arms.")
    ] = Engine()
    blind: Annotated[
        Changes | None,
        Field(
            min_length=1,
            description="With a command: setting to value of the control arm that sees nothing of use, such as "
            '{ images = "shuffled" }. Without one no claim of equivalence can be shown.',
        ),
    ] = None
    claims: Annotated[list[Claim], Field(description="What the report judges.")] = Field(default_factory=list)
    recommendation: ToChooseFrom = ToChooseFrom()
    stands_for: Annotated[
        str | None, Field(min_length=1, description="What the models and data of this scale stand for.")
    ] = None
    scale: Annotated[
        str, Field(pattern=r"^[\w-]+$", description="What the scale of the file as it stands is called.")
    ] = CPU
    scales: Annotated[
        dict[str, dict[str, Any]],
        Field(
            description="Name of another scale, for --scale, to what is other there: a table of the keys of this "
            "file, which is merged into it."
        ),
    ] = Field(default_factory=dict)

    @property
    def generalizes_to(self) -> Literal["both", "items"]:
        """What inference is over: items alone where one checkpoint is tested, else training runs and items."""
        return "items" if self.stages is not None and len(self.all_seeds) == 1 else "both"

    @field_validator("seeds")
    @classmethod
    def _distinct_seeds(cls, seeds: Seeds) -> Seeds:
        if isinstance(seeds, list) and (len(set(seeds)) != len(seeds) or min(seeds) < 0):
            raise ValueError(f"seeds must be distinct and not negative, got {seeds}")
        return seeds

    @field_validator("conditions")
    @classmethod
    def _testable_conditions(cls, conditions: dict[str, Changes]) -> dict[str, Changes]:
        for name, changes in conditions.items():
            if name == AS_TRAINED or "@" in name:
                raise ValueError(f"a condition may not be called {name!r}")
            if not changes:
                raise ValueError(f"condition {name!r} sets nothing")
            for path in changes:
                if not path.startswith(CONDITION_PATHS):
                    raise ValueError(
                        f"condition {name!r} sets {path}, which needs training; a condition may set "
                        f"{', '.join(f'{each}*' if each.endswith('.') else each for each in CONDITION_PATHS)}"
                    )
        return conditions

    @model_validator(mode="after")
    def _decidable_seeds(self) -> "Study":
        if self.seeds_as_needed is None:
            return self
        if not self.claims:
            raise ValueError(
                "seeds are added until the claims are decided, and the study has no claims; give a list of seeds"
            )
        if self.design.kind == "greedy-sequential":
            raise ValueError(
                "seeds as needed cannot be combined with design.kind = 'greedy-sequential': each level is picked by the "
                "mean over all seeds, so later seeds would change which arms there are; give a list of seeds"
            )
        return self

    @property
    def seeds_as_needed(self) -> SeedsAsNeeded | None:
        """The rule that adds seeds; None where they are a list."""
        return self.seeds if isinstance(self.seeds, SeedsAsNeeded) else None

    @property
    def all_seeds(self) -> list[int]:
        """Every seed that an arm may be trained under."""
        return self.seeds if isinstance(self.seeds, list) else list(range(self.seeds.max))

    @model_validator(mode="after")
    def _separate_scales(self) -> "Study":
        for name, changes in self.scales.items():
            if name == self.scale:
                raise ValueError(f"scales.{name}: {name!r} is what the file itself is at; change it there")
            if taken := {"scale", "scales"} & set(changes):
                raise ValueError(f"scales.{name}: a scale may not set {min(taken)!r}")
        return self

    @model_validator(mode="after")
    def _separate_factors(self) -> "Study":
        owners: dict[str, str] = {}
        for name, factor in self.factors.items():
            for path in factor.paths or [str(factor.path)]:
                if path in owners:
                    raise ValueError(f"factors {owners[path]!r} and {name!r} both set {path}")
                owners[path] = name
        if self.tuning and self.tuning.path in owners:
            raise ValueError(
                f"tuning.path {self.tuning.path} is what factor {owners[self.tuning.path]!r} varies"
            )
        return self
