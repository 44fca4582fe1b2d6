"""From rows of images and questions to the arguments of a forward pass: text packed, tokens reduced."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ablation_runner.study import Reducer, reducer_needs
from ablation_runner.trial._allocating import AllocationInputs
from ablation_runner.trial._seeding import stream_seed
from ablation_runner.trial.inputs.batches import Row
from ablation_runner.trial.inputs.material import Material
from token_budget import VisualTokens, reduce_tokens
from vlm_encoders import tensors_to_tokens, tokens_to_tensors
from vlm_fusion import pack_questions


@dataclass(frozen=True, kw_only=True)
class Feed:
    """What a model is fed with under one condition.

    Attributes:
        material: the stored features and the questions as token ids.
        reducer: how the stored tokens are reduced.
        seed: of the trial; reducers that draw have a stream of it for every batch.
        with_images: false for a stage on text alone.
        allocates: the model's allocator chooses the tokens, so that all stored ones are given.
    """

    material: Material
    reducer: Reducer
    seed: int
    with_images: bool = True
    allocates: bool = False

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
        """The model's output on a part of a batch of rows.

        Args:
            model: or the engine around it.
            rows: the whole batch, so that what is drawn for it depends on no rank.
            split: whose images and questions they are.
            part: the rows that are wanted.
            budget: visual tokens per image; the reducer's own if None.
            draw: names the batch, for reducers that draw.
            progress: share of the training done, for allocators that explore.
            answer_tokens: what the summed loss is divided by.
        """
        questions = self.material.splits[split].questions
        text = pack_questions(
            [[questions[item] for item in row.questions] for row in rows[part]],
            pad=self.material.tokenizer.pad_token_id,
        )
        images = None
        if self.with_images:
            shown = [row.shown for row in rows]
            images = self.images(split, shown, part=part, budget=budget, draw=draw, model=model)
        more = {}
        if self.allocates:
            asked = [row.questions[0] for row in rows[part]]
            key = f"{draw}:{part.start or 0}"
            more["allocation"] = self.allocation(
                split, asked, budget=budget or self.reducer.budget, draw=key, progress=progress
            )
        return model(
            images,
            text.input_ids.to(model.device),
            segments=text.segments.to(model.device),
            labels=text.labels.to(model.device),
            answer_tokens=answer_tokens,
            **more,
        )

    def allocation(
        self, split: str, items: list[int], *, budget: int | None, draw: str | int, progress: float = 1.0
    ) -> AllocationInputs:
        """What the model's allocator needs besides tokens and questions.

        Args:
            split: whose items.
            items: the question of each row.
            budget: tokens per image; None where the allocator's price decides.
            draw: names the batch.
            progress: share of the training done.
        """
        return AllocationInputs(
            budget=budget,
            seed=stream_seed(self.seed, "allocate", split, draw),
            progress=progress,
            regions=self.material.splits[split].items["regions"][items].to_list(),
        )

    def images(
        self,
        split: str,
        shown: list[int],
        *,
        model: Any,
        part: slice = slice(None),
        budget: int | None = None,
        draw: str | int = "",
    ) -> Any:
        """What the model sees of a part of a batch of images, on its device and in its type.

        Of stored features these are the reduced tokens; all of them where an allocator chooses. A reducer that draws is
        run on the whole batch, any other on the part alone; neither depends on how the batch is divided. A model
        whose encoder is trained gets pixels, and the reducer behind its encoder is set.
        """
        draws = "generator" in reducer_needs(self.reducer.method)
        stored = self.material.images(split, shown if draws else shown[part])
        generator = torch.Generator().manual_seed(stream_seed(self.seed, "reduce", split, draw))
        reduce: Callable[[VisualTokens], VisualTokens] = partial(
            reduce_tokens,
            budget=budget or self.reducer.budget,
            method=self.reducer.method.name,
            generator=generator,
            **self.reducer.method.options(),
        )
        if isinstance(stored, Tensor):
            getattr(model, "module", model).reducer = reduce
            return stored.to(next(model.parameters()))
        kept = stored if self.allocates else reduce(stored)
        return _placed(kept, part if draws else slice(None), model)


def _placed(tokens: VisualTokens, part: slice, model: Any) -> VisualTokens:
    """Some rows, on the model's device; features in its type, positions and masks in their own."""
    tensors = {
        name: tensor[part].to(next(model.parameters()).device)
        for name, tensor in tokens_to_tensors(tokens).items()
    }
    return tensors_to_tokens(tensors | {"features": tensors["features"].to(parameter_type(model))})


def parameter_type(model: Any) -> torch.dtype:
    """What a model, or the engine around it, computes in."""
    dtype: torch.dtype = next(model.parameters()).dtype
    return dtype
