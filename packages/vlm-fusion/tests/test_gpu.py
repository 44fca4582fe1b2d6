"""On a GPU every fusion method has the loss and the gradients that it has on the CPU."""

import pytest
import torch
from fusion_helpers import image_tokens, make_model, questions

from token_budget import VisualTokens
from vlm_fusion import list_connectors, pack_questions

pytestmark = pytest.mark.gpu


def loss_and_gradients(name: str, device: str) -> tuple[float, dict[str, torch.Tensor]]:
    model = make_model(name).to(device)
    tokens, rows = image_tokens(), pack_questions(questions(), pad=0)
    fields = [None if field is None else field.to(device) for field in tokens[:6]]
    moved = VisualTokens(*fields, {key: extra.to(device) for key, extra in tokens.extras.items()})
    text = (part.to(device) for part in (rows.input_ids, rows.attention_mask, rows.segments, rows.labels))
    loss = model(moved, *text).loss
    loss.backward()
    gradients = {
        key: parameter.grad.cpu() for key, parameter in model.named_parameters() if parameter.grad is not None
    }
    return loss.item(), gradients


@pytest.mark.parametrize("name", list_connectors())
def test_loss_and_gradients_are_those_of_the_cpu(name: str) -> None:
    here, of_cpu = loss_and_gradients(name, "cpu")
    there, of_gpu = loss_and_gradients(name, "cuda")
    assert there == pytest.approx(here, abs=1e-5)
    assert of_gpu.keys() == of_cpu.keys()
    for key, gradient in of_cpu.items():
        torch.testing.assert_close(
            of_gpu[key], gradient, atol=1e-4, rtol=1e-3, msg=lambda text, key=key: f"{key}: {text}"
        )
