"""A Q-Former learning images and texts together: its heads beside the model, and its batches."""

from dataclasses import dataclass
from typing import Any

import torch

from ablation_runner.study import Training
from ablation_runner.trial._seeding import stream_seed
from ablation_runner.trial.inputs.batches import Row
from ablation_runner.trial.inputs.feed import Feed
from vlm_fusion import (
    ImageTextModel,
    MaskedWords,
    ObjectiveOptions,
    Question,
    TextRows,
    VisionLanguageModel,
    mask_words,
    pack_questions,
)


def objective_heads(model: VisionLanguageModel) -> ImageTextModel:
    """The heads of all objectives, on the trunk of a model's Q-Former and behind its encoder."""
    return ImageTextModel(
        model.connector.trunk,
        ObjectiveOptions(),
        encoder=model.encoder,
        feature_norm=model.config.feature_norm,
    )


def learner_of(model: VisionLanguageModel, training: Training | None) -> Any:
    """What a stage trains: the model, or the heads with the Q-Former where objectives of pairs are learned."""
    options = training.objective_options() if training else None
    if options is None:
        return model
    model.objectives.options = options
    return model.objectives


def as_statement(question: Question, tokenizer: Any) -> Question:
    """A question with its answer as the Q-Former reads it: behind a beginning token."""
    return Question([tokenizer.bos_token_id, *question.prompt], question.answer)


def statement_rows(questions: list[Question], tokenizer: Any) -> TextRows:
    """One statement per row."""
    return pack_questions([[as_statement(each, tokenizer)] for each in questions], pad=tokenizer.pad_token_id)


def hidden_words(text: TextRows, tokenizer: Any, generator: torch.Generator) -> MaskedWords:
    """Words to be guessed, of any but the special ones."""
    special = torch.tensor(tokenizer.all_special_ids)
    return mask_words(
        text.input_ids,
        text.attention_mask & ~torch.isin(text.input_ids, special),
        mask_token=tokenizer.mask_token_id,
        vocabulary=len(tokenizer),
        generator=generator,
    )


@dataclass(frozen=True, kw_only=True)
class PairFeed(Feed):
    """Rows of one image and one question with its answer, for the objectives of pairs."""

    def forward(
        self,
        model: Any,
        rows: list[Row],
        split: str,
        *,
        part: slice = slice(None),
        budget: int | None = None,
        draw: str | int = "",
        progress: float = 1.0,
        answer_tokens: int = 1,
    ) -> Any:
        """The weighted sum of the objectives, and each by its name; arguments as for `Feed.forward`.

        The sum over all parts of a batch is the loss of the whole batch.
        """
        tokenizer, split_items = self.material.tokenizer, self.material.splits[split]
        asked = [split_items.questions[row.questions[0]] for row in rows]
        text = statement_rows(asked, tokenizer)
        names = [(*question.prompt, *question.answer) for question in asked]
        numbers = {name: number for number, name in enumerate(sorted(set(names)))}
        captions = torch.tensor([numbers[name] for name in names])
        noise = torch.Generator().manual_seed(stream_seed(self.seed, "masked", split, draw))
        masked = hidden_words(text, tokenizer, noise)  # of the whole batch, however it is divided
        parts = len(rows) / len(rows[part])
        device = next(model.parameters()).device
        output = model(
            self.images(split, [row.shown for row in rows], part=part, budget=budget, draw=draw, model=model),
            text.input_ids[part].to(device),
            text.attention_mask[part].to(device),
            text.labels[part].to(device),
            captions=captions[part].to(device),
            masked=MaskedWords(*(tensor[part].to(device) for tensor in masked)),
            answer_tokens=answer_tokens / parts,
            masked_tokens=int((masked.labels != -100).sum()) / parts,
            generator=torch.Generator().manual_seed(stream_seed(self.seed, "negatives", split, draw)),
        )
        return output._replace(loss=output.loss / parts)
