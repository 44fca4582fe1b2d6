"""A small model that answers questions about scenes from a budget of visual tokens, and what it is trained on."""

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from token_budget import VisualTokens, reduce_tokens
from vlm_encoders import SmallViTOptions, create_encoder

HEAD_WIDTH = 32
WORD_WIDTH = 32
LETTERS = 4


class Answered(NamedTuple):
    """What the model says of each question, and where it looked at each hop (mean over heads)."""

    logits: Float[Tensor, "batch queries answers"]
    tokens: Float[Tensor, "batch tokens dim"]
    looks: list[Float[Tensor, "batch queries tokens"]]


class Hop(nn.Module):
    """Each question looks once at the visual tokens: pre-norm cross-attention and MLP with residuals."""

    def __init__(self, width: int) -> None:
        """A head for each 32 channels, an MLP of four times the width."""
        super().__init__()
        self.norm, self.mlp_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.out = nn.Linear(width, width), nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(
        self, asked: Float[Tensor, "batch queries dim"], tokens: Float[Tensor, "batch tokens dim"]
    ) -> tuple[Float[Tensor, "batch queries dim"], Float[Tensor, "batch queries tokens"]]:
        """What each question knows afterwards, and where it looked."""
        parts = (self.query(self.norm(asked)), *self.key_value(tokens).chunk(2, -1))
        query, key, value = (part.unflatten(-1, (-1, HEAD_WIDTH)).transpose(1, 2) for part in parts)
        looks = (query @ key.transpose(2, 3) / HEAD_WIDTH**0.5).softmax(-1)
        asked = asked + self.out((looks @ value).transpose(1, 2).flatten(2))
        return asked + self.mlp(self.mlp_norm(asked)), looks.mean(1)


class Probe(nn.Module):
    """A vision transformer, its tokens pooled to a budget, and questions that look at them."""

    def __init__(
        self, *, vit: SmallViTOptions, words: int, longest: int, kinds: int, answers: Sequence[str], hops: int
    ) -> None:
        """Draws the initial weights of all but the encoder from torch's global generator.

        Args:
            vit: shape of the encoder.
            words: size of the questions' vocabulary, the empty word included.
            longest: words of a question, shorter ones filled with 0.
            kinds: properties that a box may be labelled with.
            answers: every answer there is.
            hops: how often a question looks at the image.
        """
        super().__init__()
        self.encoder = create_encoder(
            "small-vit", options=vit, feature_layer=-1, final_norm=True, weights="random:0", verify=False
        )
        self.words = nn.Embedding(words, WORD_WIDTH)
        self.question = nn.Sequential(
            nn.Linear(longest * WORD_WIDTH, 2 * vit.width), nn.GELU(), nn.Linear(2 * vit.width, vit.width)
        )
        self.hops = nn.ModuleList(Hop(vit.width) for _ in range(hops))
        self.norm = nn.LayerNorm(vit.width)
        self.kinds = nn.Embedding(kinds, vit.width)
        self.box = nn.Sequential(
            nn.Linear(vit.width, 2 * vit.width), nn.GELU(), nn.Linear(2 * vit.width, vit.width),
            nn.LayerNorm(vit.width),
        )  # fmt: skip
        self.spelling: Tensor
        self.register_buffer("spelling", answer_spelling(answers))
        self.answers = nn.Linear(self.spelling.shape[1], vit.width, bias=False)

    def forward(
        self, pixels: Float[Tensor, "batch 3 height width"], questions: Int[Tensor, "batch queries words"],
        *, budget: int,
    ) -> Answered:  # fmt: skip
        """Scores of all answers to each question.

        Args:
            pixels: -1..1.
            questions: word numbers.
            budget: visual tokens that the questions may look at.
        """
        tokens: VisualTokens = self.encoder(pixels)
        seen = reduce_tokens(tokens, budget, method="average-pool").features
        asked, looks = self.question(self.words(questions).flatten(2)), []
        for hop in self.hops:
            asked, look = hop(asked, seen)
            looks.append(look)
        return Answered(self.norm(asked) @ self.answers(self.spelling).T, seen, looks)

    def read_boxes(
        self, tokens: Float[Tensor, "batch tokens dim"], patches: Bool[Tensor, "batch labels tokens"],
        kinds: Int[Tensor, "batch labels"],
    ) -> Float[Tensor, "batch labels answers"]:  # fmt: skip
        """Scores of all answers for each labelled box, from the mean of its tokens alone.

        Args:
            tokens: one for each patch.
            patches: those of each box.
            kinds: which property is asked for.
        """
        weights = patches.float()
        means = weights @ tokens / weights.sum(-1, keepdim=True)
        scores: Tensor = self.box(means + self.kinds(kinds)) @ self.answers(self.spelling).T
        return scores


def answer_spelling(answers: Sequence[str]) -> Float[Tensor, "answers features"]:
    """Which answer it is, and which of the first four letters stands where, as 0 and 1.

    An answer is scored by a vector of its own plus one for each letter at its place: of 900 numbers each is
    too rare to be learned alone, but their digits are not.
    """
    letters = [[f"{place}{letter}" for place, letter in enumerate(answer[:LETTERS])] for answer in answers]
    known = {name: place for place, name in enumerate(sorted(set(chain.from_iterable(letters))))}
    spelled = torch.zeros(len(answers), len(known))
    for row, names in enumerate(letters):
        spelled[row, [known[name] for name in names]] = 1
    return torch.cat([torch.eye(len(answers)), spelled], dim=1)


def answer_loss(
    logits: Float[Tensor, "batch queries answers"],
    allowed: Bool[Tensor, "batch queries answers"],
    right: Int[Tensor, "batch queries"],
) -> Float[Tensor, ""]:
    """Cross-entropy among the answers that a question's task allows."""
    masked = logits.masked_fill(~allowed, -torch.inf)
    return functional.cross_entropy(masked.flatten(0, 1), right.flatten())


def look_loss(
    looks: Sequence[Float[Tensor, "batch queries tokens"]], inside: Bool[Tensor, "batch queries tokens"]
) -> Float[Tensor, ""]:
    """Minus the log of the attention that lies on the answer regions, mean over hops and questions."""
    shares = torch.stack([(look * inside).sum(-1) for look in looks])
    return -shares.clamp_min(1e-4).log().mean()
