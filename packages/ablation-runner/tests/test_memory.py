"""Memory of a trial, against a model whose saved tensors can be counted by hand and against an optimizer's own state."""

import pytest
import torch
from torch import nn

from ablation_runner.outlook.memory import saved_activations, trial_memory
from ablation_runner.study import Engine


def two_layers() -> nn.Sequential:
    return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))


def test_what_two_layers_keep_is_the_input_and_the_activation() -> None:
    model, inputs = two_layers(), torch.ones(32, 8)
    with saved_activations() as kept:
        outputs = model(inputs).sum()
    assert kept() == 4 * (32 * 8 + 32 * 16)
    outputs.backward()


def test_several_steps_keep_no_more_than_the_largest_of_them() -> None:
    model = two_layers()
    with saved_activations() as kept:
        for batch in (4, 32, 16):
            model(torch.ones(batch, 8)).sum().backward()
    assert kept() == 4 * (32 * 8 + 32 * 16)


def test_a_pass_that_is_never_turned_back_keeps_nothing() -> None:
    with saved_activations() as kept, torch.no_grad():
        two_layers()(torch.ones(32, 8))
    assert kept() == 0


def test_state_is_that_of_a_model_and_its_adamw() -> None:
    model = two_layers()
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(parameters)
    model(torch.ones(2, 8)).sum().backward()
    optimizer.step()
    moments = [tensor for state in optimizer.state.values() for key, tensor in state.items() if key != "step"]
    found = trial_memory(sum(each.numel() for each in parameters), 0, Engine(), ranks=1)
    assert found.weights == found.gradients == sum(each.nbytes for each in parameters)
    assert found.optimizer == sum(each.nbytes for each in moments)


@pytest.mark.parametrize(
    ("stage", "expected"), [(0, (2, 2, 12)), (1, (2, 2, 3)), (2, (2, 0.5, 3)), (3, (0.5, 0.5, 3))]
)
def test_zero_divides_state_in_bfloat16_as_its_paper_says(
    stage: int, expected: tuple[float, float, float]
) -> None:
    engine = Engine.model_validate({"zero_stage": stage, "precision": "bfloat16"})
    found = trial_memory(1000, 0, engine, ranks=4)
    per_parameter = (found.weights / 1000, found.gradients / 1000, found.optimizer / 1000)
    assert per_parameter == expected


def test_a_micro_batch_keeps_its_share_of_the_activations() -> None:
    assert trial_memory(0, 1200, Engine(accumulation=3), ranks=2).activations == 200
