"""Where the arms that allocate tokens put them, on the questions that the report shows."""

from collections.abc import Sequence

from PIL import Image

from ablation_runner.errors import StudyError
from ablation_runner.plan import TrainedTrial, Trial
from ablation_runner.storage.store import RunFolder

_ARMS = 6  # for each of which a model is loaded and every question is drawn


def allocations(
    run: RunFolder, trials: Sequence[Trial], items: Sequence[str]
) -> dict[str, dict[str, Image.Image]]:
    """Question to arm to picture, of the first arms with an allocator under their first seed that has finished.

    An arm whose weights are no longer kept is left out.

    Args:
        run: the study's folder.
        trials: finished, those of an arm together.
        items: ids of test questions.
    """
    found: dict[str, dict[str, Image.Image]] = {item: {} for item in items}
    for trial in _first_of_each(trials)[:_ARMS] if items else ():
        # Only a study that allocates has to load models for its report.
        from ablation_runner.trial._explain import explainer

        try:
            draw = explainer(trial, run)
            drawn = {item: _allocation(draw(item)) for item in items}
        except (StudyError, OSError):
            continue
        for item, picture in drawn.items():
            found[item][trial.arm] = picture
    return found


def _allocation(pictures: dict[str, Image.Image]) -> Image.Image:
    """Where tokens went, without the line of text below, which the report's size makes too small to read."""
    return pictures["allocation"].crop((0, 0, *pictures["image"].size))


def _first_of_each(trials: Sequence[Trial]) -> list[TrainedTrial]:
    """One trial for each arm that sees and allocates."""
    first: dict[str, TrainedTrial] = {}
    for trial in trials:
        if not isinstance(trial, TrainedTrial) or trial.configuration.model.allocator is None:
            continue
        if trial.configuration.data.images != "shuffled":
            first.setdefault(trial.arm, trial)
    return list(first.values())
