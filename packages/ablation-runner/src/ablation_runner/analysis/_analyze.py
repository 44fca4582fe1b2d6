"""From the files of a run to what the report shows; every number of inference comes from ablation-stats."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from ablation_runner.analysis._allocations import allocations
from ablation_runner.analysis._arms import arm_result
from ablation_runner.analysis._besides import scores_besides
from ablation_runner.analysis._by_type import scores_by_type
from ablation_runner.analysis._choices import choices
from ablation_runner.analysis._claims import claim_results, judge_claims
from ablation_runner.analysis._compared import differences_to
from ablation_runner.analysis._conditions import condition_rows, transfer_table
from ablation_runner.analysis._cost_front import cost_front
from ablation_runner.analysis._cubes import read_tested
from ablation_runner.analysis._disputed import disputed_predictions
from ablation_runner.analysis._dose_response import dose_responses
from ablation_runner.analysis._effects import design_effects
from ablation_runner.analysis._hygiene import hygiene
from ablation_runner.analysis._looked_at import looked_at_differences
from ablation_runner.analysis._pictures import pictures_of
from ablation_runner.analysis._processes import differing_processes
from ablation_runner.analysis._recommend import recommend
from ablation_runner.analysis._seeds import seeds_added
from ablation_runner.errors import StudyError
from ablation_runner.plan import Trial, tested_name
from ablation_runner.results import StudyResults
from ablation_runner.running.prepared import Prepared
from ablation_runner.scores.curves import read_curves, unconverged
from ablation_runner.storage.lock import describe_environment, read_lock
from ablation_runner.storage.records import Record
from ablation_runner.study import AS_TRAINED

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

    Only seeds that every arm with a result has finished are compared, so that each comparison is paired; where seeds are
    added as needed, claims and differences to the baseline are over the seeds that their two arms share.

    Raises:
        StudyError: no trial has finished, or one was asked other questions than its fellows.
    """
    records = {trial.name: prepared.folder.trial(trial.name).record() for trial in prepared.trials}
    finished = [
        trial
        for trial in prepared.trials
        if (record := records[trial.name]) is not None and record["status"] == "finished"
    ]
    if not finished:
        raise StudyError(f"{prepared.folder.path}: {_why_nothing(records)}: {prepared.command}")
    curves = read_curves(prepared.folder, finished)
    not_converged = unconverged(curves)
    tested = read_tested(prepared.folder, _unlooked(finished, prepared), prepared.study.conditions)
    differences = looked_at_differences(prepared, differences_to(tested.main, prepared))
    arms = tuple(
        arm_result(arm, prepared, records, tested.main, differences, not_converged, curves)
        for arm in prepared.arms
    )
    verdicts = judge_claims(prepared, tested, _under_all_conditions(not_converged, prepared))
    predictions = disputed_predictions(
        tested, prepared.folder, finished, seeing=[arm.name for arm in prepared.arms if not arm.is_blind]
    )
    return StudyResults(
        name=prepared.name,
        title=prepared.study.title,
        question=prepared.study.question,
        metric=prepared.study.metric,
        arms=arms,
        claims=claim_results(prepared, tested, verdicts),
        conditions=condition_rows(tested, prepared),
        predictions=predictions,
        by_type=scores_by_type(tested, [arm.name for arm in prepared.arms]),
        besides=scores_besides(prepared.folder, finished, [arm.name for arm in prepared.arms]),
        curves=curves,
        trials=_trials(prepared, records),
        environment=(read_lock(prepared.folder).get("environment") or describe_environment())
        | differing_processes(records.values()),
        command=prepared.command,
        image=pictures_of(prepared.study),
        questions=tested.questions.height,
        images=tested.questions["cluster"].n_unique(),
        recommendation=recommend(tested, arms, prepared.study),
        audit=hygiene(tested, prepared, finished, arms, verdicts, curves),
        cost_front=cost_front(tested, arms),
        transfer=transfer_table(tested, prepared),
        allocations=allocations(prepared.folder, finished, predictions["item"].unique().to_list()),
        choices=choices(prepared),
        seeds_added=seeds_added(prepared),
        scale=prepared.study.scale,
        stands_for=prepared.study.stands_for,
        effects=design_effects(tested, prepared, not_converged),
        dose_responses=dose_responses(tested, prepared, arms),
    )


def _why_nothing(records: Mapping[str, Record | None]) -> str:
    failed = {name: record["cause"] for name, record in records.items() if record is not None}
    if not failed:
        return "no trial has finished yet; run"
    name, cause = next(iter(failed.items()))
    return (
        f"no trial has finished, and {len(failed)} failed, such as {name} ({cause}); once that is mended, run"
    )


def _unlooked(finished: list[Trial], prepared: Prepared) -> list[Trial]:
    """The trials under the seeds that every arm has, whatever the looks say; all of them where seeds are a list."""
    rule = prepared.study.seeds_as_needed
    return [trial for trial in finished if rule is None or trial.seed < rule.min]


def _under_all_conditions(arms: list[str], prepared: Prepared) -> list[str]:
    return [tested_name(arm, name) for arm in arms for name in (AS_TRAINED, *prepared.study.conditions)]


def _trials(prepared: Prepared, records: dict[str, Any]) -> pl.DataFrame:
    rows = []
    for trial in prepared.trials:
        record = records[trial.name] or {"status": "not run"}
        known = {key: record.get(key) for key in _TRIAL_COLUMNS}
        rows.append(known | {"arm": trial.arm, "seed": trial.seed})
    return pl.DataFrame(rows, schema=_TRIAL_COLUMNS)
