"""Estimates of contrasts of arm means, all together: shared resamples, one correction."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ablation_stats._compare_resampled import estimate_bootstrap
from ablation_stats._compare_t import estimate_t, with_adjusted
from ablation_stats._contrast import combined_contrast
from ablation_stats._cube import PairedCube, as_cube
from ablation_stats._effect_matrix import EffectMatrix
from ablation_stats._refuse import require_known, require_level, sample
from ablation_stats._result import Estimate
from ablation_stats._t_interval import TARGETS


@dataclass(frozen=True, kw_only=True)
class Effect(Estimate):
    """An `Estimate` of one effect.

    Attributes:
        kind: "main effect", "interaction", "shapley", ...
        aliases: effects that the design cannot tell from this one; the estimate is their sum.
    """

    kind: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How effects are estimated; see `paired_difference` for each.

    Attributes:
        generalize_to: "both", "items" or "seeds".
        level: coverage of each interval.
        method: "t" or "bootstrap".
        interval: "bca", "percentile" or "basic".
        n_resamples: resamples.
        rng: generator or seed, for the bootstrap.
        threads: worker threads.
        adjust: method of `adjust_pvalues`, over all effects of the call.
    """

    generalize_to: str = "both"
    level: float = 0.95
    method: str = "t"
    interval: str = "bca"
    n_resamples: int = 9999
    rng: np.random.Generator | int | None = None
    threads: int | None = None
    adjust: str = "holm"

    def __post_init__(self) -> None:
        """Check the names where they are written."""
        require_known(self.generalize_to, TARGETS, what="generalize_to")
        require_known(self.method, ("t", "bootstrap"), what="method")
        require_level(self.level)


def estimate_effects(
    frame: Any, matrices: Sequence[EffectMatrix], metric: str | None, settings: Settings | None
) -> tuple[Effect, ...]:
    """All effects of some matrices over the same arms, from one set of resamples, adjusted together.

    Raises:
        ValueError: an arm that the frame lacks, or as the method says.
    """
    settings = settings or Settings()
    cube = as_cube(frame, arms=list(matrices[0].arms), metric=metric)
    matrix = np.concatenate([_on_cube(each, cube) for each in matrices])
    names = [name for each in matrices for name in each.names]
    contrasts = [combined_contrast(cube, row, name) for row, name in zip(matrix, names, strict=True)]
    if settings.method == "t":
        found = [
            estimate_t(each, generalize_to=settings.generalize_to, level=settings.level) for each in contrasts
        ]
    else:
        found = estimate_bootstrap(
            cube,
            contrasts,
            matrix,
            generalize_to=settings.generalize_to,
            level=settings.level,
            interval=settings.interval,
            n_resamples=settings.n_resamples,
            rng=settings.rng,
            threads=settings.threads,
        )
    kinds = [kind for each in matrices for kind in each.kinds]
    aliases = [names for each in matrices for names in each.aliases]
    mixed = [names for each in matrices for names in each.mixed or ((),) * len(each.names)]
    return tuple(
        Effect(**(asdict(each) | {"kind": kind, "aliases": alias, "warnings": _named(each, alias, others)}))
        for each, kind, alias, others in zip(
            with_adjusted(found, settings.adjust), kinds, aliases, mixed, strict=True
        )
    )


def _named(estimate: Estimate, aliases: tuple[str, ...], mixed: tuple[str, ...]) -> tuple[str, ...]:
    said = [f"Aliased: the design cannot tell {estimate.name} from {', '.join(aliases)}."] if aliases else []
    if mixed:
        said.append(f"Partly mixed: {estimate.name} holds {sample(mixed)}.")
    return (*estimate.warnings, *said)


def _on_cube(effects: EffectMatrix, cube: PairedCube) -> np.ndarray:
    """Coefficients on the cube's arms."""
    matrix = np.zeros((len(effects.names), len(cube.arms)))
    matrix[:, [cube.index(arm) for arm in effects.arms]] = effects.matrix
    return matrix
