"""The vision-language model: the loss of answers, and writing them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor, nn

from token_budget import VisualTokens

from ._adaptation import choose_trainable
from ._checked_loading import load_checked
from ._checks import Real
from ._decoder import word_scores
from ._decoding import generate_words
from ._row_checks import predicted, row_segments
from ._seeing_decoder import SeeingDecoder


class ModelOutput(NamedTuple):
    """What a forward pass gives.

    Attributes:
        loss: sum of the answer tokens' cross-entropies over `answer_tokens`; None without labels.
        logits: with labels those of the answer tokens, [answers, vocabulary], in row order; else those of every
            word, [batch, words, vocabulary].
    """

    loss: Tensor | None
    logits: Tensor

    @property
    def losses(self) -> dict[str, Tensor]:
        """Each objective's loss by its name; empty without labels."""
        return {} if self.loss is None else {"language-modelling": self.loss}


class VisionLanguageModel(SeeingDecoder):
    """A language model that sees: visual tokens go through a connector into a causal language model.

    Args:
        config: what the model is made of.
        connector: a connector made by the caller; None makes one from the configuration.
        language_model: a causal language model made by the caller, adapted as the configuration says
            (`adapt_language_model`); None makes one with fresh weights and adapts it.
        encoder: turns pixels into visual tokens; a module becomes part of the model. None where visual tokens are
            given (stored features).
        reducer: makes fewer visual tokens before the connector; None keeps all. The attribute may be replaced
            between calls, so that one trained model is measured under several budgets.

    Parts that are given keep their weights bit for bit.

    Raises:
        ValueError: a given part does not fit the configuration.
    """

    def forward(
        self,
        tokens: VisualTokens | Tensor | None,
        input_ids: Int[Tensor, "batch words"],
        attention_mask: Tensor | None = None,
        segments: Int[Tensor, "batch words"] | None = None,
        labels: Int[Tensor, "batch words"] | None = None,
        answer_tokens: Real | None = None,
        image_index: Tensor | None = None,
        connector_inputs: Mapping[str, Any] | None = None,
    ) -> ModelOutput:
        """Loss and logits of rows of one image (or several) and one or several questions.

        Args:
            tokens: the visual tokens, one row per distinct image (or its pixels, where the model has an encoder);
                None where the batch has no image.
            input_ids: the words of each row.
            attention_mask: true (or 1) where a word is real; None means all are.
            segments: question number of each word from 1, 0 for padding; None means one question per row. Every
                question sees the visual tokens and itself only, at the positions it would have alone.
            labels: token ids to be written, -100 elsewhere; never at the first word of a question.
            answer_tokens: what the summed loss is divided by: the answer tokens of the whole global batch, over all
                ranks and accumulation steps. None divides by this batch's.
            image_index: image of each row ([batch], or [batch, images] for several); -1 for none.
            connector_inputs: further arguments of the connector: `queries` (how many) of `elastic-queries`, `text`
                (token ids by image) of `q-former`.

        Raises:
            ValueError: shapes disagree, a row is longer than the context, a label stands where nothing can
                predict it, or there is nothing to divide the loss by.
        """
        segments = row_segments(input_ids, attention_mask, segments)
        seen = self.see(
            tokens, batch=len(input_ids), image_index=image_index, connector_inputs=connector_inputs
        )
        layout = self.layout(seen, segments)
        hidden = self.decode(seen, input_ids, layout)[:, seen.mask.shape[1] :]
        if labels is None:
            return ModelOutput(None, word_scores(self.language_model, hidden))
        predicting, targets = predicted(labels, segments)
        logits = word_scores(self.language_model, hidden[predicting])
        total = nn.functional.cross_entropy(logits.float(), targets, reduction="sum")
        count = len(targets) if answer_tokens is None else answer_tokens
        if count <= 0:
            raise ValueError(f"the loss is divided by the answer tokens, and there are {count}")
        return ModelOutput(total / count, logits)

    @torch.no_grad()
    def generate(
        self,
        tokens: VisualTokens | Tensor | None,
        input_ids: Int[Tensor, "batch words"],
        attention_mask: Tensor | None = None,
        *,
        max_new_tokens: int,
        segments: Int[Tensor, "batch words"] | None = None,
        image_index: Tensor | None = None,
        connector_inputs: Mapping[str, Any] | None = None,
        use_cache: bool = True,
        stop_early: bool = True,
    ) -> Int[Tensor, "..."]:
        """The most likely next words, one after the other, up to the end token.

        An answer does not depend on its batch mates, on the side of the padding, or on how questions are packed.

        Args:
            tokens: the visual tokens, one row per distinct image; the connector runs once on each.
            input_ids: prompts, padded on either side.
            attention_mask: true (or 1) where a word is real.
            max_new_tokens: words to write at most, 1 or more; always the length of the result.
            segments: question number of each word from 1 for rows of several prompts; None for one per row.
            image_index: image of each row ([batch], or [batch, images]); -1 for none.
            connector_inputs: as for `forward`.
            use_cache: keep keys and values; false computes everything anew at each word, for checking.
            stop_early: stop once every answer has ended. Under ZeRO-3 with several ranks give false: all ranks
                have to take the same number of steps.

        Returns:
            Token ids [batch, max_new_tokens], or [batch, questions, max_new_tokens] with `segments`; the padding token
            stands after the end token, and where a row has fewer questions.

        Raises:
            ValueError: the answer could become longer than the context, or a value is out of range.
        """
        if max_new_tokens < 1:
            raise ValueError(f"max_new_tokens must be 1 or more, got {max_new_tokens}")
        packed = segments is not None
        segments = row_segments(input_ids, attention_mask, segments)
        seen = self.see(
            tokens, batch=len(input_ids), image_index=image_index, connector_inputs=connector_inputs
        )
        write = generate_words(
            self, seen, input_ids, segments, length=max_new_tokens, use_cache=use_cache, stop_early=stop_early
        )
        return write if packed else write[:, 0]

    @classmethod
    def from_pretrained(cls, folder: str | Path, **options: Any) -> "VisionLanguageModel":
        """The model that `save_pretrained` wrote; refuses weights that don't fit its configuration.

        Args:
            folder: where it was saved.
            options: as `transformers`' `from_pretrained` takes, and the parts `encoder` and `reducer`, which are not
                stored in the configuration.

        Raises:
            ValueError: weights are missing, left over, or of another shape.
        """
        model = load_checked(super().from_pretrained, folder, options)
        assert isinstance(model, cls)
        # Loading puts new parameters in place, which all train.
        choose_trainable(model.language_model, model.config.adaptation["mode"])
        return model
