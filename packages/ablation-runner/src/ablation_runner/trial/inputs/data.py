"""A task's splits as token ids, ready to be packed into rows."""

from dataclasses import dataclass
from typing import Any

import polars as pl
from transformers import AutoTokenizer

from ablation_runner.failure import TrialFailedError
from ablation_runner.study import Configuration
from vlm_fusion import PretrainedOptions, Question, build_tokenizer, encode_question, language_model_options
from vlm_tasks import Task, format_prompt


@dataclass(frozen=True)
class Split:
    """The items of a split, their images and their token ids.

    Attributes:
        items: the task's frame, a row per question.
        images: ids of the images, in the order of their first question.
        questions_of: for each image the indices of its items.
        image_of: for each item the index of its image.
        questions: prompt and answer of each item as token ids.
    """

    items: pl.DataFrame
    images: list[str]
    questions_of: list[list[int]]
    image_of: list[int]
    questions: list[Question]


def read_items(task: Task, split: str, *, limit: int | None) -> pl.DataFrame:
    """The items of a split in the task's order; only the first `limit` where one is given."""
    items = task.items(split)
    return items if limit is None else items.head(limit)


def make_tokenizer(task: Task, configuration: Configuration) -> Any:
    """A pretrained language model's own tokenizer, or one made of every prompt and answer of the training split.

    Raises:
        TrialFailedError: the pretrained one has no end token.
    """
    _, named = configuration.model.parts
    options = language_model_options(named.name, **named.options())
    if not isinstance(options, PretrainedOptions):
        return build_tokenizer(_training_texts(task, configuration))
    tokenizer = AutoTokenizer.from_pretrained(options.repository, revision=options.revision)
    if tokenizer.eos_token_id is None:
        raise TrialFailedError(
            f"the tokenizer of {options.repository} has no end token, so no answer would end"
        )
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token  # padding is masked, so any token serves
    if any(training.pair_objectives for training in configuration.trainings):
        _add_missing(tokenizer)
    return tokenizer


def _add_missing(tokenizer: Any) -> None:
    """Tokens that a Q-Former's texts need; the language model never reads them."""
    wanted = {"bos_token": "<s>", "mask_token": "<mask>"}
    tokenizer.add_special_tokens(
        {name: text for name, text in wanted.items() if getattr(tokenizer, name) is None}
    )


def _training_texts(task: Task, configuration: Configuration) -> list[str]:
    items = task.items("train")
    prompts = {format_prompt(configuration.data.prompt, question) for question in items["question"].unique()}
    return sorted(prompts | set(items["answers"].explode().unique()))


def encode_split(items: pl.DataFrame, tokenizer: Any, *, prompt: str) -> Split:
    """A split's questions as token ids; the first answer is the one that is learned.

    Args:
        items: the task's frame.
        tokenizer: of transformers, with an end token.
        prompt: template of vlm-tasks.
    """
    images = items["image_id"].unique(maintain_order=True).to_list()
    index = {image: number for number, image in enumerate(images)}
    image_of = [index[image] for image in items["image_id"]]
    questions_of: list[list[int]] = [[] for _ in images]
    for item, image in enumerate(image_of):
        questions_of[image].append(item)
    pairs = list(
        zip(items["question"].to_list(), (given[0] for given in items["answers"].to_list()), strict=True)
    )
    encoded = {
        (question, answer): encode_question(tokenizer, format_prompt(prompt, question), answer)
        for question, answer in sorted(set(pairs))
    }
    return Split(items, images, questions_of, image_of, [encoded[pair] for pair in pairs])
