"""Weights that are there: found, compared with the study's settings, and put into a model without a gap."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor

from ablation_runner.errors import StudyError
from ablation_runner.failure import TrialFailedError
from ablation_runner.plan import TrainedTrial, plan_trials, resolve_arms, weights_header
from ablation_runner.storage.records import write_record
from ablation_runner.storage.store import StageFolder
from ablation_runner.study import Configuration, Stage, parse_study
from ablation_runner.trial.inputs.material import Material, load_material
from ablation_runner.trial.model.assemble import assemble_model
from ablation_runner.trial.model.weights import checkpoint_model
from ablation_runner.trial.testing.evaluate import evaluate_conditions
from ablation_runner.trial.training.stage_weights import stage_model

STUDY = """
title = "Which budget?"
question = "Four tokens or sixteen?"
seeds = [3]
stages = []

[baseline]
data = {{ task = "easy-vqa", limit = 12 }}
encoder = {{ name = "raw-patches-8", image_size = 32, feature_layer = -1 }}
tokens = {{ budget = 4 }}

[baseline.model]
connector = "mlp"
language_model = {{ name = "llama-tiny", width = 32, depth = 1 }}
checkpoint = {{ weights = "{weights}" }}

[factors.budget]
path = "tokens.budget"
levels = [4, 16]
"""


def say_nothing(event: str, **fields: object) -> None:
    """What a trial tells is not looked at."""


def trials_of(weights: Path, old: str = "", new: str = "") -> list[TrainedTrial]:
    text = STUDY.format(weights=weights)
    assert old in text
    study = parse_study(tomllib.loads(text.replace(old, new)), source="tested.toml")
    return plan_trials(study, resolve_arms(study), processes=1, data="data")


def trained(**changes: Any) -> Configuration:
    """What the weights were trained as: the baseline of the study, with a training."""
    raw = tomllib.loads(STUDY.format(weights=""))["baseline"]
    del raw["model"]["checkpoint"]
    return Configuration.model_validate({**raw, "training": {"steps": 5}, **changes})


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    """What all trials here read."""
    return load_material(trained(), 3, tmp_path_factory.mktemp("features"), say_nothing)


@pytest.fixture(scope="module")
def weights(material: Material) -> dict[str, Tensor]:
    """Weights of a model under another seed than the study's, so that nothing is right by chance."""
    model = assemble_model(trained(), material.tokenizer, seed=9)
    return {name: tensor.detach().clone() for name, tensor in model.named_parameters()}


@pytest.fixture
def stage(tmp_path: Path, weights: dict[str, Tensor]) -> StageFolder:
    return save_stage(tmp_path / "stages" / "0123456789abcdef", weights)


def save_stage(
    path: Path, weights: dict[str, Tensor], configuration: Configuration | None = None
) -> StageFolder:
    """A finished stage of seed 3, as training leaves it."""
    folder, configuration = StageFolder(path), configuration or trained()
    path.mkdir(parents=True, exist_ok=True)
    assert configuration.training is not None
    said = weights_header(configuration, Stage(name="answers", training=configuration.training), 3)
    safetensors.torch.save_file(weights, folder.weights_file, metadata=said)
    record = {"stage": "answers", "trial": "mlp-seed3-0", "steps": 5, "seconds": 1.0, "curve": []}
    write_record(folder.record_file, record, files=[folder.weights_file])
    return folder


def test_a_stage_and_its_file_are_the_same_weights(stage: StageFolder) -> None:
    by_folder, by_file = trials_of(stage.path), trials_of(stage.weights_file)
    assert [trial.name for trial in by_folder] == [trial.name for trial in by_file]
    assert {trial.weights for trial in by_folder} == {trial.weights for trial in by_file}
    assert {trial.steps for trial in by_folder} == {0}


def test_the_training_that_the_weights_record_is_part_of_the_trial(stage: StageFolder) -> None:
    trial = trials_of(stage.path)[0]
    assert trial.configuration.training == trained().training
    assert trial.stages == ()


def test_other_bytes_make_another_trial(
    stage: StageFolder, tmp_path: Path, weights: dict[str, Tensor]
) -> None:
    changed = {name: tensor + (name == "connector.net.0.bias") for name, tensor in weights.items()}
    other = save_stage(tmp_path / "other", {name: tensor * 1.5 for name, tensor in changed.items()})
    assert trials_of(stage.path)[0].name != trials_of(other.path)[0].name


def test_the_model_has_the_weights_of_the_file(
    stage: StageFolder, weights: dict[str, Tensor], material: Material
) -> None:
    trial = trials_of(stage.path)[0]
    model = checkpoint_model(trial, material)
    assert all(tensor.equal(weights[name]) for name, tensor in model.named_parameters())


@pytest.fixture
def alone() -> Iterator[None]:
    """A world of one rank."""
    store = torch.distributed.HashStore()
    torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.usefixtures("alone")
