"""Each connector's own laws: options, counts, prefixes, grids, costs, solved widths."""

from typing import Any

import pytest
import torch
from fusion_helpers import WIDTH, image_tokens, make_model

from token_budget import grid_positions, visual_tokens
from vlm_fusion import (
    CONNECTORS,
    connector_cost,
    connector_options,
    count_cost,
    count_macs,
    count_parameters,
    create_connector,
    language_model_options,
    list_connectors,
    solve_width,
)
from vlm_fusion._checks import require_count, require_positive
from vlm_fusion._cost import example_tokens
from vlm_fusion._positions import sinusoidal_positions

WITH_WIDTH = [
    (name, measure)
    for name in list_connectors()
    for measure in ("parameters", "macs")
    if hasattr(CONNECTORS[name](), "width")
]


def make(name: str, **options: Any) -> Any:
    torch.manual_seed(0)
    return create_connector(name, vision_width=WIDTH, language_width=16, language_layers=2, **options)


@pytest.mark.parametrize("name", list_connectors())
def test_token_count_is_what_comes_out(name: str) -> None:
    connector = make(name)
    if connector.shape == "prefix":
        found = connector(image_tokens())
        assert found.features.shape == (2, connector.token_count(8), 16)
        assert found.mask.all()


@pytest.mark.parametrize("name", list_connectors())
def test_an_image_does_not_depend_on_its_batch_mates(name: str) -> None:
    connector, tokens = make(name), image_tokens(3)
    alone = visual_tokens(tokens.features[1:2], positions=tokens.positions[1:2], grids=tokens.grids[1:2])
    one, other = connector(alone), connector(tokens)
    pairs = zip(one.keys, other.keys, strict=True) if connector.shape == "memory" else [(one[0], other[0])]
    for first, second in pairs:
        torch.testing.assert_close(first[0], second[1], atol=1e-5, rtol=1e-5)


def test_any_prefix_of_elastic_queries_is_what_fewer_queries_give() -> None:
    connector, tokens = make("elastic-queries", queries=9), image_tokens()
    whole = connector(tokens).features
    for count in (1, 4, 9):
        fewer = connector(tokens, queries=count)
        torch.testing.assert_close(fewer.features, whole[:, :count], atol=1e-6, rtol=1e-5)
        assert fewer.mask.shape == (2, count)
    for count in (0, 10):
        with pytest.raises(ValueError, match=rf"within 1\.\.9, got {count}"):
            connector(tokens, queries=count)


def test_elastic_attention_depends_on_the_image_and_on_places() -> None:
    connector, tokens = make("elastic-queries"), image_tokens()
    moved = tokens._replace(positions=tokens.positions.flip(1))
    assert (connector(tokens).features - connector(moved).features).abs().max() > 1e-3


def test_pixel_shuffle_refuses_what_it_cannot_stack() -> None:
    with pytest.raises(ValueError, match="needs tokens on a grid"):
        make("pixel-shuffle")(visual_tokens(torch.zeros(1, 4, WIDTH)))
    with pytest.raises(ValueError, match="must divide every grid"):
        make("pixel-shuffle")(image_tokens(tokens=6))


def test_positions_tell_equal_tokens_apart() -> None:
    codes = sinusoidal_positions(grid_positions(5, 7)[None], 32)[0]
    assert torch.pdist(codes).min() > 0.2
    with pytest.raises(ValueError, match="multiple of 4"):
        sinusoidal_positions(grid_positions(1, 2)[None], 6)
    with pytest.raises(ValueError, match="needs tokens with positions"):
        make("elastic-queries")(visual_tokens(torch.zeros(1, 4, WIDTH)))


@pytest.mark.parametrize(
    "name", ["elastic-queries", "gated-cross-attention", "patch-embedding", "perceiver-resampler", "q-former"]
)
def test_widths_that_position_codes_do_not_fit_are_refused_when_built(name: str) -> None:
    sizes = {"vision_width": 18, "language_width": 18, "language_layers": 1}
    options = {} if name == "patch-embedding" else {"heads": 2}
    with pytest.raises(ValueError, match="sinusoidal positions need a width that is a multiple of 4, got 18"):
        create_connector(name, positions="sinusoidal", **sizes, **options)


@pytest.mark.parametrize("size", ["vision_width", "language_width", "language_layers"])
def test_sizes_below_one_are_refused(size: str) -> None:
    sizes = {"vision_width": 8, "language_width": 8, "language_layers": 1, size: 0}
    with pytest.raises(ValueError, match=f"{size} must be above 0, got 0"):
        create_connector("gated-cross-attention", **sizes)


@pytest.mark.parametrize("wrong", [2.0, 2.5, "2", None, True])
def test_counts_must_be_whole_numbers(wrong: object) -> None:
    with pytest.raises(ValueError, match="MlpOptions: depth must be a whole number, got"):
        require_count("MlpOptions", depth=wrong)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), "2", None, True])
def test_measures_must_be_finite_numbers(wrong: object) -> None:
    with pytest.raises(ValueError, match="query_std must be a finite number, got"):
        require_positive("QFormerOptions", query_std=wrong)


@pytest.mark.parametrize("name", ["q-former", "perceiver-resampler", "gated-cross-attention"])
def test_positions_are_added_where_asked(name: str) -> None:
    tokens = image_tokens()
    moved = tokens._replace(positions=tokens.positions.flip(1))
    for positions, same in (("none", True), ("sinusoidal", False)):
        connector = make(name, positions=positions)
        first, second = connector(tokens)[0], connector(moved)[0]
        pair = (first[0], second[0]) if connector.shape == "memory" else (first, second)
        assert torch.equal(*pair) is same


