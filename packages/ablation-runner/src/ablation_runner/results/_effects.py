"""What each factor of a designed study does, alone and with others."""

from dataclasses import dataclass

from ablation_runner.results._arms import Interval


@dataclass(frozen=True, kw_only=True)
class EffectResult:
    """One effect with its interval.

    Attributes:
        name: the factor, the level against the baseline's, or factors joined by colons.
        kind: "main effect", "interaction", "shapley", "leave one out", ...
        difference: in the metric's unit.
        p_adjusted: two-sided, over all effects of its table; None where there is no error to test by.
        aliases: effects that the design cannot tell from this one.
        warnings: what a reader must know, one sentence each.
    """

    name: str
    kind: str
    difference: Interval
    p_adjusted: float | None
    aliases: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CellMean:
    """The score of one combination of two factors' levels; `beyond`: what it has over both effects added."""

    row: str
    column: str
    mean: float
    beyond: float
    is_baseline: bool


@dataclass(frozen=True, kw_only=True)
class DesignEffects:
    """The effects of a design over several factors.

    Attributes:
        levels: factor to its levels, the baseline's first.
        effects: main effects, then interactions of two factors; empty where the design gives none.
        attribution: shares of the components in the gain, of several kinds; empty likewise.
        cells: of a full factorial of two factors, the second factor's levels as columns; else empty.
        late: arms that had not converged, so that their effects may still change.
    """

    levels: dict[str, tuple[str, ...]]
    effects: tuple[EffectResult, ...]
    attribution: tuple[EffectResult, ...]
    cells: tuple[CellMean, ...]
    late: tuple[str, ...]
