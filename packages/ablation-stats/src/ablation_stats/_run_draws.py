"""Bootstrap draws of statistics of runs x tasks: runs resampled within each task (stratified), or whole seeds."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ablation_stats._bca import BootstrapSummary, summarise_bootstrap
from ablation_stats._compare_resampled import FEWEST_SEEDS
from ablation_stats._refuse import require_known, require_level
from ablation_stats._result import Estimate
from ablation_stats._streams import draw_seed, in_chunks
from ablation_stats._task_scores import TaskScores

RESAMPLED = ("runs", "seeds")
INTERVALS = ("percentile", "basic")
FEW_RUNS = 5
# Cells worked on at once, which stay in the second-level cache together.
CACHED = 1 << 16

# From cells drawn, `[rows, seeds, tasks]` into a flat table seeds x tasks, to the statistics `[rows, channels]`.
Statistics = Callable[[NDArray[np.int64]], NDArray[np.float64]]


@dataclass(frozen=True, kw_only=True)
class RunBootstrap:
    """How runs are resampled for aggregates over tasks.

    Attributes:
        rng: generator, or a seed.
        resample: "runs" draws the runs of each task on their own (a model is trained per task; Agarwal et al., arXiv
            2108.13264); "seeds" draws whole seeds, from 10 up, for models of which one answers all tasks, so that its
            scores rise and fall together.
        interval: "percentile" or "basic".
        level: coverage of each interval (not simultaneous), 0..1.
        n_resamples: draws, at least 100.
        threads: worker threads, None for the usable cores; the numbers do not depend on it.

    Raises:
        ValueError: an unknown name, a level outside 0..1, or fewer than 100 draws.
    """

    rng: np.random.Generator | int
    resample: str = "runs"
    interval: str = "percentile"
    level: float = 0.95
    n_resamples: int = 9999
    threads: int | None = None

    def __post_init__(self) -> None:
        """Check the settings where they are written."""
        require_known(self.resample, RESAMPLED, what="resample")
        require_known(self.interval, INTERVALS, what="interval")
        require_level(self.level)
        if self.n_resamples < 100:
            raise ValueError(f"n_resamples must be at least 100, got {self.n_resamples}")


@dataclass(frozen=True, kw_only=True, eq=False)
class RunDraws:
    """Draws `[resamples, channels]`, and the seed that gives them again."""

    values: NDArray[np.float64]
    seed: int


def draw_runs(scores: TaskScores, statistics: Statistics, bootstrap: RunBootstrap) -> RunDraws:
    """Statistics of resampled runs; every arm has the same runs drawn, so that differences stay paired.

    Raises:
        ValueError: fewer than 2 seeds, or fewer than 10 where whole seeds are resampled.
    """
    runs, tasks = scores.values.shape[1:]
    whole = bootstrap.resample == "seeds"
    if runs < 2:
        raise ValueError(
            f"resampling runs needs at least 2 seeds, got {runs}: one run per task shows no spread"
        )
    if whole and runs < FEWEST_SEEDS:
        raise ValueError(
            f"whole seeds are resampled only from {FEWEST_SEEDS} up, got {runs}; "
            'pass resample="runs" where each task has training runs of its own'
        )
    column = np.arange(tasks)
    size = (runs, 1 if whole else tasks)
    narrow = np.uint16 if runs <= np.iinfo(np.uint16).max else np.int64  # half the cost of drawing int64

    block = max(1, CACHED // (runs * tasks))

    def draw(rng: np.random.Generator, rows: int) -> NDArray[np.float64]:
        run = rng.integers(0, runs, size=(rows, *size), dtype=narrow)
        parts = [run[start : start + block] for start in range(0, rows, block)]
        return np.concatenate(
            [statistics(np.multiply(part, tasks, dtype=np.int64) + column) for part in parts]
        )

    seed = draw_seed(bootstrap.rng)
    values = in_chunks(
        draw, rows=bootstrap.n_resamples, width=runs * tasks, seed=seed, threads=bootstrap.threads
    )
    return RunDraws(values=values, seed=seed)


def estimate_of(
    scores: TaskScores,
    drawn: NDArray[np.float64],
    estimate: float,
    bootstrap: RunBootstrap,
    *,
    seed: int,
    name: str,
    arm: str,
    baseline: str | None,
    null: float = 0.0,
) -> Estimate:
    """The `Estimate` of one channel of the draws; tested against `null` where there is a baseline."""
    runs, tasks = scores.values.shape[1:]
    resolution = 64 * float(np.finfo(np.float64).eps) * float(np.abs(scores.values).max())
    summary = summarise_bootstrap(
        drawn - null,
        estimate - null,
        kind=bootstrap.interval,
        level=bootstrap.level,
        jackknife=[],
        resolution=resolution,
    )
    constant = summary.se <= resolution
    return Estimate(
        name=name,
        metric=scores.metric,
        arm=arm,
        baseline=baseline,
        estimate=estimate,
        se=0.0 if constant else summary.se,
        ci_low=summary.interval.low + null,
        ci_high=summary.interval.high + null,
        level=bootstrap.level,
        p_value=None if baseline is None else _p(summary, constant, estimate - null, runs, resolution),
        df=None,
        n_items=tasks,
        n_clusters=tasks,
        n_seeds=runs,
        unit="run within task" if bootstrap.resample == "runs" else "seed",
        method=f"bootstrap ({bootstrap.interval})",
        n_resamples=bootstrap.n_resamples,
        rng_seed=seed,
        warnings=_warnings(runs, constant, bootstrap.resample),
    )


def _p(summary: BootstrapSummary, constant: bool, shift: float, runs: int, resolution: float) -> float:
    """Where nothing varies, what a sign flip of the runs could say at best."""
    if not constant:
        return float(summary.p)
    return 1.0 if abs(shift) <= resolution else 2.0 ** (1 - runs)


def _warnings(runs: int, constant: bool, resample: str) -> tuple[str, ...]:
    """What a reader must know; a bootstrap of n runs has (n - 1) / n of the variance."""
    if constant:
        said = (
            "The runs do not vary, so no error can be estimated: the interval has no width and says nothing."
        )
        return (said,)
    if runs < FEW_RUNS and resample == "runs":
        short = 1 - ((runs - 1) / runs) ** 0.5
        return (f"Only {runs} runs per task are resampled: the interval is about {short:.0%} too narrow.",)
    return ()