def test_macs_of_a_linear_layer_and_of_attention_are_counted() -> None:
    assert count_macs(make("concatenation"), image_tokens(1)) == 8 * WIDTH * 16
    perceiver = make("perceiver-resampler", queries=3)
    projections = 8 * WIDTH * 16 + 16 * 16 * (3 + 11 + 11 + 3)
    attention, feed_forward = 2 * 3 * 11 * 16, 2 * 3 * 16 * 32
    assert count_macs(perceiver, image_tokens(1)) == projections + attention + feed_forward


@pytest.mark.parametrize("name", list_connectors())
def test_cost_leaves_the_model_as_it_was(name: str) -> None:
    model = make_model(name)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    cost = count_cost(model, image_tokens=16, text_tokens=5)
    assert cost.parameters == cost.trainable == sum(p.numel() for p in model.parameters())
    assert cost.macs > count_macs(model.connector, image_tokens(1))
    assert cost.visual_tokens == model.connector.token_count(16)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    with pytest.raises(ValueError, match="must be above 0"):
        count_cost(model, image_tokens=0, text_tokens=5)


def test_frozen_weights_are_counted_but_not_as_trainable() -> None:
    model = make_model("mlp")
    model.language_model.requires_grad_(False)
    cost = count_cost(model, image_tokens=4, text_tokens=5)
    assert cost.trainable == count_parameters(model.connector) < cost.parameters


@pytest.mark.parametrize(("name", "measure"), WITH_WIDTH)
def test_solved_width_meets_the_target_within_one_percent(name: str, measure: str) -> None:
    sizes = {"vision_width": 112, "language_width": 96}
    options = {} if name in ("mlp", "swiglu", "two-tower", "pixel-shuffle") else {"queries": 16}
    target = {"parameters": 400_000, "macs": 5_050_000}[measure]
    found = solve_width(
        name,
        target=target,
        measure=measure,
        image_tokens=16,
        text_tokens=9,
        beside=200_000,
        **sizes,
        **options,
    )
    connector = create_connector(name, **sizes, **found.options)
    tokens = example_tokens(16, 112)
    cost = count_parameters(connector) if measure == "parameters" else count_macs(connector, tokens)
    if (name, measure) == ("two-tower", "macs"):
        cost += 9 * (3 * 96 + 96) * found.width  # the part that joins every word with the image
    assert cost + 200_000 == found.cost == pytest.approx(target, rel=0.01)


@pytest.mark.parametrize("measure", ["parameters", "macs"])
@pytest.mark.parametrize("name", ["elastic-queries", "q-former"])
def test_small_targets_between_two_widths_are_met_by_finer_steps(name: str, measure: str) -> None:
    sizes = {"vision_width": 112, "language_width": 96}
    costs = []
    for width in (228, 232):
        connector = create_connector(name, width=width, **sizes)
        costs.append(connector_cost(connector, measure=measure, vision_width=112, image_tokens=64))
    target = sum(costs) // 2
    assert costs[1] > 1.02 * costs[0]
    found = solve_width(name, target=target, measure=measure, image_tokens=64, **sizes)
    assert found.cost == pytest.approx(target, rel=0.01)
    made = create_connector(name, **sizes, **found.options)
    assert connector_cost(made, measure=measure, vision_width=112, image_tokens=64) == found.cost
    assert made(example_tokens(64, 112)).features.shape == (1, 16, 96)


def test_widths_that_cannot_be_solved_are_refused() -> None:
    sizes = {"vision_width": 112, "language_width": 96, "image_tokens": 16}
    with pytest.raises(ValueError, match="concatenation has no width"):
        solve_width("concatenation", target=1000, measure="parameters", **sizes)
    with pytest.raises(ValueError, match="late fusion works on every word, so its macs need text_tokens"):
        solve_width("two-tower", target=1000, measure="macs", **sizes)
    with pytest.raises(ValueError, match=r"no width of q-former comes within 1.0%"):
        solve_width("q-former", target=1000, measure="parameters", **sizes)
    with pytest.raises(ValueError, match="did you mean 'macs'"):
        solve_width("mlp", target=1000, measure="mac", **sizes)
    with pytest.raises(ValueError, match="width of mlp is solved for, so it cannot be given: 4"):
        solve_width("mlp", target=1000, measure="macs", width=4, **sizes)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("qformer", {}, "did you mean 'q-former'"),
        ("q-former", {"query": 4}, "unknown option of q-former 'query'"),
        ("q-former", {"queries": 0}, "queries must be above 0"),
        ("q-former", {"norm": "past"}, "did you mean 'post'"),
        ("mlp", {"activation": "swiglu"}, "activation must be one of"),
        ("mlp", {"depth": True}, "depth must be a whole number, got True"),
        ("q-former", {"query_std": float("inf")}, "query_std must be a finite number, got inf"),
        ("nowhere.at:All", {}, "names nothing that can be imported"),
    ],
)
def test_wrong_options_are_refused(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        connector_options(name, **options)


def test_heads_that_do_not_divide_are_refused() -> None:
    with pytest.raises(ValueError, match="heads must divide the width, but 16 / 3 leaves 1"):
        make("q-former", heads=3)
    with pytest.raises(ValueError, match="heads must divide the width"):
        language_model_options("llama-tiny", heads=5)
    with pytest.raises(ValueError, match="must be even"):
        language_model_options("llama-tiny", width=12, heads=4)
    with pytest.raises(ValueError, match="did you mean 'llama-tiny'"):
        language_model_options("lama-tiny")


def test_names_are_listed_without_torch() -> None:
    import subprocess
    import sys

    code = "import sys, vlm_fusion as f; f.connector_options('mlp'); f.list_language_models(); f.list_objectives()"
    code += "; f.ObjectiveOptions(); assert not {'torch', 'transformers'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
