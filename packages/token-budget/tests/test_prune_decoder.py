"""Pruning inside tiny Llama- and Qwen2-type decoders, against layers run by hand on the kept tokens."""

import pytest
import torch
from token_budget_refusals import refused
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from token_budget import prune_decoder

SHAPE = {
    "vocab_size": 50,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 5,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "initializer_range": 0.3,
    "pad_token_id": 0,
    "eos_token_id": None,
    "bos_token_id": None,
}
KINDS = {
    "llama": (LlamaConfig, LlamaForCausalLM, {}),
    "qwen2": (Qwen2Config, Qwen2ForCausalLM, {}),
    "qwen3": (Qwen3Config, Qwen3ForCausalLM, {"head_dim": 8}),
}
VISUAL = slice(2, 10)  # of 14 tokens


def build(kind, attention="sdpa"):
    config, model, more = KINDS[kind]
    torch.manual_seed(0)
    return model(config(**SHAPE, **more, attn_implementation=attention)).eval()


def prompt(batch=2, tokens=14):
    ids = torch.randint(1, 50, (batch, tokens), generator=torch.Generator().manual_seed(1))
    visual = torch.zeros_like(ids, dtype=torch.bool)
    visual[:, VISUAL] = True
    return ids, visual


def by_hand(model, ids, stages, positions, visual):
    """The forward pass of one prompt with dense eager attention; returns logits of the last token and kept sets."""
    decoder = model.model
    hidden = decoder.embed_tokens(ids)
    where = torch.arange(ids.shape[1])
    numbers = where.clone()
    kept_sets, weights = [], None
    for number, layer in enumerate(decoder.layers):
        if number in stages:
            count = stages[number]
            is_visual = visual[where]
            scores = weights[0].mean(0)[-1]
            best = sorted(where[is_visual].tolist(), key=lambda t: -scores[where.tolist().index(t)].item())[
                :count
            ]
            stay = torch.tensor(
                [not v or t in best for t, v in zip(where.tolist(), is_visual.tolist(), strict=True)]
            )
            hidden, where = hidden[:, stay], where[stay]
            numbers = torch.arange(len(where)) if positions == "renumber" else where
            kept_sets.append(where.tolist())
        rotary = decoder.rotary_emb(hidden, numbers[None])
        length = hidden.shape[1]
        mask = torch.full((length, length), torch.finfo(torch.float32).min).triu(1)[None, None]
        states, weights = layer.self_attn(layer.input_layernorm(hidden), rotary, mask)
        hidden = hidden + states
        hidden = hidden + layer.mlp(layer.post_attention_layernorm(hidden))
    return model.lm_head(decoder.norm(hidden))[0, -1], kept_sets


