"""A vision-language model whose visual tokens are allocated by relevance to each row's question."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor

from relevance_allocator import Allocated, PatchTexture, RelevanceAllocator, Scene, query_tokens
from token_budget import VisualTokens
from vlm_fusion import ModelOutput, VisionLanguageModel

TEXTURE = ("texture_means", "texture_entropies")  # extras that the stored tokens carry
GROUPS = ("rgb", "lab", "sobel", "position", "eccentricity")


class AllocationInputs(NamedTuple):
    """What allocation needs besides tokens and questions.

    Attributes:
        budget: tokens per image; None where the allocator's own price decides.
        seed: of the draws of this batch.
        progress: share of the training done, 0..1.
        regions: of each row the boxes that hold the answer, for the oracle.
    """

    budget: int | None
    seed: int
    progress: float = 1.0
    regions: Sequence[Sequence[Sequence[float]]] | None = None


class AllocatingModel(VisionLanguageModel):
    """The model with an allocator before its connector; a row holds one question.

    Args:
        config: of the model.
        allocator: chooses the tokens.
        parts: connector and language model, as for `VisionLanguageModel`.
    """

    def __init__(self, config: Any, *, allocator: RelevanceAllocator, **parts: Any) -> None:
        """Puts the parts together."""
        super().__init__(config, **parts)
        self.allocator = allocator

    def scene(
        self, tokens: VisualTokens, words: Int[Tensor, "batch words"], asked: Tensor, inputs: AllocationInputs
    ) -> Scene:
        """What the allocator looks at.

        Args:
            tokens: all stored tokens, with their texture.
            words: token ids of the rows.
            asked: true where a word belongs to the question.
            inputs: draws and regions.
        """
        means, entropies = (tokens.extras[name] for name in TEXTURE)
        extras = {name: value for name, value in tokens.extras.items() if name not in TEXTURE}
        embedded = self.language_model.get_input_embeddings()(words)
        return Scene(
            tokens=tokens._replace(extras=extras),
            texture=PatchTexture(means, entropies, GROUPS),
            query=query_tokens(embedded, mask=asked),
            regions=inputs.regions,
            generator=torch.Generator().manual_seed(inputs.seed),
        )

    def allocate(self, scene: Scene, inputs: AllocationInputs) -> Allocated:
        """The tokens within their budgets, and what led to them."""
        allocated: Allocated = self.allocator(
            scene.tokens,
            scene.query,
            texture=scene.texture,
            regions=scene.regions,
            budget=inputs.budget,
            generator=scene.generator,
            progress=inputs.progress,
        )
        return allocated

    def forward(  # type: ignore[override]  # a row's question is needed, which the superclass can do without
        self,
        tokens: VisualTokens | None,
        input_ids: Int[Tensor, "batch words"],
        *,
        allocation: AllocationInputs | None = None,
        **text: Any,
    ) -> ModelOutput:
        """Loss and logits of rows of one question each, as `VisionLanguageModel.forward` takes them.

        Without `allocation` the tokens are taken as they are.
        """
        if tokens is not None and allocation is not None:
            asked = (text["segments"] > 0) & (text["labels"] == -100)
            tokens = self.allocate(self.scene(tokens, input_ids, asked, allocation), allocation).tokens
        return super().forward(tokens, input_ids, **text)

    @torch.no_grad()
    def answer(
        self,
        tokens: VisualTokens,
        input_ids: Int[Tensor, "batch words"],
        *,
        segments: Int[Tensor, "batch words"],
        max_new_tokens: int,
        allocation: AllocationInputs,
    ) -> Int[Tensor, "batch questions new"]:
        """What the model writes to rows of one question each."""
        scene = self.scene(tokens, input_ids, segments > 0, allocation)
        kept = self.allocate(scene, allocation).tokens
        return self.generate(kept, input_ids, segments=segments, max_new_tokens=max_new_tokens)
