"""How the score grows with a number that the study varies, and where it stops growing."""

from dataclasses import dataclass

from ablation_runner.results._arms import Interval


@dataclass(frozen=True, kw_only=True)
class DosePoint:
    """One arm of a dose-response.

    Attributes:
        arm: its name; dose: the number that it sets.
        mean: its score, over seeds and images.
        converged: false where the validation loss was still falling; it is then drawn, and tested in nothing.
    """

    arm: str
    dose: float
    mean: Interval
    converged: bool


@dataclass(frozen=True, kw_only=True)
class DoseResponse:
    """The arms that differ in one number alone, and where more of it stops helping.

    Attributes:
        factor: of the study; quantity: the number in words ("visual tokens").
        subject: the question type; empty for all questions.
        points: from the smallest dose up.
        margin: the largest loss accepted, in the metric's unit; None where the study declares none.
        enough: arm of the smallest dose shown to lose less than the margin against the largest; None where none is.
        failed: arm of the first dose, from above, that is not shown to; None where all are or none was tested.
        blocked: why no dose was tested; else empty.
        bend: the dose at which two straight lines meet, with its interval; None where there is none.
        no_bend: why; empty where there is one.
    """

    factor: str
    quantity: str
    subject: str = ""
    points: tuple[DosePoint, ...]
    margin: float | None
    enough: str | None
    failed: str | None
    blocked: str
    bend: Interval | None
    no_bend: str
