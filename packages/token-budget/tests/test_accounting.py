import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import LlamaConfig, LlamaForCausalLM

from token_budget import ModelShape, budget_curve, cost, layer_tokens, prune_decoder, saturation

LLAMA_7B = ModelShape(layers=32, hidden=4096, intermediate=11008, heads=32)
TINY = ModelShape(layers=4, hidden=32, intermediate=48, heads=4, key_value_heads=2)


@pytest.mark.parametrize(
    ("method", "options", "average", "ratio"),
    [
        ("fastv", {"keep": 0.5}, 306, 0.526),
        ("fastv", {"keep": 0.25}, 171, 0.293),
        ("pyramid-drop", {}, 270, 0.466),
        ("visionzip", 64, 64, 0.109),
        ("divprune", 56, 56, 0.095),
        ("random", 256, 256, 0.439),
        ("uniform", 144, 144, 0.246),
        ("none", {}, 576, 1.0),
        ("pyramid-drop", {"layers": (2, 6, 16), "keep": (300, 200, 110)}, 191, 0.327),  # SparseVLM at "192"
    ],
)
def test_published_averages_and_ratios(method, options, average, ratio):
    full = cost(LLAMA_7B, "none", visual=576)
    how = {"options": options} if isinstance(options, dict) else {"budget": options}
    part = cost(LLAMA_7B, method, visual=576, **how)
    assert part.layer_average == average
    assert part.prefill_macs / full.prefill_macs == pytest.approx(ratio, abs=6e-4)
    assert full.prefill_macs == pytest.approx(3.817e12, rel=2e-4)


@pytest.mark.parametrize(
    ("keep", "average"),
    [
        ((300, 200, 110), 191.0),
        ((303, 110, 36), 126.25),
        ((238, 48, 26), 93.75),
        ((66, 30, 17), 62.125),
        ((300, 200, 118), 195.0),
        ((238, 108, 60), 129.5),
        ((246, 54, 28), 97.625),
        ((66, 34, 20), 64.875),
    ],
)
def test_sparsevlms_keep_lists_are_what_its_authors_call_192_128_96_and_64_tokens(keep, average):
    # Both versions of the lists, from layers 2, 6 and 16 of 32 on, averaged over layers as its issue 12 asks.
    stages = {"layers": (2, 6, 16), "keep": keep}
    tokens = layer_tokens("pyramid-drop", visual=576, layers=32, options=stages)
    assert sum(tokens) / 32 == average


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("none", {}),
        ("fastv", {"keep": 5}),
        ("vtw", {"layer": 2}),
        ("pyramid-drop", {"layers": (1, 3), "keep": (0.5, 0.25)}),
    ],
)
def test_counted_macs_are_those_that_torch_counts(method, options):
    torch.manual_seed(0)
    config = LlamaConfig(
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        vocab_size=16,
        attn_implementation="eager",
    )
    model = LlamaForCausalLM(config).eval().model
    ids = torch.randint(0, 16, (1, 20))
    visual = torch.zeros(1, 20, dtype=torch.bool)
    visual[:, 2:14] = True
    pruned = None if method == "none" else prune_decoder(model, method, positions="keep", **options)
    if pruned is not None:
        pruned.mark(visual)
    # Counted by operator: the few attention rows of the method and the rotary table are the difference.
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        cache = model(ids, use_cache=True).past_key_values
    counted = cost(TINY, method, visual=12, text=8, bytes_per_number=4, options=options)
    assert counter.get_total_flops() / 2 == pytest.approx(counted.prefill_macs, rel=0.02)
    assert counter.get_total_flops() / 2 >= counted.prefill_macs
    held = sum(layer.keys.nbytes + layer.values.nbytes for layer in cache.layers)
    assert held == counted.cache_bytes


def test_requested_entering_and_achieved_are_told_apart():
    fastv = cost(LLAMA_7B, "fastv", visual=576, options={"keep": 64})
    assert (fastv.requested, fastv.entering, fastv.achieved, fastv.layer_average) == (64, 576, 64, 96.0)
    pooled = cost(LLAMA_7B, "average-pool", visual=576, budget=64)
    assert (pooled.requested, pooled.entering, pooled.achieved, pooled.layer_average) == (64, 64, 64, 64.0)
    assert pooled.latency_seconds is None


def test_latency_is_measured_over_what_is_run():
    runs = []
    out = cost(TINY, "none", visual=4, run=lambda: runs.append(1))
    assert len(runs) == 8
    assert out.latency_seconds >= 0


@pytest.mark.parametrize(
    ("method", "how", "message"),
    [
        ("fastv", {"budget": 3}, "takes its budget from its own options"),
        ("fastv", {"options": {"layer": 32}}, "there are layers 0..31"),
        ("tome", {}, r"needs a budget in 1\.\.576, got None"),
        ("tome", {"budget": 577}, r"needs a budget in 1\.\.576, got 577"),
        ("toma", {"budget": 5}, "did you mean 'tome'"),
        ("vtw", {"options": {"kept": 3}}, "unknown option of 'vtw'"),
    ],
)
def test_bad_calls_are_refused(method, how, message):
    with pytest.raises(ValueError, match=message):
        layer_tokens(method, visual=576, layers=32, **how)


ROWS = [
    (64, 0.600, 0.590, 0.610),
    (16, 0.560, 0.552, 0.568),
    (256, 0.610, 0.600, 0.620),
    (4, 0.40, 0.39, 0.41),
]


def test_the_curve_rises_in_budget_and_measures_from_the_best():
    curve = budget_curve(ROWS)
    assert [point.tokens for point in curve] == [4, 16, 64, 256]
    assert [round(point.loss, 3) for point in curve] == [0.21, 0.05, 0.01, 0.0]
    assert curve[2].loss_upper == pytest.approx(0.01 + (0.01**2 + 0.01**2) ** 0.5)
    assert [point.share for point in curve] == [4 / 256, 16 / 256, 64 / 256, 1]


@pytest.mark.parametrize(("margin", "enough"), [(0.0, 256), (0.02, 256), (0.025, 64), (0.07, 16), (1.0, 4)])
def test_saturation_is_a_statement_about_the_interval(margin, enough):
    # At 0.02 the point estimate of 64 tokens (0.01 lost) is within the margin, but its interval is not.
    assert saturation(ROWS, margin=margin).tokens == enough


def test_a_small_budget_may_be_the_best():
    rows = [(16, 0.7, 0.69, 0.71), (64, 0.7, 0.69, 0.71)]
    assert saturation(rows, margin=0.0)[:3] == (16, 16, 0.0)


@pytest.mark.parametrize(
    ("rows", "margin", "message"),
    [
        ([], 0.1, "at least one row"),
        (ROWS, -0.1, "margin must be"),
        ([*ROWS, ROWS[0]], 0.1, "budgets must be different"),
        ([(4, 0.5, 0.6, 0.7)], 0.1, "lower <= accuracy"),
        ([(4, float("nan"), 0.1, 0.7)], 0.1, "finite"),
    ],
)
def test_bad_rows_are_refused(rows, margin, message):
    with pytest.raises(ValueError, match=message):
        saturation(rows, margin=margin)
