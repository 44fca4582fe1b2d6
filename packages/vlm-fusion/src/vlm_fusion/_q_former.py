"""The Q-Former: learned queries that attend to each other, to the image and, where asked, to words."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from token_budget import VisualTokens

from ._attention_options import QFormerOptions
from ._positions import position_codes, require_code_width
from ._q_former_block import QFormerBlock, QFormerStates, image_text_mask
from ._queries import query_tokens


class TextEmbeddings(nn.Module):
    """Words and their places, as vectors.

    Args:
        vocabulary: words there are.
        length: places there are.
        width: units.
    """

    def __init__(self, vocabulary: int, length: int, width: int) -> None:
        super().__init__()
        self.words = nn.Embedding(vocabulary, width)
        self.places = nn.Embedding(length, width)
        nn.init.normal_(self.words.weight, std=0.3)
        nn.init.normal_(self.places.weight, std=0.3)

    def forward(self, text: Int[Tensor, "batch words"]) -> Float[Tensor, "batch words width"]:
        """The sum of the word's vector and its place's.

        Raises:
            ValueError: the text is longer than the places.
        """
        if text.shape[1] > self.places.num_embeddings:
            raise ValueError(
                f"text has {text.shape[1]} tokens, text_length allows {self.places.num_embeddings}"
            )
        return torch.as_tensor(
            self.words(text) + self.places(torch.arange(text.shape[1], device=text.device))
        )


class QFormerTrunk(nn.Module):
    """The queries, the words and the blocks they go through (BLIP-2, arXiv 2301.12597, section 3.1).

    With `norm="post"` and the same sizes it is `transformers`' `Blip2QFormerModel` (without its dropout), and
    exchanges weights with it; see `blip2_state` and `load_blip2_state`.
    """

    def __init__(self, options: QFormerOptions, *, vision_width: int, width: int) -> None:
        super().__init__()
        require_code_width(vision_width, options.positions)
        self.options = options
        self.vision_width = vision_width
        post = options.norm == "post"
        self.queries = nn.Parameter(torch.empty(options.queries, width).normal_(std=options.query_std))
        if options.vocabulary is not None:
            self.embeddings = TextEmbeddings(options.vocabulary, options.text_length, width)
        self.input_norm = nn.LayerNorm(width, eps=1e-12) if post else nn.Identity()
        every = options.cross_attention_every
        self.blocks = nn.ModuleList(
            QFormerBlock(options, width, vision_width if index % every == 0 else None)
            for index in range(options.depth)
        )
        self.output_norm = nn.Identity() if post else nn.LayerNorm(width)

    def forward(
        self,
        image: VisualTokens | None = None,
        text: Int[Tensor, "batch words"] | None = None,
        text_mask: Bool[Tensor, "batch words"] | None = None,
        attention: str = "bidirectional",
    ) -> QFormerStates:
        """What queries and words have become.

        Args:
            image: the image's tokens; None leaves the queries out (text alone).
            text: token ids; None leaves the words out.
            text_mask: true where a word is real; None means all are.
            attention: who sees whom, as `image_text_mask` says.

        Raises:
            ValueError: neither image nor text is given, or the text branch does not exist.
        """
        parts, mask = [], None
        if image is not None:
            parts.append(self.queries.expand(len(image.features), -1, -1))
        if text is not None:
            parts.append(self._embed(text))
        if not parts:
            raise ValueError("a Q-Former needs an image, a text or both, and got neither")
        queries = 0 if image is None else self.options.queries
        if image is not None and text is not None and len(text) != len(image.features):
            raise ValueError(
                f"every image needs a text, got {len(image.features)} images and {len(text)} texts"
            )
        if text is not None:
            real = torch.ones_like(text, dtype=torch.bool) if text_mask is None else text_mask
            mask = image_text_mask(attention, queries, real)
        states = self.input_norm(torch.cat(parts, dim=1))
        states = self._through_blocks(states, queries, mask, image)
        return QFormerStates(
            states[:, :queries] if image is not None else None,
            states[:, queries:] if text is not None else None,
        )

    def _embed(self, text: Int[Tensor, "batch words"]) -> Float[Tensor, "batch words width"]:
        """The words as vectors; refuses where there is no text branch."""
        if self.options.vocabulary is None:
            raise ValueError("this Q-Former has no text branch; give the option vocabulary to have one")
        return torch.as_tensor(self.embeddings(text))

    def _through_blocks(
        self,
        states: Float[Tensor, "batch n width"],
        queries: int,
        mask: Bool[Tensor, "batch n n"] | None,
        image: VisualTokens | None,
    ) -> Float[Tensor, "batch n width"]:
        """The states after all blocks."""
        keys = image_mask = None
        if image is not None:
            codes = position_codes(image, image.features.shape[-1], self.options.positions)
            keys = image.features if codes is None else image.features + codes
            image_mask = image.mask[:, None]
        for block in self.blocks:
            states = block(states, queries, mask, keys, keys, image_mask)
        return torch.as_tensor(self.output_norm(states))


class QFormer(nn.Module):
    """The Q-Former as a connector: its queries become the visual tokens."""

    shape = "prefix"

    def __init__(self, options: QFormerOptions, *, vision_width: int, language_width: int) -> None:
        super().__init__()
        self.options = options
        width = options.width or language_width
        self.trunk = QFormerTrunk(options, vision_width=vision_width, width=width)
        self.output = nn.Linear(width, language_width) if options.width else nn.Identity()

    def token_count(self, tokens: int) -> int:
        """Visual tokens that `tokens` tokens become: the number of queries."""
        return self.options.queries

    def forward(
        self, tokens: VisualTokens, *, text: Int[Tensor, "batch words"] | None = None
    ) -> VisualTokens:
        """The queries after they have read each image, and `text` with it where given (InstructBLIP, 2305.06500)."""
        return query_tokens(self.output(self.trunk(tokens, text).queries), tokens)
