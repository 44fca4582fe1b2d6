"""Arms of a study as full configurations, and the check that each differs in its factors alone."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from ablation_runner.errors import StudyError, nearest
from ablation_runner.plan._arm import PlannedArm, changed, differences
from ablation_runner.plan._cells import design_cells
from ablation_runner.plan._conditions import tested_under
from ablation_runner.plan._match import match_costs
from ablation_runner.study import (
    AS_TRAINED,
    Changes,
    CommandStudy,
    Configuration,
    Study,
    TrainedStudy,
)

BLIND = "blind"
BLIND_PATH = "data.images"
REPLICATE = "replicate"


def resolve_arms(study: Study, *, chosen: Mapping[str, str] | None = None) -> tuple[PlannedArm, ...]:
    """All arms, the baseline first and the blind control last, where there is one.

    Args:
        study: the study.
        chosen: of a greedy search the level picked for each factor searched so far.

    Raises:
        StudyError: a level does not fit its path, two arms share a name or a configuration, or an arm
            changes more than its factors.
    """
    arms = [*_designed_arms(study, chosen), *_written_arms(study)]
    baselines = [arm for arm in arms if not arm.differences]
    if len(baselines) > 1:
        names = " and ".join(repr(arm.name) for arm in baselines)
        raise StudyError(f"arms {names} are both the baseline's configuration")
    own = baselines[0] if baselines else _arm(study, "baseline", [], {}, where="baseline")
    baseline = replace(own, is_baseline=True)
    resolved = (baseline, *(arm for arm in arms if arm.differences), *_blind_arm(study))
    resolved = match_costs(study, resolved)
    _refuse_twins(resolved)
    if isinstance(study, TrainedStudy):
        for arm in resolved:
            assert isinstance(arm.configuration, Configuration)
            tested_under(study, arm.name, arm.configuration)
        _check_objectives(study, resolved)
        _check_replicates(resolved)
    arm_names = [arm.name for arm in resolved]
    _check_claims(study, arm_names)
    _check_left_out(study, arm_names)
    return resolved


def _blind_arm(study: Study) -> Iterator[PlannedArm]:
    """The control; none where a command trains and the study does not say how it is made blind."""
    changes = study.blind if isinstance(study, CommandStudy) else {BLIND_PATH: "shuffled"}
    if changes:
        yield replace(_arm(study, BLIND, list(changes), changes), is_blind=True)


def tested_name(arm: str, condition: str) -> str:
    """What an arm is called in claims and results when it is tested under a condition."""
    return arm if condition == AS_TRAINED else f"{arm} @ {condition}"


def _designed_arms(study: Study, chosen: Mapping[str, str] | None) -> Iterator[PlannedArm]:
    def is_baseline(changes: Changes) -> bool:
        return changed(study.baseline, changes, where="factors") == study.baseline

    for name, factor in study.factors.items():  # before the design, so that errors name the level
        for level, changes in factor.named_levels().items():
            paths = factor.paths or [str(factor.path)]
            _arm(study, level, paths, changes, where=f"factors.{name}.levels.{level}")
    for cell in design_cells(study, is_baseline=is_baseline, chosen=chosen):
        paths = [path for factor in cell.moved for path in _paths(study, factor)]
        where = f"arm {cell.name!r}"
        yield replace(_arm(study, cell.name, paths, cell.changes, where=where), levels=cell.levels)


def _written_arms(study: Study) -> Iterator[PlannedArm]:
    for name, arm in study.arms.items():
        for factor in arm.factors:
            if factor not in study.factors:
                raise StudyError(
                    f"arms.{name}.factors: unknown factor {factor!r}; {nearest(factor, study.factors)}"
                )
        paths = [path for factor in arm.factors for path in _paths(study, factor)]
        yield _arm(study, name, paths, arm.set, where=f"arms.{name}")


def _paths(study: Study, factor: str) -> list[str]:
    return study.factors[factor].paths or [str(study.factors[factor].path)]


def _arm(study: Study, name: str, paths: list[str], changes: Changes, *, where: str = BLIND) -> PlannedArm:
    """The arm that makes `changes` to the baseline, refused where it changes more than `paths`."""
    configuration = changed(study.baseline, changes, where=where)
    found = differences(study.baseline, configuration)
    for difference in found:
        if not any(difference.path == path or difference.path.startswith(f"{path}.") for path in paths):
            raise StudyError(
                f"{where}: arm {name!r} changes more than its factor: {difference}; "
                f"its factor is {', '.join(paths)} (declare one for {difference.path}, or leave it as in the baseline)"
            )
    return PlannedArm(name=name, configuration=configuration, differences=found)


def _refuse_twins(arms: tuple[PlannedArm, ...]) -> None:
    seen: dict[str, str] = {}
    names = [arm.name for arm in arms]
    for arm in arms:
        if names.count(arm.name) > 1:
            raise StudyError(f"two arms are called {arm.name!r}; rename one")
        if "@" in arm.name or "/" in arm.name:
            raise StudyError(
                f"arm {arm.name!r}: a name holds neither '@' nor '/'; name the level, as in a table"
            )
        key = arm.configuration.model_dump_json()
        if key in seen:
            raise StudyError(f"arms {seen[key]!r} and {arm.name!r} have the same configuration; remove one")
        seen[key] = arm.name


def _check_objectives(study: TrainedStudy, arms: tuple[PlannedArm, ...]) -> None:
    for arm in arms:
        assert isinstance(arm.configuration, Configuration)
        for training in arm.configuration.trainings:
            try:
                training.objective_options(accumulation=study.engine.accumulation)
            except ValueError as error:
                raise StudyError(f"arm {arm.name!r}: {error}") from error


def _check_replicates(arms: tuple[PlannedArm, ...]) -> None:
    """Nothing, where arms that draw everything anew do nothing else: any other pair of arms shares what it can."""
    for arm in arms:
        paths = [difference.path for difference in arm.differences]
        if REPLICATE in paths and len(paths) > 1:
            other = next(path for path in paths if path != REPLICATE)
            raise StudyError(
                f"arm {arm.name!r} draws its weights and data anew ({REPLICATE}) and changes {other}: its difference to "
                f"the baseline would be of both; leave one as in the baseline"
            )


def _check_left_out(study: Study, arms: list[str]) -> None:
    for index, arm in enumerate(study.recommendation.leave_out):
        if arm not in arms:
            raise StudyError(f"recommendation.leave_out.{index}: unknown arm {arm!r}; {nearest(arm, arms)}")


def _check_claims(study: Study, arms: list[str]) -> None:
    names = [tested_name(arm, condition) for condition in (AS_TRAINED, *study.conditions) for arm in arms]
    for index, claim in enumerate(study.claims):
        for key, arm in (("arm", claim.arm), ("against", claim.against)):
            if arm is not None and arm not in names:
                raise StudyError(f"claims.{index}.{key}: unknown arm {arm!r}; {nearest(arm, names)}")
        if claim.arm == (claim.against or arms[0]):
            raise StudyError(
                f"claims.{index}: compares arm {claim.arm!r} with itself; name another arm in arm or in against"
            )
        if claim.margin == 0 and claim.kind in ("equivalent", "not-worse"):
            raise StudyError(
                f"claims.{index}.margin: kind {claim.kind!r} needs a margin above 0, the largest difference that does not matter"
            )
