"""Weights between this Q-Former and `transformers`' BLIP-2."""

from collections.abc import Mapping

from torch import Tensor

from ._foreign_weights import fill, renamed
from ._q_former import QFormerTrunk

RENAMES = (
    (r"queries$", "query_tokens"),
    (r"embeddings\.words\.", "embeddings.word_embeddings."),
    (r"embeddings\.places\.", "embeddings.position_embeddings."),
    (r"input_norm\.", "qformer.layernorm."),
    (r"blocks\.(\d+)\.attention\.(query|key|value)\.", r"qformer.encoder.layer.\1.attention.attention.\2."),
    (r"blocks\.(\d+)\.attention\.output\.", r"qformer.encoder.layer.\1.attention.output.dense."),
    (r"blocks\.(\d+)\.attention_norm\.", r"qformer.encoder.layer.\1.attention.output.LayerNorm."),
    (r"blocks\.(\d+)\.cross\.(query|key|value)\.", r"qformer.encoder.layer.\1.crossattention.attention.\2."),
    (r"blocks\.(\d+)\.cross\.output\.", r"qformer.encoder.layer.\1.crossattention.output.dense."),
    (r"blocks\.(\d+)\.cross_norm\.", r"qformer.encoder.layer.\1.crossattention.output.LayerNorm."),
    (r"blocks\.(\d+)\.feed_forward\.0\.", r"qformer.encoder.layer.\1.intermediate_query.dense."),
    (r"blocks\.(\d+)\.feed_forward\.2\.", r"qformer.encoder.layer.\1.output_query.dense."),
    (r"blocks\.(\d+)\.feed_forward_norm\.", r"qformer.encoder.layer.\1.output_query.LayerNorm."),
    (r"blocks\.(\d+)\.text_feed_forward\.0\.", r"qformer.encoder.layer.\1.intermediate.dense."),
    (r"blocks\.(\d+)\.text_feed_forward\.2\.", r"qformer.encoder.layer.\1.output.dense."),
    (r"blocks\.(\d+)\.text_feed_forward_norm\.", r"qformer.encoder.layer.\1.output.LayerNorm."),
)


def blip2_name(name: str) -> str:
    """What `Blip2ForImageTextRetrieval` calls a weight of a `QFormerTrunk`.

    Args:
        name: as in the trunk's state dict.

    Raises:
        ValueError: BLIP-2 has no such weight (a Q-Former with `norm="pre"` has some).

    >>> blip2_name("blocks.3.cross_norm.bias")
    'qformer.encoder.layer.3.crossattention.output.LayerNorm.bias'
    """
    theirs = renamed(name, RENAMES)
    if theirs is None:
        raise ValueError(
            f"BLIP-2 has no weight for {name!r}; only norm='post' Q-Formers exchange weights with it"
        )
    return theirs


def blip2_state(trunk: QFormerTrunk) -> dict[str, Tensor]:
    """The weights of a Q-Former under the names of `transformers`' BLIP-2 models.

    Args:
        trunk: a Q-Former with `norm="post"`.

    Raises:
        ValueError: the Q-Former is not of BLIP-2's kind.
    """
    state = {blip2_name(name): tensor for name, tensor in trunk.state_dict().items()}
    return {name: tensor[None] if name == "query_tokens" else tensor for name, tensor in state.items()}


def load_blip2_state(trunk: QFormerTrunk, state: Mapping[str, Tensor]) -> None:
    """Fills a Q-Former with the weights of a BLIP-2 model of `transformers`.

    Args:
        trunk: a Q-Former with `norm="post"` and the same sizes.
        state: state dict of `Blip2Model`, `Blip2ForConditionalGeneration` or `Blip2ForImageTextRetrieval`; weights of
            other parts are passed over.

    Raises:
        ValueError: a weight is missing or has another shape.
    """
    names = {name: blip2_name(name) for name in trunk.state_dict()}
    # Theirs has an axis for the batch.
    queries = {name: state[name][0] for name in ("query_tokens",) if name in state}
    fill(trunk, {**state, **queries}, names=names, source="BLIP-2")
