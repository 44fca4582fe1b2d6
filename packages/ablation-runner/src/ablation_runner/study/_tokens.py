"""How many visual tokens an image gets, and which."""

from typing import Annotated

from pydantic import Field, field_validator

from ablation_runner.study._settings import Settings
from ablation_runner.study._variants import Variant


class Reducer(Settings):
    """How the encoder's stored tokens are reduced to the budget, whenever they are read."""

    method: Annotated[
        Variant, Field(description="Reducer of token-budget, or one's own: a name, or a table with `name`.")
    ] = Variant(name="average-pool")
    budget: Annotated[int, Field(ge=1, description="Visual tokens per image.")] = 16
    schedule: Annotated[
        Variant | None,
        Field(
            description="Budgets of the training steps, of token-budget: a name, or a table with `name`; "
            "left out, every step has the budget."
        ),
    ] = None

    @field_validator("method")
    @classmethod
    def _known_method(cls, method: Variant) -> Variant:
        if "relevance" in reducer_needs(method):
            raise ValueError(f"{method.name!r} ranks tokens by a relevance, which a study cannot supply")
        return method

    @field_validator("schedule")
    @classmethod
    def _known_schedule(cls, schedule: Variant | None) -> Variant | None:
        return known_schedule(schedule)


def known_schedule(schedule: Variant | None) -> Variant | None:
    """The schedule, where token-budget has it.

    Raises:
        ValueError: an unknown schedule or option.
    """
    if schedule is not None:
        from token_budget import create_schedule

        create_schedule(schedule.name, schedule.options())
    return schedule


def reducer_needs(method: Variant) -> tuple[str, ...]:
    """What a reducer needs beside tokens and budget; see `token_budget.reducer_needs`.

    Raises:
        ValueError: an unknown reducer or option.
    """
    from token_budget import reducer_needs as needs_of

    needs: tuple[str, ...] = needs_of(method.name, method.options())
    return needs
