"""What an arm will cost, from its model's own steps on made-up data: measured, not looked up."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from ablation_runner.study import Configuration
from ablation_runner.trial._assemble import assemble_model
from ablation_runner.trial._cost import answering_cost
from ablation_runner.trial._data import make_tokenizer
from ablation_runner.trial._pairs import hidden_words, learner_of, statement_rows
from ablation_runner.trial._parts import train_parts
from ablation_runner.trial._recomputing import recompute_activations
from token_budget import grid_positions, reduce_tokens, visual_tokens
from vlm_fusion import (
    Question,
    VisionLanguageModel,
    encode_question,
    pack_questions,
)
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


def expect(configuration: Configuration, *, threads: int, recompute: bool = False) -> Expected:
    """Builds the arm's model, times a few of its steps, and counts what it costs.

    Args:
        configuration: the arm's.
        threads: CPU threads that a trial will have.
        recompute: layers are computed again in the backward pass.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return _expect(configuration, recompute=recompute)
    finally:
        torch.set_num_threads(before)


def _expect(configuration: Configuration, *, recompute: bool) -> Expected:
    named = configuration.data.task
    task = create_task(named.name, **named.options())
    tokenizer = make_tokenizer(task, configuration)
    training, data = configuration.training, configuration.data
    model = assemble_model(configuration, tokenizer, seed=0)
    if configuration.trains_encoder:
        train_parts(model, training, seed=0)
    if recompute:
        recompute_activations(model.train())
    test = task.items("test")
    row = test.row(0, named=True)
    question = encode_question(tokenizer, format_prompt(data.prompt, row["question"]), row["answers"][0])
    text = pack_questions(
        [[question] * training.questions_per_image] * training.images_per_step, pad=tokenizer.pad_token_id
    )
    budget = configuration.tokens.budget
    images = _made_up_images(configuration, model)

    learner = learner_of(model, training)

    def forward() -> torch.Tensor:
        if training.pair_objectives:
            return _pair_loss(learner, images, question, tokenizer)
        return torch.as_tensor(model(images, text.input_ids, segments=text.segments, labels=text.labels).loss)

    step = _fastest(lambda: _update(model, forward()))
    with torch.no_grad():
        look = _fastest(forward)
    asked = training.images_per_step * training.questions_per_image
    per_image = len(test) / len(task.image_ids("test"))
    looked_at = len(test) + training.validations * data.validation_images * per_image
    cost = answering_cost(model, image_tokens=budget, text_tokens=len(question.prompt) + len(question.answer))
    return Expected(
        parameters=cost.trainable,
        macs=cost.macs,
        visual_tokens=cost.visual_tokens,
        seconds=training.steps * step + looked_at / asked * look,
    )


def _made_up_images(configuration: Configuration, model: VisionLanguageModel) -> Any:
    """A batch of tokens within the budget, or of pixels where the encoder is trained (it is then set to reduce them)."""
    noise, batch = torch.Generator().manual_seed(0), configuration.training.images_per_step
    spec, tokens = configuration.encoder.spec(), configuration.tokens
    if configuration.trains_encoder:
        model.reducer = partial(
            reduce_tokens, budget=tokens.budget, method=tokens.method.name, **tokens.method.options()
        )
        return torch.randn(batch, 3, *configuration.encoder.own_spec().image_size, generator=noise)
    return visual_tokens(
        torch.randn(batch, tokens.budget, spec.width, generator=noise),
        positions=grid_positions(1, tokens.budget).expand(batch, -1, -1),
    )


def _pair_loss(learner: Any, images: Any, question: Question, tokenizer: Any) -> torch.Tensor:
    """The loss of a batch whose statements are all the same and count as different."""
    batch = len(images) if torch.is_tensor(images) else len(images.features)
    text = statement_rows([question] * batch, tokenizer)
    noise = torch.Generator().manual_seed(0)
    output = learner(
        images,
        text.input_ids,
        text.attention_mask,
        text.labels,
        captions=torch.arange(batch),
        masked=hidden_words(text, tokenizer, noise),
        generator=noise,
    )
    return torch.as_tensor(output.loss)


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