def test_a_checkpoint_answers_as_the_model_that_it_was_saved_from(
    stage: StageFolder, weights: dict[str, Tensor], material: Material
) -> None:
    for trial in trials_of(stage.path)[:2]:
        model = assemble_model(trial.configuration, material.tokenizer, seed=9)
        assert all(tensor.equal(weights[name]) for name, tensor in model.named_parameters())
        rows = evaluate_conditions(checkpoint_model(trial, material), trial, lambda *_: material)
        assert rows.equals(evaluate_conditions(model, trial, lambda *_: material))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda own: own | {"connector.extra": torch.zeros(2)}, "holds connector.extra"),
        (lambda own: {name: own[name] for name in own if "embed_tokens" not in name}, "embed_tokens.weight (1 weights"),
        (lambda own: {name: own[name][:-1].clone() for name in own}, "has shape [31"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("recorded", [True, False])
def test_weights_that_are_missing_unknown_or_misshapen_are_named(
    tmp_path: Path, weights: dict[str, Tensor], change: Any, message: str, recorded: bool, material: Material
) -> None:
    stage = save_stage(tmp_path / "stage", change(weights))
    file = stage.weights_file
    if not recorded:
        file = tmp_path / "lonely.safetensors"
        safetensors.torch.save_file(change(weights), file)
    trial = trials_of(file)[0]
    with pytest.raises(TrialFailedError) as refused:
        checkpoint_model(trial, material)
    assert message in str(refused.value)
    assert str(file) in str(refused.value)


@pytest.mark.parametrize(
    "change",
    [
        lambda own: own | {"connector.extra": torch.zeros(2)},
        lambda own: {name: own[name][:-1].clone() for name in own},
        lambda own: None,
    ],
    ids=["unknown", "misshapen", "no safetensors"],
)
def test_a_malformed_stage_whose_record_is_right_says_what_to_delete(
    tmp_path: Path, weights: dict[str, Tensor], change: Any, material: Material
) -> None:
    stage, changed = save_stage(tmp_path / "stage", weights), change(weights)
    if changed is None:
        stage.weights_file.write_bytes(b"no weights")
    else:
        safetensors.torch.save_file(changed, stage.weights_file)
    write_record(stage.record_file, {"stage": "answers"}, files=[stage.weights_file])
    trial = trials_of(save_stage(tmp_path / "other", weights).path)[0]
    with pytest.raises(
        TrialFailedError, match=r"is not what the stage ends in .* delete .*/stage and run again"
    ):
        stage_model(trial, material, stage)


def test_a_file_that_changed_after_it_was_planned_with_is_not_tested(
    stage: StageFolder, weights: dict[str, Tensor], material: Material
) -> None:
    trial = trials_of(stage.path)[0]
    safetensors.torch.save_file({name: tensor + 1 for name, tensor in weights.items()}, stage.weights_file)
    with pytest.raises(TrialFailedError, match="has changed since the study was planned"):
        checkpoint_model(trial, material)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('connector = "mlp"', 'connector = "swiglu"', "trained with other settings: model.connector: mlp → swiglu"),
        ("depth = 1", 'depth = 1 }\nfeature_norm = "layer"\n#', "model.feature_norm: none → layer"),
        ("limit = 12", 'limit = 12, prompt = "question-only"', "data.prompt: short-answer → question-only"),
        ("seeds = [3]", "seeds = [4]", "was trained under seed 3: set seeds to it, not 4"),
        ("seeds = [3]", "seeds = [3, 4]", "one checkpoint is one seed"),
        ("stages = []", "", "so nothing is trained: set stages = []"),
        ("checkpoint = ", "#", "training is missing (or, with stages = [], model.checkpoint"),
        ("checkpoint = {", "[baseline.training]\nsteps = 3\n#", "stages = [] trains nothing: name weights"),
        ("tokens = {", "training = { steps = 3 }\ntokens = {", "leave baseline.training and baseline.before out"),
        ("stages = []", 'stages = ["one"]', "stages: list should have at most 0 items"),
        ("stages = []", 'stages = []\nmatch = "macs"', "match needs training"),
        ("[factors.budget]", '[factors.steps]\npath = "training.steps"\nlevels = [2]\n[factors.budget]', "no such path 'training.steps'"),
        ('checkpoint = { weights = "', 'checkpoint = { weights = "no', "model.checkpoint.weights: there is no no/"),
        ('weights = "', 'run = "', "run and arm belong together"),
        ('weights = "', 'arm = "mlp", run = "', "holds no plan of a study that was run"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_by_name_before_anything_runs(
    stage: StageFolder, old: str, new: str, message: str
) -> None:
    with pytest.raises(StudyError) as refused:
        trials_of(stage.path, old, new)
    assert message in str(refused.value)


def test_a_file_that_is_none_of_weights_is_refused(tmp_path: Path) -> None:
    (tmp_path / "weights.safetensors").write_bytes(b"\xff" * 100)
    for path, message in (
        (tmp_path / "weights.safetensors", "is no safetensors file"),
        (tmp_path, "is neither"),
    ):
        with pytest.raises(StudyError, match=message):
            trials_of(path)
