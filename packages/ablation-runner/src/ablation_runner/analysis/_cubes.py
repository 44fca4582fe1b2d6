"""The scores of a run, aligned a trial at a time, so that forty million answers need memory for their scores alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

import ablation_stats as stats
from ablation_runner.errors import StudyError
from ablation_runner.plan import Trial, tested_name
from ablation_runner.storage.store import RunFolder
from ablation_runner.study import AS_TRAINED

Floats = NDArray[np.float64]

_QUESTION = ["task", "item", "cluster", "question", "question_type", "answers"]


@dataclass(frozen=True, kw_only=True)
class Tested:
    """What every arm scored under every condition, on the seeds that all arms with results share.

    Attributes:
        questions: those asked as trained, sorted by item: task, item, cluster, question, question_type, answers.
        cubes: one for each set of questions; the first holds what was tested as trained. Empty without a shared seed.
    """

    questions: pl.DataFrame
    cubes: tuple[stats.PairedCube, ...]

    @property
    def main(self) -> stats.PairedCube | None:
        """The cube of what was tested as trained, and of the conditions that ask the same questions."""
        return self.cubes[0] if self.cubes else None

    def cube_of(self, *names: str) -> stats.PairedCube | None:
        """The cube that holds all of `names`; None where they were not tested on the same questions."""
        return next((cube for cube in self.cubes if set(names) <= set(cube.arms)), None)

    def asked(self, *names: str, types: Sequence[str] = ()) -> "stats.PairedCube | NotAsked":
        """The cube that holds all of `names`, of the questions of some types; of all questions where none is named."""
        cube = self.cube_of(*names)
        if cube is None:
            return NotAsked("the arms were not asked the same questions")
        if not types:
            return cube
        if cube is not self.main:
            return NotAsked("the question types of these conditions are not known")
        kept = self.questions["question_type"].is_in(types).to_numpy()
        if not kept.any():
            return NotAsked(f"the run asks no question of the type {' or '.join(types)}")
        return of_items(cube, kept)


class NotAsked(NamedTuple):
    """Why arms cannot be compared question by question."""

    reason: str


def read_tested(run: RunFolder, trials: Sequence[Trial], conditions: Iterable[str]) -> Tested:
    """The scores of finished trials.

    Args:
        run: the study's folder.
        trials: finished; only seeds under which every one of their arms has finished are read.
        conditions: names of the further conditions that every trial was tested under.

    Raises:
        StudyError: a trial was asked other questions than its fellows, or a score is not a number.
    """
    arms = {trial.arm for trial in trials}
    done = {seed: {trial.arm for trial in trials if trial.seed == seed} for seed in {t.seed for t in trials}}
    shared = [trial for trial in trials if done[trial.seed] == arms]
    first = pl.read_parquet(run.trial((shared or list(trials))[0].name).items_file)
    asked = {
        condition: first.filter(pl.col("condition") == condition).select(_QUESTION).sort("item")
        for condition in (AS_TRAINED, *conditions)
    }
    if not shared:
        return Tested(questions=asked[AS_TRAINED], cubes=())
    groups: list[dict[str, pl.DataFrame]] = []
    for condition, questions in asked.items():
        fitting = next((g for g in groups if next(iter(g.values()))["item"].equals(questions["item"])), None)
        if fitting is None:
            groups.append({condition: questions})
        else:
            fitting[condition] = questions
    cubes = tuple(_read_cube(run, shared, group) for group in groups)
    return Tested(questions=asked[AS_TRAINED], cubes=cubes)


def of_items(cube: stats.PairedCube, kept: NDArray[np.bool_]) -> stats.PairedCube:
    """The cube of some of its items, `kept [items]`."""
    clusters, codes = np.unique(cube.cluster_of_item[kept], return_inverse=True)
    return replace(
        cube,
        items=cube.items.filter(pl.Series(kept)),
        clusters=cube.clusters.gather(clusters),
        cluster_of_item=codes.astype(np.int64),
        values=cube.values[:, :, kept],
        weights=None if cube.weights is None else cube.weights[:, :, kept],
    )


def _read_cube(run: RunFolder, trials: Sequence[Trial], asked: dict[str, pl.DataFrame]) -> stats.PairedCube:
    questions = next(iter(asked.values()))
    names = sorted({tested_name(trial.arm, condition) for trial in trials for condition in asked})
    seeds = sorted({trial.seed for trial in trials})
    values = np.empty((len(names), len(seeds), questions.height))
    weights: Floats | None = None
    invalid = np.zeros(len(names))
    for trial in trials:
        rows = pl.read_parquet(
            run.trial(trial.name).items_file, columns=["condition", "item", "value", "weight", "valid"]
        )
        for condition in asked:
            own = rows.filter(pl.col("condition") == condition).sort("item")
            if not own["item"].equals(questions["item"]):
                raise StudyError(
                    f"trial {trial.name} was asked other questions than its fellows; run it again"
                )
            at, seed = names.index(tested_name(trial.arm, condition)), seeds.index(trial.seed)
            values[at, seed] = own["value"].to_numpy()
            if weights is None and not (own["weight"] == 1.0).all():
                weights = np.ones_like(values)
            if weights is not None:
                weights[at, seed] = own["weight"].to_numpy()
            invalid[at] += own.select(pl.col("valid").not_().mean()).item() / len(seeds)
    if not np.isfinite(values.sum()):
        raise StudyError(f"{run.path}: a score of a finished trial is not a number")
    clusters, codes = np.unique(questions["cluster"].to_numpy(), return_inverse=True)
    return stats.PairedCube(
        arms=tuple(names),
        seeds=tuple(seeds),
        items=questions["item"],
        clusters=pl.Series("cluster", clusters.tolist(), dtype=pl.String),
        cluster_of_item=codes.astype(np.int64),
        values=values,
        weights=weights,
        invalid=invalid,
        metric=None,
        task=None,
        condition=None,
        factors=None,
        left_out=(),
    )
