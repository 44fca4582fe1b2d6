"""A study by name, found, checked and planned; nothing is written and torch is not imported."""

import math
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ablation_runner.errors import StudyError, nearest
from ablation_runner.own_trainer._check import refuse_options
from ablation_runner.plan import (
    PlannedArm,
    Score,
    SeedsNeeded,
    Trial,
    listed_sources,
    plan_round,
    resolve_arms,
    training_stages,
)
from ablation_runner.running.smoke import smoke_copy
from ablation_runner.storage.store import FEATURES, STAGES, RunFolder
from ablation_runner.study import CommandStudy, Configuration, Study, TrainedStudy, find_study, load_study
from ablation_runner.study._scales import CPU
from ablation_runner.study._toml import study_toml
from vlm_tasks import create_task, prompt_digest

DEFAULT_RUNS = Path("runs")


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A study that has passed every check that needs no training.

    Attributes:
        name: of the study, and of its folder below the runs.
        source: its file.
        study: as checked, with the values that were set; with `--smoke` a small copy.
        text: the study as TOML; the file's own text where nothing was changed.
        arms, trials: as planned, with what earlier results have picked so far.
        tuning: trials that have to finish before.
        is_last: no result changes the plan any more.
        needed: where seeds are added as needed, what the looks at the claims say so far; None elsewhere.
        folder: where it runs.
        command: what was asked for, as it would be typed.
        plan_again: prepares the same study anew, with the results that there are by then.
    """

    name: str
    source: Path
    study: Study
    text: str
    arms: tuple[PlannedArm, ...]
    trials: list[Trial]
    tuning: list[Trial]
    is_last: bool
    needed: SeedsNeeded | None
    folder: RunFolder
    command: str
    plan_again: Callable[[], "Prepared"]

    @property
    def blind(self) -> str | None:
        """The name of the blind control; None where the study has none."""
        return next((arm.name for arm in self.arms if arm.is_blind), None)


def prepare(
    name: str,
    *,
    runs: Path,
    scale: str | None = None,
    processes: int = 1,
    smoke: bool = False,
    overrides: Sequence[str] = (),
) -> Prepared:
    """Finds, checks and plans a study; writes nothing.

    Args:
        name: of a built-in study, or a path of a TOML file.
        runs: where runs are kept.
        scale: one of the study's; the file as it stands if None.
        processes: ranks per trial.
        smoke: shrink the study to two steps on 64 items.
        overrides: values that replace the file's, as `training.steps=200`.

    Raises:
        StudyError: the study, a value that was set, the data or the number of ranks does not fit.
    """
    source = find_study(name)
    study: Study = load_study(source, scale=scale, overrides=overrides)
    refuse_options(study, processes=processes, smoke=smoke)
    if smoke:
        study = smoke_copy(study)
    if source.stem in (FEATURES, STAGES):
        raise StudyError(
            f"{source}: a study cannot be called {source.stem!r}, as what studies share lies there"
        )
    parts = [source.stem, *([study.scale] if study.scale != CPU else []), *(["smoke"] if smoke else [])]
    folder = RunFolder(runs / "-".join(parts))
    try:
        data = _data_digest(study)
        _check_types(study)
        planned = plan_round(
            study,
            processes=processes,
            data=data,
            read=read_scores(folder),
            look=partial(_look, study, folder),
        )
    except StudyError as error:
        raise StudyError(f"{source}: {error}") from error
    except ImportError as error:
        raise StudyError(str(error)) from error
    _check_division(study, planned.arms, processes)
    return Prepared(
        name=source.stem,
        source=source,
        study=study,
        text=study_toml(study) if smoke or overrides or scale else source.read_text(encoding="utf-8"),
        arms=planned.arms,
        trials=planned.trials,
        tuning=planned.tuning,
        is_last=planned.is_last,
        needed=planned.needed,
        folder=folder,
        command=_command(name, runs=runs, scale=scale, processes=processes, smoke=smoke, overrides=overrides),
        plan_again=partial(
            prepare, name, runs=runs, scale=scale, processes=processes, smoke=smoke, overrides=overrides
        ),
    )


def _data_digest(study: Study) -> str:
    """What a study reads: the fingerprint of every task and the digest of every prompt, or a command's sources."""
    if isinstance(study, CommandStudy):
        return listed_sources(study.engine.sources, folder=Path.cwd())
    configurations = [arm.configuration for arm in resolve_arms(study)]
    data = [each.data for each in configurations if isinstance(each, Configuration)]
    tasks = {each.task.model_dump_json(): each.task for each in data}
    fingerprints = [
        create_task(task.name, **task.options()).fingerprint() for _, task in sorted(tasks.items())
    ]
    return " ".join([*fingerprints, *sorted({prompt_digest(each.prompt) for each in data})])


def _check_types(study: Study) -> None:
    """Nothing, where every claim is about questions that the baseline is asked; only results say a command's."""
    wanted = {index: claim.type for index, claim in enumerate(study.claims) if claim.type}
    if not wanted or not isinstance(study, TrainedStudy):
        return
    task = create_task(study.baseline.data.task.name, **study.baseline.data.task.options())
    known = task.question_types or sorted(task.items("test")["question_type"].unique())
    for index, kind in wanted.items():
        if kind not in known:
            raise StudyError(f"claims.{index}.type: no question of the type {kind!r}; {nearest(kind, known)}")


def read_scores(folder: RunFolder) -> Callable[[Trial], Score | None]:
    """Reads a trial's validation score; a failed trial has the worst."""

    def read(trial: Trial) -> Score | None:
        record = folder.trial(trial.name).record()
        if record is None:
            return None
        if record["status"] != "finished":
            return -math.inf, -math.inf
        return record["validation_accuracy"], -record["validation_loss"]

    return read


def _look(study: Study, folder: RunFolder, arms: tuple[PlannedArm, ...], trials: list[Trial]) -> SeedsNeeded:
    """What the looks at the claims say so far; only a study that needs them loads what reads results."""
    from ablation_runner.running.looks import take_looks

    return take_looks(study, folder, arms, trials)


def _command(
    name: str, *, runs: Path, scale: str | None, processes: int, smoke: bool, overrides: Sequence[str]
) -> str:
    parts = ["ablate", "run", name, *(part for override in overrides for part in ("--set", override))]
    if scale:
        parts += ["--scale", scale]
    if processes > 1:
        parts += ["--processes", str(processes)]
    if runs != DEFAULT_RUNS:
        parts += ["--runs", str(runs)]
    return shlex.join([*parts, "--smoke"] if smoke else parts)


def _check_division(study: Study, arms: tuple[PlannedArm, ...], processes: int) -> None:
    if not isinstance(study, TrainedStudy):
        return
    parts = processes * study.engine.accumulation
    for arm in arms:
        assert isinstance(arm.configuration, Configuration)
        for stage in training_stages(arm.configuration):
            images = stage.training.images_per_step
            if images % parts:
                raise StudyError(
                    f"arm {arm.name!r}, stage {stage.name}: training.images_per_step = {images} does not divide among "
                    f"{processes} ranks × {study.engine.accumulation} micro-batches; use a multiple of {parts}, or another "
                    f"number of {'ranks' if processes > 1 else 'engine.accumulation'}"
                )
