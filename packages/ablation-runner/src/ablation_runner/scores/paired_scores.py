"""Scores of two arms of a run, paired on the seeds that both have finished."""

from collections.abc import Sequence

import polars as pl

import ablation_stats as stats
from ablation_runner.errors import StudyError
from ablation_runner.plan import Trial, tested_name
from ablation_runner.scores.curves import read_curves, unconverged
from ablation_runner.scores.tested_rows import tested_rows
from ablation_runner.storage.store import RunFolder
from ablation_runner.study import Study

_SCORES = ("arm", "seed", "item", "cluster", "value", "weight")

Pair = tuple[str, str, str | None]


class PairedScores:
    """The scores of any two tested arms on the seeds, from the first one on, that both have finished.

    Args:
        study: the study.
        folder: where it runs.
        trials: of every arm under every seed.
    """

    def __init__(self, study: Study, folder: RunFolder, trials: Sequence[Trial]) -> None:
        """Looks which trials are finished; reads no score yet."""
        self._folder, self._seeds = folder, study.all_seeds
        self._finished = {
            (trial.arm, trial.seed): trial
            for trial in trials
            if (record := folder.trial(trial.name).record()) and record["status"] == "finished"
        }
        self._tested = {
            tested_name(trial.arm, name): (trial.arm, name) for trial in trials for name in trial.conditions
        }
        self._cubes: dict[Pair, stats.PairedCube | None] = {}

    def arm_of(self, name: str) -> str:
        """The arm that is tested under a name such as "mlp @ few tokens"."""
        return self._tested[name][0]

    def not_converged(self) -> list[str]:
        """Tested names of the arms whose validation loss was still falling when training ended."""
        late = set(unconverged(read_curves(self._folder, list(self._finished.values()))))
        return [name for name, (arm, _) in self._tested.items() if arm in late]

    def pair(self, arm: str, baseline: str, *, question_type: str | None = None) -> stats.PairedCube | None:
        """Both arms on the questions of a type, or on all; None without a shared seed, or where they share no questions.

        Raises:
            StudyError: a trial was asked other questions than its fellows, or a score is not a number.
        """
        key = (arm, baseline, question_type)
        if key not in self._cubes:
            self._cubes[key] = self._read(*key)
        return self._cubes[key]

    def share_a_seed(self, arm: str, baseline: str) -> bool:
        """Whether both have finished the first seed."""
        return bool(self._shared(arm, baseline))

    def _shared(self, *names: str) -> list[Trial]:
        """The trials of both arms under the seeds, from the first one on, that both have finished."""
        trials: list[Trial] = []
        for seed in self._seeds:
            both = [self._finished.get((self.arm_of(name), seed)) for name in names]
            if None in both:
                break
            trials += [trial for trial in both if trial and trial not in trials]
        return trials

    def _read(self, arm: str, baseline: str, question_type: str | None) -> stats.PairedCube | None:
        names = [arm, baseline]
        if not (trials := self._shared(*names)):
            return None
        rows = tested_rows(self._folder, trials).filter(pl.col("arm").is_in(names))
        if question_type is not None:
            rows = rows.filter(pl.col("question_type") == question_type)
        first = rows.filter(pl.col("seed") == self._seeds[0])
        asked = [set(first.filter(pl.col("arm") == name)["item"]) for name in names]
        if not asked[0] or asked[0] != asked[1]:
            return None
        try:
            return stats.paired_cube(rows.select(_SCORES), arms=names)
        except ValueError as error:
            raise StudyError(
                f"{self._folder.path}: {arm} and {baseline} cannot be paired: {error}"
            ) from error
