"""The options of connectors that read the image by attention. Free of torch."""

from dataclasses import dataclass

from ._checks import ACTIVATIONS, require_count, require_member, require_positive


@dataclass(frozen=True, kw_only=True)
class QFormerOptions:
    """Learned queries that attend to each other and to the image (BLIP-2, arXiv 2301.12597).

    Attributes:
        queries: visual tokens that come out.
        depth: blocks.
        width: width of the queries; None is the language model's, and then no projection follows.
        heads: attention heads; they divide the width.
        cross_attention_every: blocks from one cross-attention to the next, the first block has one (BLIP-2: 2).
        feed_forward_multiple: hidden units of a block's feed-forward as a multiple of the width (BLIP-2: 4).
        norm: `pre` (before each part; trains from scratch) or `post` (after the sum, as BERT and BLIP-2).
        query_std: standard deviation of the initial queries (BLIP-2: 0.02, with pretrained text weights).
        positions: `none` or `sinusoidal`: what is added to the image's keys and values.
        vocabulary: words of the text branch that the objectives need; None leaves it out.
        text_length: longest text of the text branch, in tokens.
    """

    queries: int = 16
    depth: int = 1
    width: int | None = None
    heads: int = 4
    cross_attention_every: int = 1
    feed_forward_multiple: float = 2.0
    norm: str = "pre"
    query_std: float = 1.0
    positions: str = "none"
    vocabulary: int | None = None
    text_length: int = 64

    def __post_init__(self) -> None:
        """Checks the ranges."""
        require_count(
            "QFormerOptions",
            queries=self.queries,
            depth=self.depth,
            width=1 if self.width is None else self.width,
            heads=self.heads,
            cross_attention_every=self.cross_attention_every,
            vocabulary=1 if self.vocabulary is None else self.vocabulary,
            text_length=self.text_length,
        )
        require_positive(
            "QFormerOptions", feed_forward_multiple=self.feed_forward_multiple, query_std=self.query_std
        )
        require_member("QFormerOptions", "norm", self.norm, ("pre", "post"))
        require_member("QFormerOptions", "positions", self.positions, ("none", "sinusoidal"))


@dataclass(frozen=True, kw_only=True)
class PerceiverResamplerOptions:
    """Learned latents that attend to the image and to themselves at once (Flamingo, arXiv 2204.14198).

    Attributes:
        queries: latents, and so visual tokens that come out.
        depth: blocks.
        width: width of the latents; None is the language model's, and then no projection follows.
        heads: attention heads; they divide the width.
        feed_forward_multiple: hidden units of a block's feed-forward as a multiple of the width (Flamingo: 4).
        norm: `layer` (Flamingo) or `rms` (Idefics2, arXiv 2405.02246).
        activation: of the feed-forward: gelu, relu, silu, or swiglu (Idefics2).
        query_std: standard deviation of the initial latents.
        positions: `none` or `sinusoidal`: what is added to the image's tokens.
    """

    queries: int = 16
    depth: int = 1
    width: int | None = None
    heads: int = 4
    feed_forward_multiple: float = 2.0
    norm: str = "layer"
    activation: str = "gelu"
    query_std: float = 1.0
    positions: str = "none"

    def __post_init__(self) -> None:
        """Checks the ranges."""
        require_count(
            "PerceiverResamplerOptions",
            queries=self.queries,
            depth=self.depth,
            width=1 if self.width is None else self.width,
            heads=self.heads,
        )
        require_positive(
            "PerceiverResamplerOptions",
            feed_forward_multiple=self.feed_forward_multiple,
            query_std=self.query_std,
        )
        require_member("PerceiverResamplerOptions", "norm", self.norm, ("layer", "rms"))
        require_member("PerceiverResamplerOptions", "activation", self.activation, ACTIVATIONS)
        require_member("PerceiverResamplerOptions", "positions", self.positions, ("none", "sinusoidal"))


@dataclass(frozen=True, kw_only=True)
class ElasticQueriesOptions:
    """Learned queries of which any first m are a valid answer (MQT, arXiv 2405.19315).

    Attributes:
        queries: the most queries there are; a call may ask for fewer.
        width: width of the queries; None is the language model's, and then no projection follows.
        value_width: units of what the queries read, before it is brought to the width; None is the width.
        heads: attention heads; they divide both widths.
        query_std: standard deviation of the initial queries.
        positions: `none` or `sinusoidal`: what is added to the image's keys (not to the values).
    """

    queries: int = 16
    width: int | None = None
    value_width: int | None = None
    heads: int = 4
    query_std: float = 1.0
    positions: str = "sinusoidal"

    def __post_init__(self) -> None:
        """Checks the ranges."""
        require_count(
            "ElasticQueriesOptions",
            queries=self.queries,
            width=1 if self.width is None else self.width,
            value_width=1 if self.value_width is None else self.value_width,
            heads=self.heads,
        )
        require_positive("ElasticQueriesOptions", query_std=self.query_std)
        require_member("ElasticQueriesOptions", "positions", self.positions, ("none", "sinusoidal"))


@dataclass(frozen=True, kw_only=True)
class GatedCrossAttentionOptions:
    """Cross-attention to the image before decoder layers, behind gates that start at zero (arXiv 2204.14198).

    Attributes:
        every: decoder layers from one block to the next; the first layer has one (Flamingo: 1 to 7).
        heads: attention heads; they divide the language model's width.
        feed_forward_multiple: hidden units of a block's feed-forward as a multiple of the width (Flamingo: 4).
        positions: `none` or `sinusoidal`: what is added to the projected image tokens.
    """

    every: int = 1
    heads: int = 4
    feed_forward_multiple: float = 2.0
    positions: str = "none"

    def __post_init__(self) -> None:
        """Checks the ranges."""
        require_count(
            "GatedCrossAttentionOptions",
            every=self.every,
            heads=self.heads,
        )
        require_positive("GatedCrossAttentionOptions", feed_forward_multiple=self.feed_forward_multiple)
        require_member("GatedCrossAttentionOptions", "positions", self.positions, ("none", "sinusoidal"))
