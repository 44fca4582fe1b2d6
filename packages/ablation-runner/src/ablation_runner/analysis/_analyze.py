"""From the files of a run to what the report shows; every number of inference comes from ablation-stats."""

import json
from typing import Any

import polars as pl

import ablation_stats as stats
from ablation_runner.analysis._arms import arm_result, mean_of
from ablation_runner.analysis._claims import claim_results
from ablation_runner.analysis._convergence import still_falling
from ablation_runner.errors import StudyError
from ablation_runner.lock import describe_environment, read_lock
from ablation_runner.plan import PlannedArm, tested_name
from ablation_runner.prepared import Prepared
from ablation_runner.results import StudyResults
from ablation_runner.study import AS_TRAINED
from vlm_tasks import create_task

_TRIAL_COLUMNS = {
    "arm": pl.String,
    "seed": pl.Int64,
    "status": pl.String,
    "cause": pl.String,
    "train_seconds": pl.Float64,
    "evaluate_seconds": pl.Float64,
    "steps": pl.Int64,
}


def analyze(prepared: Prepared) -> StudyResults:
    """What the finished trials of a study say.

    Only seeds that every arm with a result has finished are compared, so that each comparison is paired.

    Raises:
        StudyError: no trial has finished.
    """
    records = {trial.name: prepared.folder.trial(trial.name).record() for trial in prepared.trials}
    finished = [trial for trial in prepared.trials if (records[trial.name] or {}).get("status") == "finished"]
    if not finished:
        raise StudyError(f"{prepared.folder.path}: no trial has finished yet; run: {prepared.command}")
    folders = [prepared.folder.trial(trial.name) for trial in finished]
    predictions = pl.concat([pl.read_parquet(folder.items_file) for folder in folders])
    curves = pl.concat([pl.read_parquet(folder.curve_file) for folder in folders])
    not_converged = sorted(
        {trial.arm for trial in finished if still_falling(curves, arm=trial.arm, seed=trial.seed)}
    )
    tested = predictions.with_columns(arm=_tested_arm()).drop("condition")
    predictions = predictions.filter(pl.col("condition") == AS_TRAINED).drop("condition")
    rows, differences = _compared(tested, prepared)
    named = prepared.study.baseline.data.task
    task = create_task(named.name, **named.options())
    return StudyResults(
        name=prepared.name,
        title=prepared.study.title,
        question=prepared.study.question,
        metric=prepared.study.metric,
        metric_unit="accuracy",
        arms=tuple(
            arm_result(arm, prepared, records, rows, differences, not_converged) for arm in prepared.arms
        ),
        claims=claim_results(prepared, rows, _under_all_conditions(not_converged, prepared)),
        conditions=_conditions(rows, prepared),
        predictions=predictions,
        by_type=_by_type(predictions),
        curves=curves,
        trials=_trials(prepared, records),
        plan_differences=_differences(prepared.arms),
        environment=read_lock(prepared.folder).get("environment") or describe_environment(),
        command=prepared.command,
        image=task.image,
    )


def _compared(predictions: pl.DataFrame, prepared: Prepared) -> tuple[pl.DataFrame, dict[str, Any]]:
    """The rows of the seeds that all arms with results share, and each arm's difference to the baseline."""
    seeds = predictions.group_by("seed").agg(pl.col("arm").n_unique())
    whole = seeds.filter(pl.col("arm") == predictions["arm"].n_unique())["seed"]
    rows = predictions.filter(pl.col("seed").is_in(whole.implode()))
    baseline, blind = prepared.arms[0].name, prepared.arms[-1].name
    arms = [arm.name for arm in prepared.arms[1:] if arm.name in rows["arm"]]
    if whole.len() < 2 or baseline not in rows["arm"] or not arms:
        return rows, {}
    # The control is no question of the study, so the others' p-values are not adjusted for it.
    families = [[arm for arm in arms if arm != blind], [arm for arm in arms if arm == blind]]
    found = [
        difference
        for family in families
        if family
        for difference in stats.paired_differences(rows, baseline=baseline, arms=family, adjust="holm")
    ]
    return rows, {str(difference.arm): difference for difference in found}


def _tested_arm() -> pl.Expr:
    """The arm's name, with the condition it was tested under where that is another than it was trained for."""
    other = pl.format("{} @ {}", "arm", "condition")
    return pl.when(pl.col("condition") == AS_TRAINED).then("arm").otherwise(other)


def _under_all_conditions(arms: list[str], prepared: Prepared) -> list[str]:
    return [tested_name(arm, name) for arm in arms for name in (AS_TRAINED, *prepared.study.conditions)]


def _conditions(rows: pl.DataFrame, prepared: Prepared) -> pl.DataFrame:
    """Each arm's mean under each condition; empty where there is only the one it was trained for."""
    frames = []
    for condition in (AS_TRAINED, *prepared.study.conditions) if prepared.study.conditions else ():
        for arm in prepared.arms:
            mean = mean_of(rows, tested_name(arm.name, condition))
            if mean is not None:
                frames.append(
                    {
                        "arm": arm.name,
                        "condition": condition,
                        "estimate": mean.estimate,
                        "low": mean.low,
                        "high": mean.high,
                    }
                )
    schema = {"arm": pl.String, "condition": pl.String} | dict.fromkeys(
        ("estimate", "low", "high"), pl.Float64
    )
    return pl.DataFrame(frames, schema=schema)


def _by_type(predictions: pl.DataFrame) -> pl.DataFrame:
    """Each arm's mean by question type."""
    frames = []
    for question_type in sorted(predictions["question_type"].unique()):
        rows = predictions.filter(pl.col("question_type") == question_type)
        for arm in rows["arm"].unique(maintain_order=True):
            interval = mean_of(rows, arm)
            assert interval is not None
            frames.append(
                {
                    "arm": arm,
                    "question_type": question_type,
                    "estimate": interval.estimate,
                    "low": interval.low,
                    "high": interval.high,
                    "items": rows["item"].n_unique(),
                }
            )
    return pl.DataFrame(frames)


def _trials(prepared: Prepared, records: dict[str, Any]) -> pl.DataFrame:
    rows = []
    for trial in prepared.trials:
        record = records[trial.name] or {"status": "not run"}
        known = {key: record.get(key) for key in _TRIAL_COLUMNS}
        rows.append(known | {"arm": trial.arm, "seed": trial.seed})
    return pl.DataFrame(rows, schema=_TRIAL_COLUMNS)


def _differences(arms: tuple[PlannedArm, ...]) -> pl.DataFrame:
    rows = [
        {
            "arm": arm.name,
            "path": difference.path,
            "baseline": json.dumps(difference.baseline, ensure_ascii=False),
            "value": json.dumps(difference.value, ensure_ascii=False),
        }
        for arm in arms
        for difference in arm.differences
    ]
    return pl.DataFrame(rows, schema=dict.fromkeys(("arm", "path", "baseline", "value"), pl.String))
