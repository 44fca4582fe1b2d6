"""What a model is tested under: as it was trained, and under every further condition of the study."""

from ablation_runner.errors import StudyError
from ablation_runner.plan._arm import changed
from ablation_runner.study import AS_TRAINED, Configuration, TrainedStudy, Variant


def tested_under(study: TrainedStudy, arm: str, trained: Configuration) -> dict[str, Configuration]:
    """Name of each condition to the configuration under it, as trained first.

    Args:
        study: its conditions.
        arm: the arm's name, for errors.
        trained: the arm's configuration.

    Raises:
        StudyError: a condition does not fit, or gives a trained encoder another size or an allocator that is to be trained.
    """
    conditions = {AS_TRAINED: trained}
    for name, changes in study.conditions.items():
        tested = changed(trained, changes, where=f"conditions.{name}")
        if trained.trains_encoder and tested.encoder != trained.encoder:
            raise StudyError(
                f"conditions.{name}: arm {arm!r} trains its encoder, which then has its size; "
                f"only frozen encoders are tested under another one"
            )
        if tested.model.allocator != trained.model.allocator:
            _check_allocator(name, arm, trained, tested.model.allocator)
        conditions[name] = tested
    return conditions


def _check_allocator(condition: str, arm: str, trained: Configuration, allocator: Variant | None) -> None:
    """Nothing, where an arm can be tested with another allocator than the one it was trained with."""
    from relevance_allocator import allocator_options

    if trained.model.allocator is None:
        raise StudyError(f"conditions.{condition}: arm {arm!r} has no allocator that another could stand for")
    if allocator is None or allocator_options(allocator.name, allocator.options()).trains:
        raise StudyError(
            f"conditions.{condition}: model.allocator is to be trained or fitted; a condition takes one that is not, "
            f"such as 'uniform', which turns relevance off"
        )
