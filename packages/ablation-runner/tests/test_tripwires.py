"""Signs that a training run means nothing end its trial with a cause."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from ablation_runner.failure import TrialFailedError
from ablation_runner.study import Training
from ablation_runner.trial.model.parts import check_changes, fingerprints, train_parts
from ablation_runner.trial.training.tripwires import (
    check_gradient,
    check_loss,
    check_seeds_differ,
    curve_digest,
)

Ablate = Callable[..., subprocess.CompletedProcess[str]]


class Model(nn.Module):
    """Two parts, as a vision-language model has."""

    def __init__(self) -> None:
        super().__init__()
        self.connector = nn.Linear(2, 2)
        self.language_model = nn.Linear(2, 2)
        self.encoder = None


def weights(model: nn.Module) -> dict[str, str]:
    return fingerprints(dict(model.named_parameters()), torch.float32)


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), 0.0])
def test_a_loss_that_is_no_positive_number_is_named_with_its_step(loss: float) -> None:
    with pytest.raises(TrialFailedError, match=f"the loss is {loss} at step 7"):
        check_loss(loss, step=7)
    check_loss(0.1, step=7)


@pytest.mark.parametrize("norm", [float("nan"), float("inf"), 0.0])
def test_a_gradient_that_is_no_positive_number_is_named_with_its_step(norm: float) -> None:
    with pytest.raises(TrialFailedError, match=f"the gradient's norm is {norm} at step 7"):
        check_gradient(norm, step=7)
    check_gradient(0.1, step=7)


def training(parts: list[Any]) -> Training:
    return Training(steps=1, parts=parts)


def test_only_the_chosen_parts_train() -> None:
    model = Model()
    assert train_parts(model, training(["connector"]), seed=0) == ["connector.weight", "connector.bias"]
    assert [parameter.requires_grad for parameter in model.parameters()] == [True, True, False, False]


def test_what_the_model_freezes_stays_frozen() -> None:
    model = Model()
    model.language_model.requires_grad_(False)
    assert train_parts(model, training(["connector", "language_model"]), seed=0) == [
        "connector.weight",
        "connector.bias",
    ]
    with pytest.raises(TrialFailedError, match=r"nothing of training\.parts = \['language_model'\]"):
        train_parts(model, training(["language_model"]), seed=0)


def test_a_frozen_weight_that_changes_is_named() -> None:
    model = Model()
    trained, before = train_parts(model, training(["connector"]), seed=0), weights(model)
    with torch.no_grad():
        model.connector.weight.add_(1)
        check_changes(before, weights(model), trained)
        model.language_model.bias.add_(1)
    with pytest.raises(TrialFailedError, match=r"language_model\.bias is frozen and was changed"):
        check_changes(before, weights(model), trained)


def test_a_part_that_should_train_and_does_not_is_named() -> None:
    model = Model()
    trained, before = train_parts(model, training(["connector", "language_model"]), seed=0), weights(model)
    with torch.no_grad():
        model.connector.weight.add_(1)
    with pytest.raises(TrialFailedError, match="the language_model should train, and none of its weights"):
        check_changes(before, weights(model), trained)


def test_one_bit_changes_a_fingerprint() -> None:
    state = {"a": torch.zeros(3), "b": torch.tensor(1.0)}
    before = fingerprints(state, torch.float32)
    state["a"][1] = -0.0
    after = fingerprints(state, torch.float32)
    assert before["a"] != after["a"]
    assert before["b"] == after["b"]


def test_two_seeds_with_the_same_losses_are_named() -> None:
    digest = curve_digest([{"step": 10, "loss": 0.5}])
    check_seeds_differ(digest, 1, {0: curve_digest([{"step": 10, "loss": 0.6}]), 1: digest})
    with pytest.raises(TrialFailedError, match="seeds 0 and 1 have exactly the same losses"):
        check_seeds_differ(digest, 1, {0: digest})


def test_a_trial_that_diverges_is_recorded_and_the_others_go_on(
    ablate: Ablate, tmp_path: Path, tiny_text: str
) -> None:
    rate = '[factors.rate]\npath = "training.learning_rate"\nlevels = { wild = 1e30 }\n'
    text = tiny_text.replace("[engine]", rate + "[engine]\nclip = 0.0").replace(
        "seeds = [0, 1]", "seeds = [0]"
    )
    (tmp_path / "tiny.toml").write_text(text, encoding="utf-8")
    done = ablate(tmp_path, "run", "tiny.toml", "--workers", 1)
    assert done.returncode == 1
    assert "failed: the loss is" in done.stdout or "failed: the gradient's norm is" in done.stdout
    assert len(list(tmp_path.glob("runs/tiny/trials/*/items.parquet"))) == 3  # baseline, mlp, blind
