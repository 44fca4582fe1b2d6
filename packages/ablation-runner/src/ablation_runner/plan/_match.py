"""Arms whose connector costs what the baseline's does: its width solved for, to 1 %."""

from dataclasses import replace
from typing import Any

from ablation_runner.errors import StudyError
from ablation_runner.plan._arm import PlannedArm, changed, differences
from ablation_runner.study import Configuration, OwnSettings, Study, TrainedStudy

TOLERANCE = 0.01


def match_costs(study: Study, arms: tuple[PlannedArm, ...]) -> tuple[PlannedArm, ...]:
    """The arms with connectors as large as the baseline's; imports torch where the study asks for it.

    Args:
        study: names the measure.
        arms: the baseline first.

    Raises:
        StudyError: an arm's connector has no width, or none comes within 1 %.
    """
    if study.match == "none" or not isinstance(study, TrainedStudy):
        return arms
    matched: list[PlannedArm] = []
    for arm in arms:
        try:
            matched.append(_matched(arm, matched[0], study.match) if matched else arm)
        except ValueError as error:
            raise StudyError(f"match = {study.match!r}: arm {arm.name!r}: {error}") from error
    return tuple(matched)


def _matched(arm: PlannedArm, baseline: PlannedArm, measure: str) -> PlannedArm:
    assert isinstance(arm.configuration, Configuration)
    target = _cost(baseline.configuration, measure)
    if abs(_cost(arm.configuration, measure) - target) <= TOLERANCE * target:
        return arm
    from vlm_fusion import solve_width

    connector, _ = arm.configuration.model.parts
    sizes = {name: size for name, size in _sizes(arm.configuration).items() if name != "language_layers"}
    options = {name: value for name, value in connector.options().items() if name != "width"}
    found = solve_width(
        connector.name,
        target=target,
        measure=measure,
        tolerance=TOLERANCE,
        **sizes,
        **options,
    )
    solved = {"name": connector.name, **found.options}
    configuration = changed(arm.configuration, {"model.connector": solved}, where=f"arm {arm.name!r}")
    return replace(
        arm, configuration=configuration, differences=differences(baseline.configuration, configuration)
    )


def _cost(configuration: Configuration | OwnSettings, measure: str) -> int:
    assert isinstance(configuration, Configuration)
    import torch

    from vlm_fusion import connector_cost, create_connector

    (connector, _), sizes = configuration.model.parts, _sizes(configuration)
    with torch.device("meta"):
        made = create_connector(
            connector.name,
            vision_width=sizes["vision_width"],
            language_width=sizes["language_width"],
            language_layers=sizes["language_layers"],
            **connector.options(),
        )
    cost: int = connector_cost(
        made, measure=measure, vision_width=sizes["vision_width"], image_tokens=sizes["image_tokens"]
    )
    return cost


def _sizes(configuration: Configuration) -> dict[str, Any]:
    from vlm_fusion import language_model_options

    encoder, (_, language) = configuration.encoder, configuration.model.parts
    options = language_model_options(language.name, **language.options())
    width = getattr(options, "width", None)
    if width is None:
        raise ValueError(f"the width of {language.name!r} is known only once it is loaded")
    return {
        "vision_width": encoder.spec().width,
        "language_width": width,
        "language_layers": options.depth,
        "image_tokens": configuration.tokens.budget,
    }
