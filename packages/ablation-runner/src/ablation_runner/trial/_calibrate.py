"""What an arm will cost, from its model's own steps on made-up data: measured, not looked up."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from ablation_runner.study import Checkpoint, Configuration, Training
from ablation_runner.trial.engine.recomputing import recompute_activations
from ablation_runner.trial.inputs.data import make_tokenizer, read_items
from ablation_runner.trial.inputs.pairs import hidden_words, learner_of, statement_rows
from ablation_runner.trial.model.assemble import assemble_model
from ablation_runner.trial.model.cost import answering_cost
from ablation_runner.trial.model.parts import train_parts
from ablation_runner.trial.testing.vlm import QUESTIONS_AT_ONCE, Vlm, load_vlm, vlm_cost, write_answers
from token_budget import grid_positions, reduce_tokens, visual_tokens
from vlm_fusion import (
    Question,
    VisionLanguageModel,
    encode_question,
    pack_questions,
)
from vlm_tasks import create_task, format_prompt

Load = Callable[[Checkpoint], Vlm]
_REPEATS = 3


@dataclass(frozen=True, kw_only=True)
class Expected:
    """The expected cost of one trial of an arm.

    Attributes:
        parameters: that train; all, where nothing is trained.
        macs: multiply-accumulates of one question, forward.
        visual_tokens: per image, as the language model sees them.
        seconds: of training, validation and testing, on this machine now.
    """

    parameters: int
    macs: int
    visual_tokens: int
    seconds: float


def loads_once() -> Load:
    """Loads models of transformers; the last one stays in memory until another one is asked for."""
    kept: dict[tuple[str | None, str | None], Vlm] = {}

    def load(checkpoint: Checkpoint) -> Vlm:
        key = (checkpoint.transformers, checkpoint.revision)
        if key not in kept:
            kept.clear()  # before the next one is loaded: there may be no memory for two
            kept[key] = load_vlm(checkpoint, dtype=torch.float32)
        return kept[key]

    return load


def expect(configuration: Configuration, *, load: Load, threads: int, recompute: bool = False) -> Expected:
    """Builds the arm's model, times a few of its steps, and counts what it costs.

    Args:
        configuration: the arm's.
        load: gives the model of a checkpoint of transformers.
        threads: CPU threads that a trial will have.
        recompute: layers are computed again in the backward pass.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        if configuration.model.is_of_transformers:
            return _expect_vlm(configuration, load)
        return _expect(configuration, recompute=recompute)
    finally:
        torch.set_num_threads(before)


def _expect(configuration: Configuration, *, recompute: bool) -> Expected:
    named = configuration.data.task
    task = create_task(named.name, **named.options())
    tokenizer = make_tokenizer(task, configuration)
    training, data = configuration.training or Training(steps=1), configuration.data
    trains = configuration.model.checkpoint is None
    model = assemble_model(configuration, tokenizer, seed=0)
    if trains and configuration.trains_encoder:
        train_parts(model, training, seed=0)
    if recompute and trains:
        recompute_activations(model.train())
    test = task.items("test")
    row = test.row(0, named=True)
    question = encode_question(tokenizer, format_prompt(data.prompt, row["question"]), row["answers"][0])
    text = pack_questions(
        [[question] * training.questions_per_image] * training.images_per_step, pad=tokenizer.pad_token_id
    )
    budget = configuration.tokens.budget
    images = _made_up_images(configuration, model, training.images_per_step)

    learner = learner_of(model, training)

    def forward() -> torch.Tensor:
        if training.pair_objectives:
            return _pair_loss(learner, images, question, tokenizer)
        return torch.as_tensor(model(images, text.input_ids, segments=text.segments, labels=text.labels).loss)

    step = _fastest(lambda: _update(model, forward())) if trains else 0.0
    with torch.no_grad():
        look = _fastest(forward)
    asked = training.images_per_step * training.questions_per_image
    per_image = len(test) / len(task.image_ids("test"))
    validations = training.validations if trains else 0
    looked_at = len(test) + validations * data.validation_images * per_image
    cost = answering_cost(model, image_tokens=budget, text_tokens=len(question.prompt) + len(question.answer))
    return Expected(
        parameters=cost.trainable if trains else cost.parameters,
        macs=cost.macs,
        visual_tokens=cost.visual_tokens,
        seconds=training.steps * step + looked_at / asked * look,
    )


def _expect_vlm(configuration: Configuration, load: Load) -> Expected:
    """The cost of testing a model of transformers: its answers to one batch of test questions are timed."""
    checkpoint, data = configuration.model.checkpoint, configuration.data
    assert checkpoint is not None
    vlm = load(checkpoint)
    task = create_task(data.task.name, **data.task.options())
    test = read_items(task, "test", limit=data.limit)
    batch = test.head(QUESTIONS_AT_ONCE)
    prompts = [format_prompt(data.prompt, question) for question in batch["question"]]
    images = [task.image(image) for image in batch["image_id"]]
    seconds = _fastest(lambda: write_answers(vlm, configuration, prompts, images))
    cost = vlm_cost(vlm, configuration)
    return Expected(
        parameters=cost.parameters,
        macs=cost.macs,
        visual_tokens=cost.visual_tokens,
        seconds=seconds * len(test) / len(batch),
    )


def _made_up_images(configuration: Configuration, model: VisionLanguageModel, batch: int) -> Any:
    """A batch of tokens within the budget, or of pixels where the encoder is trained (it is then set to reduce them)."""
    noise = torch.Generator().manual_seed(0)
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
