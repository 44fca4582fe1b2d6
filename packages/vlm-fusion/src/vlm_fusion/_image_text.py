"""A Q-Former with the heads of its training objectives: contrast, matching, hidden words, captions."""

from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.functional import normalize

from token_budget import VisualTokens

from ._checks import FEATURE_NORMS, Real, require_member
from ._contrast import contrast, similarity
from ._intake import Encoder, Reducer, TakesImages
from ._masking import MaskedWords
from ._objective_losses import matching_loss, needed, word_loss
from ._objective_options import ObjectiveOptions
from ._pairs import contrasted, drawn_pairs, uniform
from ._q_former import QFormerTrunk


class ObjectiveOutput(NamedTuple):
    """The weighted sum of the objectives, and each of them unweighted by its name."""

    loss: Tensor
    losses: dict[str, Tensor]


class ImageTextModel(TakesImages, nn.Module):
    """A Q-Former that learns images and texts together (BLIP-2, arXiv 2301.12597, section 3.1).

    It is trained before, or instead of, the language model; its `trunk` is that of a `q-former` connector, so what it
    has learned is then in the connector. The weights of all heads exist whatever the objectives are, so that arms
    which differ in objectives share their initial weights.

    `forward`, `rank_answers`, `held_out_scores`, `write_captions` and `mask_predict` take images; the other methods
    take what `visual_tokens` makes of them.

    Args:
        trunk: a Q-Former with a text branch (the option `vocabulary`).
        options: objectives and weights.
        encoder: turns pixels into visual tokens; None where visual tokens are given (stored features).
        reducer: makes fewer of them before the Q-Former; None keeps all. It may be replaced between calls.
        feature_norm: `none`, or `layer`: as in `VisionLanguageConfig`.

    Raises:
        ValueError: the Q-Former has no text branch, or `feature_norm` is unknown.
    """

    def __init__(
        self,
        trunk: QFormerTrunk,
        options: ObjectiveOptions,
        *,
        encoder: Encoder | None = None,
        reducer: Reducer | None = None,
        feature_norm: str = "none",
    ) -> None:
        super().__init__()
        require_member("ImageTextModel", "feature_norm", feature_norm, FEATURE_NORMS)
        if trunk.options.vocabulary is None:
            raise ValueError(
                "the objectives need a Q-Former with a text branch; give it the option vocabulary"
            )
        width = trunk.queries.shape[-1]
        self.trunk = trunk
        self.options = options
        self.encoder = encoder
        self.reducer = reducer
        self.vision_width = trunk.vision_width
        self.feature_norm = feature_norm
        self.image_projection = nn.Linear(width, options.embedding_width)
        self.text_projection = nn.Linear(width, options.embedding_width)
        self.match_head = nn.Linear(width, 2)
        self.word_head = nn.Linear(width, trunk.options.vocabulary)
        # One value in a vector: DeepSpeed cannot send parameters without axes to other ranks.
        self.log_scale = nn.Parameter(torch.tensor([1 / 0.07]).log())

    def embed_images(self, tokens: VisualTokens) -> Float[Tensor, "batch queries dim"]:
        """Unit vectors of each image, one per query, that have not seen any text."""
        return normalize(self.image_projection(self.trunk(tokens).queries), dim=-1)

    def embed_texts(
        self, input_ids: Int[Tensor, "batch words"], attention_mask: Bool[Tensor, "batch words"]
    ) -> Float[Tensor, "batch dim"]:
        """The unit vector of each text (its first token's), which has not seen any image."""
        return normalize(self.text_projection(self.trunk(None, input_ids, attention_mask).text[:, 0]), dim=-1)

    def similarities(
        self,
        tokens: VisualTokens,
        input_ids: Int[Tensor, "texts words"],
        attention_mask: Bool[Tensor, "texts words"],
    ) -> Float[Tensor, "images texts"]:
        """How near each image is to each text, -1..1."""
        return similarity(self.embed_images(tokens), self.embed_texts(input_ids, attention_mask))

    def match(
        self,
        tokens: VisualTokens,
        input_ids: Int[Tensor, "batch words"],
        attention_mask: Bool[Tensor, "batch words"],
    ) -> Float[Tensor, "batch 2"]:
        """Scores of `apart` and `together` for each image and its text: the mean over the queries' votes."""
        states = self.trunk(tokens, input_ids, attention_mask, "bidirectional").queries
        return torch.as_tensor(self.match_head(states).mean(1))

    def words(
        self,
        tokens: VisualTokens,
        input_ids: Int[Tensor, "batch words"],
        attention_mask: Bool[Tensor, "batch words"],
        *,
        attention: str,
    ) -> Float[Tensor, "batch words vocabulary"]:
        """Scores of every word at every place: of hidden ones (`bidirectional`) or of the next ones (`causal`)."""
        return torch.as_tensor(self.word_head(self.trunk(tokens, input_ids, attention_mask, attention).text))

    def forward(
        self,
        tokens: VisualTokens | Tensor,
        input_ids: Int[Tensor, "batch words"],
        attention_mask: Bool[Tensor, "batch words"],
        labels: Int[Tensor, "batch words"],
        *,
        captions: Int[Tensor, " batch"] | None = None,
        masked: MaskedWords | None = None,
        answer_tokens: Real | None = None,
        masked_tokens: Real | None = None,
        generator: torch.Generator | None = None,
        group: Any = None,
    ) -> ObjectiveOutput:
        """The weighted sum of the objectives for images and their captions.

        Args:
            tokens: one image per row: visual tokens, or pixels where the model has an encoder.
            input_ids: a beginning token, the caption, an end token; padded on the right.
            attention_mask: true where a word is real.
            labels: the words to be written, -100 elsewhere.
            captions: the caption's identity, the same on all ranks; needed by contrast and matching.
            masked: hidden words; needed by masked language modelling.
            answer_tokens: what the language modelling loss is divided by: the labels of the whole global batch over
                (ranks times accumulation steps), so that the mean over those is right; None is this batch's labels.
            masked_tokens: likewise for masked language modelling and hidden words.
            generator: draws the hard negatives, in the same state on all ranks; needed by matching.
            group: process group of contrast and matching; None is the default one.

        Raises:
            ValueError: something that an objective needs is missing, or a text is padded on the left.
        """
        if not bool(attention_mask[:, 0].all()):
            raise ValueError("texts must start at the first place: pad them on the right")
        tokens = self.visual_tokens(tokens)
        text = (input_ids, attention_mask)
        losses = self._pair_losses(tokens, *text, captions, generator, group)
        if "language-modelling" in self.options.active:
            logits = self.words(tokens, *text, attention="causal")
            losses["language-modelling"] = word_loss(logits[:, :-1], labels[:, 1:], answer_tokens)
        if "masked-language-modelling" in self.options.active:
            hidden = needed("masked", masked)
            logits = self.words(tokens, hidden.input_ids, attention_mask, attention="bidirectional")
            losses["masked-language-modelling"] = word_loss(logits, hidden.labels, masked_tokens)
        total = torch.stack([self.options.weights[name] * loss for name, loss in losses.items()]).sum()
        return ObjectiveOutput(total, losses)

    def _pair_losses(
        self,
        tokens: VisualTokens,
        input_ids: Int[Tensor, "batch words"],
        attention_mask: Bool[Tensor, "batch words"],
        captions: Int[Tensor, " batch"] | None,
        generator: torch.Generator | None,
        group: Any,
    ) -> dict[str, Tensor]:
        """The losses that compare images and texts of all ranks, as far as they have a weight."""
        losses: dict[str, Tensor] = {}
        active, scale = self.options.active, self.log_scale.exp()[0]
        if "contrastive" in active:
            texts = self.embed_texts(input_ids, attention_mask)
            names = needed("captions", captions)
            found = contrast(self.embed_images(tokens), texts, names, scale, group=group)
            losses["contrastive"] = found.loss
        if "matching" in active:
            if self.options.negatives == "hard":
                near = contrasted(found, float(scale.detach()))
            else:
                near = uniform(needed("captions", captions), group=group)
            drawer = needed("generator", generator)
            pairs = drawn_pairs(near, tokens, input_ids, attention_mask, drawer, group)
            logits = self.match(pairs.tokens, pairs.input_ids, pairs.attention_mask)
            losses["matching"] = matching_loss(logits, pairs.matched, group=group)
        return losses
