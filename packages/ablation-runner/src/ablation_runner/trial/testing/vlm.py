"""A model of transformers that reads images and writes text, asked through its own processor."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import polars as pl
import torch
from PIL import Image
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForImageTextToText, AutoProcessor

from ablation_runner.failure import TrialFailedError
from ablation_runner.plan import TrainedTrial
from ablation_runner.study import QUESTION, Checkpoint, Configuration
from ablation_runner.trial.engine.engine import own_device
from ablation_runner.trial.inputs.data import read_items
from ablation_runner.trial.testing.evaluate import shown_images
from vlm_fusion import Cost
from vlm_tasks import create_task, format_prompt, result_rows

QUESTIONS_AT_ONCE = 8
_LONGEST = 16  # tokens of an answer, where the study does not say


class Vlm(NamedTuple):
    """A model with its processor; both of transformers."""

    model: Any
    processor: Any


def load_vlm(checkpoint: Checkpoint, *, dtype: torch.dtype) -> Vlm:
    """The model and its processor from a folder or the hub; nothing is unpickled and no code of theirs is run.

    Args:
        checkpoint: names both.
        dtype: what the model computes in.
    """
    source = {
        "pretrained_model_name_or_path": checkpoint.transformers,
        "revision": checkpoint.revision or "main",
    }
    model = AutoModelForImageTextToText.from_pretrained(**source, dtype=dtype, use_safetensors=True)
    processor = AutoProcessor.from_pretrained(**source)
    processor.tokenizer.padding_side = "left"  # answers follow the prompt
    if processor.tokenizer.pad_token_id is None:
        processor.tokenizer.pad_token = processor.tokenizer.eos_token
    return Vlm(model.eval().to(own_device()), processor)


def vlm_rows(vlm: Vlm, trial: TrainedTrial, condition: Configuration, *, name: str) -> pl.DataFrame:
    """The result rows of the test split under a condition, the same on every rank.

    Args:
        vlm: the model.
        trial: names arm, seed and metric.
        condition: what is asked of which images, and how the processor is called.
        name: of the condition.
    """
    data = condition.data
    task = create_task(data.task.name, **data.task.options())
    items = read_items(task, "test", limit=data.limit)
    images = items["image_id"].unique(maintain_order=True).to_list()
    shown = shown_images(len(images), trial.random_seed, shuffled=data.images == "shuffled").tolist()
    other = {image: images[index] for image, index in zip(images, shown, strict=True)}
    ranks, rank = torch.distributed.get_world_size(), torch.distributed.get_rank()
    longest = _checkpoint(condition).max_new_tokens or _LONGEST
    pad = vlm.processor.tokenizer.pad_token_id
    written = torch.full((len(items), longest), pad, device=vlm.model.device)
    for first in range(rank * QUESTIONS_AT_ONCE, len(items), ranks * QUESTIONS_AT_ONCE):
        batch = items[first : first + QUESTIONS_AT_ONCE]
        prompts = [format_prompt(data.prompt, question) for question in batch["question"]]
        ids = write_answers(
            vlm, condition, prompts, [task.image(other[image]) for image in batch["image_id"]]
        )
        written[first : first + len(batch), : ids.shape[1]] = ids
    # Relative to padding, what a rank has not written is 0, so the sum over ranks is what somebody wrote.
    torch.distributed.all_reduce(written.sub_(pad))
    texts = vlm.processor.batch_decode((written + pad).cpu(), skip_special_tokens=True)
    return result_rows(
        items,
        items.select("item_id", prediction=pl.Series([text.strip() for text in texts])),
        trial.metric,
        arm=trial.arm,
        seed=trial.seed,
        task=data.task.name,
        condition=name,
    )


@torch.no_grad()
def write_answers(
    vlm: Vlm, configuration: Configuration, prompts: Sequence[str], images: Sequence[Image.Image]
) -> torch.Tensor:
    """Token ids [questions, new] of the answers, each token the likeliest.

    Args:
        vlm: the model.
        configuration: how the processor is called, and how long an answer may be.
        prompts: one per question.
        images: one per question.

    Raises:
        TrialFailedError: the processor has no chat template and the study gives none.
    """
    inputs = _inputs(vlm, configuration, prompts, images)
    longest = _checkpoint(configuration).max_new_tokens or _LONGEST
    ids: torch.Tensor = vlm.model.generate(**inputs, do_sample=False, num_beams=1, max_new_tokens=longest)
    return ids if vlm.model.config.is_encoder_decoder else ids[:, inputs["input_ids"].shape[1] :]


@torch.no_grad()
def vlm_cost(vlm: Vlm, configuration: Configuration) -> Cost:
    """Weights, multiply-accumulates of one test question with its image, encoder included, and tokens per image.

    Half of what torch's `FlopCounterMode` counts, as in `vlm_fusion.count_macs`. Models whose configuration names no
    image token have 0 visual tokens.
    """
    data = configuration.data
    task = create_task(data.task.name, **data.task.options())
    row = task.items("test").row(0, named=True)
    prompts, images = [format_prompt(data.prompt, row["question"])], [task.image(row["image_id"])]
    inputs = _inputs(vlm, configuration, prompts, images)
    counter = FlopCounterMode(display=False)
    with sdpa_kernel(SDPBackend.MATH), counter:
        vlm.model.generate(**inputs, do_sample=False, num_beams=1, max_new_tokens=1)
    placeholder = getattr(vlm.model.config, "image_token_id", None)
    weights = sum(parameter.numel() for parameter in vlm.model.parameters())
    return Cost(
        parameters=weights,
        trainable=weights,
        macs=int(counter.get_total_flops()) // 2,
        visual_tokens=0 if placeholder is None else int((inputs["input_ids"] == placeholder).sum()),
    )


def _inputs(
    vlm: Vlm, configuration: Configuration, prompts: Sequence[str], images: Sequence[Image.Image]
) -> Any:
    checkpoint, processor = _checkpoint(configuration), vlm.processor
    texts = [_asked(processor, checkpoint, prompt) for prompt in prompts]
    made = processor(
        text=texts,
        images=[[image] for image in images],
        return_tensors="pt",
        padding=True,
        **checkpoint.processor,
    )
    return made.to(vlm.model.device, dtype=vlm.model.dtype)


def _asked(processor: Any, checkpoint: Checkpoint, prompt: str) -> str:
    if checkpoint.template is not None:
        return checkpoint.template.replace(QUESTION, prompt)
    if getattr(processor, "chat_template", None) is None:
        raise TrialFailedError(
            f"the processor of {checkpoint.transformers} has no chat template: say in model.checkpoint.template how it "
            f'is asked, such as "<image> {QUESTION}"'
        )
    content = [{"type": "image"}, {"type": "text", "text": prompt}]
    asked: str = processor.apply_chat_template(
        [{"role": "user", "content": content}], add_generation_prompt=True
    )
    return asked


def _checkpoint(configuration: Configuration) -> Checkpoint:
    assert configuration.model.checkpoint is not None
    return configuration.model.checkpoint