METHODS = [
    ("fastv", {"layer": 2, "keep": 0.5}, {2: 4}),
    ("fastv", {"layer": 1, "keep": 3}, {1: 3}),
    ("pyramid-drop", {"layers": (1, 2, 4), "keep": (0.5, 0.25, 0.125)}, {1: 4, 2: 2, 4: 1}),
    ("vtw", {"layer": 3}, {3: 0}),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("positions", ["keep", "renumber"])
@pytest.mark.parametrize(("method", "options", "stages"), METHODS)
def test_prefill_equals_the_definition(kind, positions, method, options, stages):
    model, eager = build(kind), build(kind, "eager")
    ids, visual = prompt()
    pruned = prune_decoder(model.model, method, positions=positions, **options)
    pruned.mark(visual)
    with torch.no_grad():
        logits = model(ids).logits
        for row in range(2):
            expected, kept = by_hand(eager, ids[row : row + 1], stages, positions, visual[row])
            assert [mask[row].nonzero()[:, 0].tolist() for mask in pruned.kept] == kept
            torch.testing.assert_close(logits[row, -1], expected, rtol=1e-4, atol=1e-4)
    assert logits.shape == (2, 14, 50)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("positions", ["keep", "renumber"])
@pytest.mark.parametrize(("method", "options", "stages"), METHODS)
def test_cached_decoding_equals_the_same_kept_set_without_cache(kind, positions, method, options, stages):
    model = build(kind)
    ids, visual = prompt()
    with prune_decoder(model.model, method, positions=positions, **options) as pruned, torch.no_grad():
        pruned.mark(visual)
        out = model.generate(
            ids, max_new_tokens=6, do_sample=False, output_logits=True, return_dict_in_generate=True
        )
        kept = pruned.kept
        cached = torch.stack(out.logits, 1)
        longer = torch.nn.functional.pad(visual, (0, 5))
        pruned.mark(longer, kept=[torch.nn.functional.pad(mask, (0, 5), value=True) for mask in kept])
        whole = model(out.sequences[:, :-1], use_cache=False).logits[:, 13:]
    torch.testing.assert_close(cached, whole, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("positions", ["keep", "renumber"])
@pytest.mark.parametrize(("method", "options", "stages"), METHODS)
def test_a_row_does_not_depend_on_its_padded_batch_mates(positions, method, options, stages):
    model = build("llama")
    ids, visual = prompt(1)
    long_ids, long_visual = prompt(1, tokens=18)
    long_visual[:, 3:16] = True
    both = torch.cat([torch.cat([torch.zeros(1, 4, dtype=torch.long), ids], 1), long_ids])
    marks = torch.cat([torch.cat([torch.zeros(1, 4, dtype=torch.bool), visual], 1), long_visual])
    attended = torch.ones_like(both)
    attended[0, :4] = 0
    settings = {
        "max_new_tokens": 5,
        "do_sample": False,
        "output_logits": True,
        "return_dict_in_generate": True,
    }
    with prune_decoder(model.model, method, positions=positions, **options) as pruned:
        pruned.mark(marks)
        together = model.generate(both, attention_mask=attended, **settings)
        for row, (alone_ids, alone_visual) in enumerate([(ids, visual), (long_ids, long_visual)]):
            pruned.mark(alone_visual)
            alone = model.generate(alone_ids, attention_mask=torch.ones_like(alone_ids), **settings)
            torch.testing.assert_close(
                torch.stack(alone.logits)[:, 0], torch.stack(together.logits)[:, row], rtol=1e-4, atol=1e-4
            )


@pytest.mark.parametrize("positions", ["keep", "renumber"])
@pytest.mark.parametrize(("method", "options", "stages"), METHODS)
def test_a_second_turn_at_once_equals_one_token_after_the_other(positions, method, options, stages):
    model = build("qwen2")
    ids, visual = prompt()
    padded, marks = torch.nn.functional.pad(ids, (3, 0)), torch.nn.functional.pad(visual, (3, 0))
    attended = torch.ones_like(padded)
    attended[0, :3] = 0
    turn = torch.randint(1, 50, (2, 5), generator=torch.Generator().manual_seed(2))

    def logits(steps):
        pruned.mark(marks)
        mask = attended
        cache = model(padded, attention_mask=mask, position_ids=places(mask), use_cache=True).past_key_values
        seen = []
        for part in turn.split(steps, dim=1):
            mask = torch.cat([mask, torch.ones_like(part)], 1)
            where = places(mask)[:, -part.shape[1] :]
            seen.append(model(part, attention_mask=mask, position_ids=where, past_key_values=cache).logits)
        return torch.cat(seen, 1)

    def places(mask):
        return (mask.cumsum(1) - 1).clamp(min=0)

    with prune_decoder(model.model, method, positions=positions, **options) as pruned, torch.no_grad():
        torch.testing.assert_close(logits(5), logits(1), rtol=1e-4, atol=1e-4)


def test_right_padding_reads_the_last_real_token():
    model = build("llama")
    ids, visual = prompt(2)
    attended = torch.ones_like(ids)
    attended[0, 12:] = 0
    with prune_decoder(model.model, "fastv", positions="keep", keep=3) as pruned, torch.no_grad():
        pruned.mark(visual)
        model(ids, attention_mask=attended)
        kept = pruned.kept[0][0, :12]
        pruned.mark(visual[:1, :12])
        model(ids[:1, :12])
        assert torch.equal(kept, pruned.kept[0][0])


def test_keeping_everything_changes_nothing():
    model = build("qwen2")
    ids, visual = prompt()
    with torch.no_grad():
        expected = model(ids).logits
        with prune_decoder(model.model, "fastv", positions="renumber", keep=1.0) as pruned:
            pruned.mark(visual)
            torch.testing.assert_close(model(ids).logits, expected, rtol=1e-4, atol=1e-4)
        assert torch.equal(model(ids).logits, expected)  # and nothing is left behind


def test_dropped_tokens_carry_the_state_they_had():
    model = build("llama")
    ids, visual = prompt()
    with torch.no_grad():
        states = model(ids, output_hidden_states=True).hidden_states[2]
        with prune_decoder(model.model, "vtw", positions="keep", layer=2) as pruned:
            pruned.mark(visual)
            out = model.model(ids).last_hidden_state
    torch.testing.assert_close(out[visual], model.model.norm(states)[visual])


def test_the_cache_of_later_layers_holds_the_kept_tokens_only():
    model = build("llama")
    ids, visual = prompt()
    with prune_decoder(model.model, "fastv", positions="keep", keep=3) as pruned, torch.no_grad():
        pruned.mark(visual)
        cache = model(ids, use_cache=True).past_key_values
    assert [layer.keys.shape[2] for layer in cache.layers] == [14, 14, 9, 9, 9]


def test_training_reaches_every_token_that_a_later_layer_sees():
    model = build("llama").train()
    ids, visual = prompt()
    with prune_decoder(
        model.model, "pyramid-drop", positions="keep", layers=(1, 3), keep=(0.5, 0.25)
    ) as pruned:
        pruned.mark(visual)
        embeddings = model.get_input_embeddings()(ids).detach().requires_grad_()
        labels = ids.masked_fill(visual, -100)
        model(inputs_embeds=embeddings, labels=labels).loss.backward()
    assert (embeddings.grad.abs().sum(2)[:, :-1] > 0).all()


def test_beams_of_one_image_share_their_kept_set():
    model = build("llama")
    ids, visual = prompt()
    with prune_decoder(model.model, "fastv", positions="keep") as pruned:
        pruned.mark(visual.repeat_interleave(3, 0))
        out = model.generate(ids, num_beams=3, max_new_tokens=4, do_sample=False)
    assert out.shape == (2, 18)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "fastvv"}, "did you mean 'fastv'"),
        ({"method": "fastv", "layer": 5}, "the decoder has layers 0..4"),
        ({"method": "fastv", "layer": 0}, "start at 1 or later"),
        ({"method": "fastv", "keep": 1.5}, "share in 0..1"),
        ({"method": "fastv", "kept": 3}, "did you mean 'keep'"),
        ({"method": "pyramid-drop", "layers": (2, 1), "keep": (0.5, 0.2)}, "layers must rise"),
        ({"method": "pyramid-drop", "layers": (1, 2), "keep": (0.2, 0.5)}, "keep must not rise"),
        ({"method": "fastv", "positions": "kept"}, "'keep' or 'renumber'"),
    ],
)
def test_bad_settings_are_refused(options, message):
    with refused(message):
        prune_decoder(build("llama").model, **{"positions": "keep", **options})


def test_bad_use_is_refused():
    model = build("llama")
    ids, visual = prompt()
    with prune_decoder(model.model, "fastv", positions="keep", keep=9) as pruned:
        with pytest.raises(ValueError, match="before each prompt"):
            model(ids)
        pruned.mark(visual[:, :-1])
        with pytest.raises(ValueError, match=r"the prompt is \(2, 14\)"):
            model(ids)
        pruned.mark(visual)
        with pytest.raises(ValueError, match="cannot keep 9 of 8 visual tokens"):
            model(ids)
        with pytest.raises(ValueError, match="all other arguments by name"):
            model.model(ids, torch.ones_like(ids))
        pruned.mark(visual)
        with pytest.raises(ValueError, match="DynamicCache"):
            model.generate(ids, max_new_tokens=2, cache_implementation="static")
    with pytest.raises(ValueError, match=r"must have \.layers"):
        prune_decoder(torch.nn.Linear(2, 2), "vtw", positions="keep")
