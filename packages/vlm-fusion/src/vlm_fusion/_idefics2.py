"""Weights between this Perceiver Resampler and Idefics2's in `transformers`."""

from collections.abc import Mapping

from torch import Tensor

from ._foreign_weights import fill, renamed
from ._perceiver import PerceiverResampler

RENAMES = (
    (r"latents$", "latents"),
    (r"norm\.", "norm."),
    (r"blocks\.(\d+)\.latent_norm\.", r"layers.\1.input_latents_norm."),
    (r"blocks\.(\d+)\.image_norm\.", r"layers.\1.input_context_norm."),
    (r"blocks\.(\d+)\.attention\.query\.", r"layers.\1.self_attn.q_proj."),
    (r"blocks\.(\d+)\.attention\.key\.", r"layers.\1.self_attn.k_proj."),
    (r"blocks\.(\d+)\.attention\.value\.", r"layers.\1.self_attn.v_proj."),
    (r"blocks\.(\d+)\.attention\.output\.", r"layers.\1.self_attn.o_proj."),
    (r"blocks\.(\d+)\.feed_forward_norm\.", r"layers.\1.post_attention_layernorm."),
    (r"blocks\.(\d+)\.feed_forward\.(gate|up|down)\.", r"layers.\1.mlp.\2_proj."),
)


def idefics2_names(resampler: PerceiverResampler) -> dict[str, str]:
    """What `Idefics2PerceiverResampler` calls each weight of latents, blocks and last norm.

    What stands around them differs (Idefics2 projects images through a gated part and has no output layer), so
    `project` and `output` have no counterpart.

    Raises:
        ValueError: the resampler is not of Idefics2's kind.
    """
    options = resampler.options
    if (options.norm, options.activation) != ("rms", "swiglu"):
        raise ValueError(
            "only a resampler with norm='rms' and activation='swiglu' exchanges weights with Idefics2, got "
            f"norm={options.norm!r} and activation={options.activation!r}"
        )
    found = {name: renamed(name, RENAMES) for name in resampler.state_dict()}
    return {ours: theirs for ours, theirs in found.items() if theirs is not None}


def idefics2_state(resampler: PerceiverResampler) -> dict[str, Tensor]:
    """The weights of a Perceiver Resampler under the names of `transformers`' `Idefics2PerceiverResampler`.

    Args:
        resampler: with `norm="rms"` and `activation="swiglu"`.

    Raises:
        ValueError: the resampler is not of Idefics2's kind.
    """
    state = resampler.state_dict()
    return {theirs: state[ours] for ours, theirs in idefics2_names(resampler).items()}


def load_idefics2_state(resampler: PerceiverResampler, state: Mapping[str, Tensor]) -> None:
    """Fills a Perceiver Resampler with the weights of `transformers`' `Idefics2PerceiverResampler`.

    Args:
        resampler: with `norm="rms"`, `activation="swiglu"` and the same sizes; Idefics2's key-value heads must be
            as many as its heads. `project` and `output` stay as they are.
        state: state dict of the resampler alone.

    Raises:
        ValueError: the resampler is not of Idefics2's kind, or a weight is missing or has another shape.
    """
    fill(resampler, state, names=idefics2_names(resampler), source="Idefics2")
