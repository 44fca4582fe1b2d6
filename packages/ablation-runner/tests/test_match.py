"""Connectors of equal cost: every arm within one per cent of the baseline, or the study is refused."""

import tomllib

import pytest

from ablation_runner import StudyError
from ablation_runner.plan import PlannedArm, resolve_arms
from ablation_runner.study import Configuration, parse_study
from ablation_runner.trial.model.assemble import assemble_model
from vlm_fusion import build_tokenizer

TEXT = """
title = "Equal"
question = "Which, at equal size?"
seeds = [0]
match = "parameters"

[baseline]
tokens = { budget = 16 }
model = { connector = { name = "mlp", width = 200 }, language_model = "llama-tiny" }
training = { steps = 8 }

[factors.fusion]
path = "model.connector"
levels = [{ name = "mlp", depth = 3 }, "swiglu"]
"""


def arms_of(text: str) -> tuple[PlannedArm, ...]:
    return resolve_arms(parse_study(tomllib.loads(text), source="equal.toml"))


def parameters(configuration: Configuration) -> int:
    model = assemble_model(configuration, build_tokenizer(["red"]), seed=0)
    return sum(parameter.numel() for parameter in model.connector.parameters())


def test_every_arm_has_as_many_parameters_as_the_baseline_to_one_per_cent() -> None:
    baseline, *others = arms_of(TEXT)
    target = parameters(baseline.configuration)
    for arm in others:
        assert abs(parameters(arm.configuration) - target) <= 0.01 * target
        assert {difference.path for difference in arm.differences} <= {"model.connector", "data.images"}


def test_without_matching_the_arms_cost_what_they_cost() -> None:
    baseline, deeper, *_ = arms_of(TEXT.replace('"parameters"', '"none"'))
    target = parameters(baseline.configuration)
    assert abs(parameters(deeper.configuration) - target) > 0.1 * target


def test_a_connector_without_a_width_cannot_be_matched() -> None:
    with pytest.raises(
        StudyError, match="match = 'parameters': arm 'concatenation': concatenation has no width"
    ):
        arms_of(TEXT.replace('"swiglu"', '"concatenation"'))


def test_gated_cross_attention_can_be_what_the_others_are_matched_with() -> None:
    gated = TEXT.replace('{ name = "mlp", width = 200 }', '"gated-cross-attention"')
    baseline, *others = arms_of(gated)
    target = parameters(baseline.configuration)
    for arm in others:
        assert abs(parameters(arm.configuration) - target) <= 0.01 * target


def test_late_fusion_cannot_be_matched_in_macs_before_the_questions_are_read() -> None:
    text = TEXT.replace('"swiglu"', '"two-tower"').replace('match = "parameters"', 'match = "macs"')
    with pytest.raises(StudyError, match="match = 'macs': arm 'two-tower': late fusion works on every word"):
        arms_of(text)
