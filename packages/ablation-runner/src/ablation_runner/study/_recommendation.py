"""What a recommendation may choose from: a budget, and arms nobody could use."""

from typing import Annotated

from pydantic import Field

from ablation_runner.study._settings import Settings


class Budget(Settings):
    """Of the arms within the budget the cheapest that holds the score is recommended."""

    macs: Annotated[
        float | None, Field(gt=0, description="Multiply-accumulates of one question, forward.")
    ] = None
    parameters: Annotated[float | None, Field(gt=0, description="Parameters that are trained.")] = None
    visual_tokens: Annotated[
        float | None, Field(gt=0, description="Tokens of an image that the language model reads.")
    ] = None
    train_seconds: Annotated[
        float | None,
        Field(gt=0, description="Time of training, in seconds, as measured; the median over seeds."),
    ] = None

    @property
    def given(self) -> dict[str, float]:
        """Cost to limit, of those that are limited.

        >>> Budget(visual_tokens=16).given
        {'visual_tokens': 16.0}
        """
        return self.model_dump(exclude_none=True)


class ToChooseFrom(Settings):
    """What the report's recommendation may choose from; all arms where nothing is said."""

    budget: Annotated[Budget, Field(description="The most that a recommended arm may cost.")] = Budget()
    leave_out: Annotated[
        list[str],
        Field(description="Arms that nobody could use, such as an oracle: compared, but never recommended."),
    ] = Field(default_factory=list)
