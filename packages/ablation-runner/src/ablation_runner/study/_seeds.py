"""Training seeds: a list, the same for every arm, or as many as the claims need between two numbers."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from ablation_runner.study._settings import Settings

# What a value of seeds is taken for; pydantic puts it into the location of an error, where no key is called so.
SEED_LIST, SEED_RULE = "<list>", "<rule>"


class SeedsAsNeeded(Settings):
    """Seeds 0, 1, 2, ...: a few for every arm, then one at a time for the arms of claims that are not decided."""

    min: Annotated[
        int, Field(ge=2, description="Seeds of every arm, after which the claims are first looked at.")
    ]
    max: Annotated[int, Field(description="Seeds after which an arm gets no more, whatever its claims say.")]
    until: Annotated[Literal["decided"], Field(description="When a claim's arms get no more seeds.")]
    spending: Annotated[
        Literal["obrien-fleming", "pocock"],
        Field(
            description="How the error is spent over the looks: hardly any early on and nearly all at max "
            "(obrien-fleming), or about evenly, so that clear claims end early and others need more (pocock)."
        ),
    ] = "obrien-fleming"

    @model_validator(mode="after")
    def _adds_any(self) -> "SeedsAsNeeded":
        if self.max <= self.min:
            raise ValueError(f"max must be above min = {self.min}, got {self.max}; or give a list of seeds")
        return self

    @property
    def looks(self) -> tuple[int, ...]:
        """Numbers of seeds after which a claim is looked at, if it is still open."""
        return tuple(range(self.min, self.max + 1))


def _kind(value: Any) -> str:
    return SEED_RULE if isinstance(value, dict | SeedsAsNeeded) else SEED_LIST


Seeds = Annotated[
    Annotated[list[int], Field(min_length=1), Tag(SEED_LIST)] | Annotated[SeedsAsNeeded, Tag(SEED_RULE)],
    Discriminator(_kind),
]
