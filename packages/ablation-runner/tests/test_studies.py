"""What every built-in study promises, whatever it asks."""

import tomllib
from pathlib import Path

import pytest

from ablation_runner import prepare
from ablation_runner.plan import resolve_arms
from ablation_runner.study import built_in_studies, load_study

STUDIES = built_in_studies()
BY_COMMAND = {"planted-truth"}  # these train nothing here
SCALES = ("cpu", "gpu")

every_study = pytest.mark.parametrize("name", STUDIES)
at_every_scale = pytest.mark.parametrize("scale", SCALES)


@every_study
def test_a_study_has_a_plan_that_starts_with_its_baseline_and_ends_with_the_blind_control(
    name: str, tmp_path: Path
) -> None:
    prepared = prepare(name, runs=tmp_path)
    assert prepared.arms[0].is_baseline
    assert prepared.arms[-1].is_blind
    assert len(prepared.arms) >= 3
    assert {trial.arm for trial in prepared.trials} == {arm.name for arm in prepared.arms}


@every_study
@at_every_scale
def test_every_scale_has_claims_that_name_its_arms(name: str, scale: str) -> None:
    study = load_study(STUDIES[name], scale=scale)
    assert study.claims
    resolve_arms(study)  # refuses a claim about an arm that there is not


@every_study
def test_the_arms_of_both_scales_have_the_same_names(name: str) -> None:
    small, large = (
        [arm.name for arm in resolve_arms(load_study(STUDIES[name], scale=scale))] for scale in SCALES
    )
    assert small == large


@every_study
@at_every_scale
def test_every_scale_says_what_stands_for_what(name: str, scale: str) -> None:
    raw = tomllib.loads(STUDIES[name].read_text(encoding="utf-8"))
    assert (raw if scale == "cpu" else raw["scales"]["gpu"])["stands_for"].endswith(".")


@pytest.mark.parametrize("name", sorted(set(STUDIES) - BY_COMMAND))
def test_the_gpu_scale_trains_a_pretrained_decoder_in_bfloat16_and_zero_stage_2(name: str) -> None:
    study = load_study(STUDIES[name], scale="gpu")
    assert (study.engine.precision, study.engine.zero_stage) == ("bfloat16", 2)
    for arm in resolve_arms(study):
        assert not arm.configuration.model.language_model.name.endswith("-tiny")
        assert arm.configuration.encoder.image_size >= 224


@every_study
def test_the_cpu_scale_has_seeds_enough_for_an_interval(name: str) -> None:
    assert len(load_study(STUDIES[name]).seeds) >= 2


@every_study
@at_every_scale
def test_every_claim_about_a_type_is_about_questions_that_are_asked(name: str, scale: str) -> None:
    study = load_study(STUDIES[name], scale=scale)
    named = {claim.type for claim in study.claims if claim.type}
    if named:
        task = study.baseline.data.task
        assert task.name == "scenes"
        assert named <= set(task.options()["tasks"])
