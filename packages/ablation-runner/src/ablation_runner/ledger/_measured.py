"""What a contrast came out as, or why it did not."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A contrast as measured: points of a percentage for scores, a ratio for costs.

    Attributes:
        scale: "cpu" or "gpu"; seeds: that all arms have.
        estimate: arm minus against, or arm to against; low, high: its 95 % interval, both the estimate where the number is exact.
        exact: a count without error.
        p: two-sided, of "no difference"; p_equivalent: of the two one-sided tests against the margin; each None where there is
            no error to test with, from `judge_ledger` both adjusted over what the ledger asks of the study.
        blind_loss: points by which the blind control is worse than the best arm of the contrast; None where the study has
            no such control, or the contrast is of costs; blind_p: two-sided, of that.
        identical: the arms score the same on every item under every seed.
        not_converged: arms of the contrast that were still improving.
        notes: what a reader must know of the run, such as trials that are missing.
    """

    scale: str
    seeds: int
    estimate: float
    low: float
    high: float
    exact: bool = False
    p: float | None = None
    p_equivalent: float | None = None
    blind_loss: float | None = None
    blind_p: float | None = None
    identical: bool = False
    not_converged: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Missing:
    """Why a study's results do not give a contrast; `pending` where a trial that is planned will."""

    reason: str
    pending: bool = False
