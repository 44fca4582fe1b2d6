"""Two runs of one study compared: every arm's results paired by seed and item."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

import ablation_stats as stats
from ablation_runner.comparing.compare_plans import configuration_changes, read_finished_plan
from ablation_runner.plan import Trial
from ablation_runner.scores.tested_rows import tested_rows
from ablation_runner.storage.lock import read_lock
from ablation_runner.storage.store import RunFolder

FIRST, SECOND = "first run", "second run"


@dataclass(frozen=True, kw_only=True)
class ArmChange:
    """An arm's mean in both runs and the difference, second minus first, over seeds and images.

    Attributes:
        arm: its name, with the condition it was tested under.
        seeds: that both runs have finished.
        first, second: means, in the metric's unit.
        difference, low, high: with its 95 % interval; over images alone where there is one seed.
        note: why nothing can be said of a difference, or that no score differs; empty otherwise.
    """

    arm: str
    seeds: tuple[int, ...]
    first: float | None = None
    second: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What differs between two runs.

    Attributes:
        first, second: their folders.
        metric: of the first run's predictions.
        arms: every arm of either.
        missing: trials that only one has finished and tested: "mlp seed 0: only in the first run".
        configurations: differing settings: "mlp: training.steps: 1000 → 200".
        environment: differing versions and hardware: "torch: 2.13 → 2.14".
    """

    first: str
    second: str
    metric: str
    arms: tuple[ArmChange, ...]
    missing: tuple[str, ...]
    configurations: tuple[str, ...]
    environment: tuple[str, ...]

    def plain(self) -> dict[str, Any]:
        """As values that JSON can hold."""
        return asdict(self)


def compare_runs(first: Path, second: Path) -> Comparison:
    """What differs between two run folders of a study.

    Raises:
        StudyError: a folder is no run, or has no finished trial.
    """
    runs = [RunFolder(first), RunFolder(second)]
    plans = [read_finished_plan(run) for run in runs]
    before, after = (tested_rows(run, plan) for run, plan in zip(runs, plans, strict=True))
    arms = dict.fromkeys([*before["arm"], *after["arm"]])
    return Comparison(
        first=str(first),
        second=str(second),
        metric=plans[0][0].metric,
        arms=tuple(_arm_change(arm, before, after) for arm in arms),
        missing=tuple(_missing(*plans)),
        configurations=tuple(configuration_changes(*plans)),
        environment=tuple(_environment_changes(*runs)),
    )


def _arm_change(arm: str, first: pl.DataFrame, second: pl.DataFrame) -> ArmChange:
    before, after = (frame.filter(pl.col("arm") == arm) for frame in (first, second))
    seeds = sorted(set(before["seed"]) & set(after["seed"]))
    if not seeds:
        return ArmChange(arm=arm, seeds=(), note="no seed is finished in both runs")
    before, after = (
        frame.filter(pl.col("seed").is_in(seeds)).sort("seed", "item") for frame in (before, after)
    )
    if not before.select("seed", "item").equals(after.select("seed", "item")):
        return ArmChange(arm=arm, seeds=tuple(seeds), note="tested on other items")
    means = [
        float(frame.select(pl.col("value").sum() / pl.col("weight").sum()).item())
        for frame in (before, after)
    ]
    scored = ["value", "weight", "valid"]
    if before.select(scored).equals(after.select(scored)):
        return ArmChange(
            arm=arm, seeds=tuple(seeds), first=means[0], second=means[1],
            difference=0.0, low=0.0, high=0.0, note="no score differs",
        )  # fmt: skip
    rows = pl.concat([before.with_columns(arm=pl.lit(FIRST)), after.with_columns(arm=pl.lit(SECOND))])
    over = "both" if len(seeds) > 1 else "items"
    found = stats.paired_difference(rows, arm=SECOND, baseline=FIRST, generalize_to=over)
    return ArmChange(
        arm=arm, seeds=tuple(seeds), first=means[0], second=means[1],
        difference=found.estimate, low=found.ci_low, high=found.ci_high,
    )  # fmt: skip


def _missing(first: list[Trial], second: list[Trial]) -> Iterator[str]:
    keys = [{(trial.arm, trial.seed) for trial in plan} for plan in (first, second)]
    for where, only in ((FIRST, keys[0] - keys[1]), (SECOND, keys[1] - keys[0])):
        for arm, seed in sorted(only):
            yield f"{arm} seed {seed}: only in the {where}"


def _environment_changes(first: RunFolder, second: RunFolder) -> Iterator[str]:
    before, after = (read_lock(run).get("environment", {}) for run in (first, second))
    for label in dict.fromkeys([*before, *after]):
        if before.get(label) != after.get(label):
            yield f"{label}: {before.get(label, 'unknown')} → {after.get(label, 'unknown')}"
