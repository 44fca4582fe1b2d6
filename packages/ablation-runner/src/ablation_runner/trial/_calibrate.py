"""What an arm will cost, from its model's own steps on made-up data: measured, not looked up."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from ablation_runner.study import Configuration
from ablation_runner.trial._assemble import assemble_model
from ablation_runner.trial._data import tokenizer_texts
from token_budget import grid_positions, visual_tokens
from vlm_encoders import encoder_spec
from vlm_fusion import VisionLanguageModel, build_tokenizer, count_cost, encode_question, pack_questions
from vlm_tasks import create_task, format_prompt

_REPEATS = 3


@dataclass(frozen=True, kw_only=True)
class Expected:
    """The expected cost of one trial of an arm.

    Attributes:
        parameters: that train.
        macs: multiply-accumulates of one question, forward.
        visual_tokens: per image, as the language model sees them.
        seconds: of training, validation and testing, on this machine now.
    """

    parameters: int
    macs: int
    visual_tokens: int
    seconds: float


def expect(configuration: Configuration, *, threads: int) -> Expected:
    """Builds the arm's model, times a few of its steps, and counts what it costs.

    Args:
        configuration: the arm's.
        threads: CPU threads that a trial will have.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return _expect(configuration)
    finally:
        torch.set_num_threads(before)


def _expect(configuration: Configuration) -> Expected:
    named = configuration.data.task
    task = create_task(named.name, **named.options())
    tokenizer = build_tokenizer(tokenizer_texts(task, configuration))
    training, data, encoder = configuration.training, configuration.data, configuration.encoder
    width = encoder_spec(
        encoder.name, image_size=encoder.image_size, feature_layer=encoder.feature_layer
    ).width
    model = assemble_model(configuration, tokenizer, vision_width=width, seed=0)
    test = task.items("test")
    row = test.row(0, named=True)
    question = encode_question(tokenizer, format_prompt(data.prompt, row["question"]), row["answers"][0])
    text = pack_questions(
        [[question] * training.questions_per_image] * training.images_per_step, pad=tokenizer.pad_token_id
    )
    budget = configuration.tokens.budget
    tokens = visual_tokens(
        torch.randn(training.images_per_step, budget, width, generator=torch.Generator().manual_seed(0)),
        positions=grid_positions(1, budget).expand(training.images_per_step, -1, -1),
    )

    def forward() -> torch.Tensor:
        return torch.as_tensor(model(tokens, text.input_ids, segments=text.segments, labels=text.labels).loss)

    step = _fastest(lambda: _update(model, forward()))
    with torch.no_grad():
        look = _fastest(forward)
    asked = training.images_per_step * training.questions_per_image
    per_image = len(test) / len(task.image_ids("test"))
    looked_at = len(test) + training.validations * data.validation_images * per_image
    cost = count_cost(model, image_tokens=budget, text_tokens=len(question.prompt) + len(question.answer))
    return Expected(
        parameters=cost.trainable,
        macs=cost.macs,
        visual_tokens=cost.visual_tokens,
        seconds=training.steps * step + looked_at / asked * look,
    )


def _update(model: VisionLanguageModel, loss: torch.Tensor) -> None:
    loss.backward()  # type: ignore[no-untyped-call]
    torch.optim.AdamW(model.parameters(), lr=0.0, fused=True).step()
    model.zero_grad()


def _fastest(action: Callable[[], object]) -> float:
    """Seconds of the fastest of a few calls after a first one."""
    action()
    times = []
    for _ in range(_REPEATS):
        began = time.perf_counter()
        action()
        times.append(time.perf_counter() - began)
    return min(times)
