"""The hooks that make the later layers of a decoder see fewer visual tokens."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

import torch
from jaxtyping import Bool
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from ._decoder_options import Stage
from ._decoder_prompt import Prompt, decide, layer_arguments
from ._kept_set import gather, kept_set


class PrunedDecoder(AbstractContextManager["PrunedDecoder", None]):
    """A decoder whose later layers see fewer visual tokens, until `remove()`; see `prune_decoder`.

    Attributes:
        kept: after a prefill, which tokens of the prompt remain after each stage, bool [batch, tokens] each.
    """

    def __init__(self, decoder: Any, stages: Sequence[Stage], *, renumber: bool) -> None:
        """Hook into the decoder; called by `prune_decoder`."""
        self._decoder = decoder
        self._stages = {stage.layer: stage for stage in stages}
        self._renumber = renumber
        self._marked: Tensor | None = None
        self._fixed: list[Tensor] | None = None
        self._prompt: Prompt | None = None
        first = min(self._stages)
        hook = {"with_kwargs": True}
        self._handles: list[RemovableHandle] = [
            self._decoder.register_forward_pre_hook(self._begin, **hook),
            self._decoder.norm.register_forward_pre_hook(self._end),
        ]
        for number, layer in enumerate(self._decoder.layers[first:], start=first):
            self._handles.append(layer.register_forward_pre_hook(self._enter(number), **hook))
        for stage in stages:
            if stage.keep > 0:
                attention = self._decoder.layers[stage.layer - 1].self_attn
                for name in ("q", "k"):
                    # Qwen3 normalises heads between projection and rotation; the others do not.
                    source = getattr(attention, f"{name}_norm", getattr(attention, f"{name}_proj"))
                    self._handles.append(source.register_forward_hook(self._capture(name)))

    @property
    def kept(self) -> list[Bool[Tensor, "batch tokens"]]:
        """Which tokens of the last prompt remain after each stage."""
        if self._prompt is None:
            raise ValueError("no prompt has been processed yet")
        return list(self._prompt.masks)

    def mark(
        self,
        visual: Bool[Tensor, "batch tokens"],
        *,
        kept: Sequence[Bool[Tensor, "batch tokens"]] | None = None,
    ) -> None:
        """Say which tokens of the next prompt are visual; it holds for one prefill.

        Args:
            visual: true at visual tokens, for every row as the decoder will see it (after beams are expanded).
            kept: what remains after each stage, instead of deciding by attention.

        Raises:
            ValueError: `kept` does not give one mask of the shape of `visual` for each stage.
        """
        if visual.dtype != torch.bool:
            raise ValueError(f"visual must be bool, got {visual.dtype}")
        if kept is not None and [mask.shape for mask in kept] != [visual.shape] * len(self._stages):
            raise ValueError(f"kept must hold {len(self._stages)} masks of shape {tuple(visual.shape)}")
        self._marked, self._fixed = visual, None if kept is None else list(kept)

    def remove(self) -> None:
        """Give the decoder back as it was."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the hooks."""
        self.remove()

    def _begin(self, decoder: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        # transformers 5.24 calls "cache" what earlier versions, and callers of old, call "past_key_values".
        cache, inputs = kwargs.get("cache", kwargs.get("past_key_values")), kwargs.get("inputs_embeds")
        inputs = kwargs.get("input_ids", args[0] if args else None) if inputs is None else inputs
        if inputs is None or len(args) > 1:
            raise ValueError(
                "the decoder must be given input_ids or inputs_embeds, and all other arguments by name"
            )
        if getattr(cache, "is_compileable", False):
            raise ValueError("a static cache has one length for all layers; use a DynamicCache")
        if getattr(decoder, "gradient_checkpointing", False) and decoder.training:
            raise ValueError("gradient checkpointing runs layers twice and would decide twice; switch it off")
        batch, new = inputs.shape[:2]
        past = 0 if cache is None else cache.get_seq_length()
        if past:
            if self._prompt is None or past < self._prompt.length:
                raise ValueError(f"the cache holds {past} tokens of a prompt that was not pruned here")
            self._prompt.past, self._prompt.new = past, new
            return
        if self._marked is None:
            raise ValueError("say which tokens are visual before each prompt: mark(visual)")
        if self._marked.shape != (batch, new):
            raise ValueError(
                f"visual was marked as {tuple(self._marked.shape)}, the prompt is {(batch, new)}"
            )
        real = kwargs.get("attention_mask")
        if real is not None and (not isinstance(real, Tensor) or real.ndim != 2):
            raise ValueError(
                "attention_mask must be [batch, tokens], the masks of the layers are made from it"
            )
        real = torch.ones_like(self._marked) if real is None else real.bool()
        visual = self._marked.to(inputs.device) & real.to(inputs.device)
        self._prompt = Prompt(visual, real.to(inputs.device), new=new)
        self._marked = None

    def _capture(self, name: str) -> Any:
        def keep(_module: nn.Module, _args: tuple[Any, ...], output: Tensor) -> None:
            if self._prompt is not None and not self._prompt.past:
                setattr(self._prompt, "queries" if name == "q" else "keys", output)

        return keep

    def _enter(self, number: int) -> Any:
        def prepare(
            _layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
        ) -> tuple[tuple[Any, ...], dict[str, Any]]:
            prompt = self._prompt
            assert prompt is not None  # _begin has seen to it
            states = args[0]
            if not prompt.past and number in self._stages:
                states = self._drop(prompt, number, states, kwargs)
            kept = prompt.at(number)
            if kept is not None:
                rotary = self._decoder.rotary_emb if self._renumber else None
                kwargs = kwargs | layer_arguments(prompt, kept, states, kwargs, rotary)
            return (states, *args[1:]), kwargs

        return prepare

    def _drop(self, prompt: Prompt, number: int, states: Tensor, given: dict[str, Any]) -> Tensor:
        """Decide what remains from this layer on, and cut the hidden states to it."""
        before = prompt.at(number)
        prompt.states = prompt.whole(states, before)
        if self._fixed is not None:
            remains = self._fixed[len(prompt.masks)].to(states.device)
        else:
            rotary = self._decoder.rotary_emb if self._renumber else None
            seen = given if before is None else layer_arguments(prompt, before, states, given, rotary)
            remains = decide(prompt, self._stages[number], self._decoder.layers[number - 1].self_attn, seen)
        prompt.masks.append(remains)
        prompt.kept[number] = kept_set(remains)
        return gather(prompt.states, prompt.kept[number])

    def _end(self, _norm: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
        prompt = self._prompt
        kept = None if prompt is None or prompt.past else prompt.at(len(self._decoder.layers))
        if prompt is None or kept is None:
            return None
        whole = prompt.whole(args[0], kept)
        prompt.states = None
        return (whole, *args[1:])
