"""What is asked of a causal language model of `transformers`: its decoder, its layers, its scores of words."""

from inspect import Parameter, signature
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

READ_BY_DECODER = ("inputs_embeds", "attention_mask", "position_ids")


def require_decoder(language_model: Any) -> None:
    """Refuses a language model whose decoder cannot be told vectors, places and who sees whom.

    Args:
        language_model: an `AutoModelForCausalLM`.

    Raises:
        ValueError: its decoder takes no `position_ids` (ALiBi models, state-space models) or the like.
    """
    decoder = language_model.get_decoder()
    known = signature(decoder.forward).parameters
    if missing := [name for name in READ_BY_DECODER if name not in known]:
        raise ValueError(
            f"{type(decoder).__name__} takes no {', '.join(missing)}, which rows with images need"
        )


def decoder_layers(language_model: Any) -> nn.ModuleList:
    """The decoder layers of a Llama-like causal language model, in order.

    Args:
        language_model: an `AutoModelForCausalLM` whose decoder keeps `layers` and passes unknown keywords to them
            (Llama, Qwen2, Mistral, SmolLM2 and others do).

    Raises:
        ValueError: there are no such layers.
    """
    decoder = language_model.get_decoder()
    layers = getattr(decoder, "layers", None)
    if not isinstance(layers, nn.ModuleList):
        raise ValueError(f"{type(decoder).__name__} has no module list `layers` to attach to")  # noqa: TRY004  # the value is at fault
    for function in (decoder.forward, layers[0].forward):
        kinds = {parameter.kind for parameter in signature(function).parameters.values()}
        if Parameter.VAR_KEYWORD not in kinds:
            raise ValueError(
                f"{function.__qualname__} passes no keywords on, so a visual memory cannot reach the layers"
            )
    return layers


def attention_mask_for(language_model: Any, visible: Bool[Tensor, "batch n m"], dtype: torch.dtype) -> Tensor:
    """The mask in the form that the language model's attention reads: [batch, 1, n, m].

    Args:
        language_model: tells which attention it runs.
        visible: true where a token may look.
        dtype: of the hidden states.

    Raises:
        ValueError: the attention takes no mask of this kind (flash attention).
    """
    kind = language_model.config._attn_implementation
    if kind == "sdpa":
        return visible[:, None]
    if kind == "eager":
        return torch.where(visible[:, None], 0.0, torch.finfo(dtype).min).to(dtype)
    raise ValueError(f"the language model must run sdpa or eager attention, got {kind!r}")


def last_states(
    language_model: Any,
    prefix: Float[Tensor, "batch prefix width"],
    input_ids: Int[Tensor, "batch words"],
    positions: Int[Tensor, "batch n"],
    visible: Bool[Tensor, "batch n m"],
    *,
    cache: Any = None,
    memory: Any = None,
) -> Float[Tensor, "batch n width"]:
    """The decoder's last hidden states of [prefix; words].

    Args:
        language_model: an `AutoModelForCausalLM`.
        prefix: vectors before the words.
        input_ids: the words.
        positions: place of each vector and word.
        visible: true where one may look at another; m is n, or more with a cache.
        cache: keys and values of earlier words, which the new ones are added to; None keeps none.
        memory: what gated cross-attention looks at, handed through the decoder to its layers.
    """
    words = language_model.get_input_embeddings()(input_ids)
    optional = {} if memory is None else {"visual_memory": memory}
    if cache is not None:
        optional[cache_name(language_model)] = cache
    embeds = torch.cat([prefix.to(words.dtype), words], dim=1)
    output = language_model.get_decoder()(
        inputs_embeds=embeds,
        attention_mask=attention_mask_for(language_model, visible, embeds.dtype),
        position_ids=positions,
        use_cache=cache is not None,
        **optional,
    )
    return torch.as_tensor(output.last_hidden_state)


def cache_name(language_model: Any) -> str:
    """What the decoder calls its cache: `cache` from transformers 5.24 on, `past_key_values` before."""
    known = signature(language_model.get_decoder().forward).parameters
    return "cache" if "cache" in known else "past_key_values"


def word_scores(
    language_model: Any, hidden: Float[Tensor, "*rows width"]
) -> Float[Tensor, "*rows vocabulary"]:
    """The scores of every word, as the language model itself makes them from its last hidden states.

    Some scale them behind the output layer: Cohere times `logit_scale`, Granite by `logits_scaling`, and Gemma 2
    squashes them within `final_logit_softcapping`.

    Args:
        language_model: an `AutoModelForCausalLM`.
        hidden: last hidden states.
    """
    config = language_model.config
    scores = language_model.get_output_embeddings()(hidden)
    scores = (
        scores
        * (getattr(config, "logit_scale", None) or 1.0)
        / (getattr(config, "logits_scaling", None) or 1.0)
    )
    cap = getattr(config, "final_logit_softcapping", None)
    return torch.as_tensor(scores if cap is None else cap * torch.tanh(scores / cap))
