"""Three tensions, each a real control with a real effect."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from relevance_scenes import grid_tokens

from relevance_allocator import (
    OpponentProcessing,
    allocate_top_k,
    diversify,
    query_tokens,
    temperature,
    worth,
)
from token_budget import grid_positions, reduce_tokens

TENSIONS = ("compress_particularize", "exploit_explore", "focus_diversify")


def awakened(generator, **options):
    """Opponent processing whose last layer is no longer zero, as after some training."""
    module = OpponentProcessing(2, 6, **options)
    with torch.no_grad():
        module.read[-1].weight.copy_(torch.randn(module.read[-1].weight.shape, generator=generator))
    return module


def test_untrained_tensions_are_neutral_and_fixed_ones_keep_their_value(generator):
    maps = torch.rand(3, 2, 24, generator=generator)
    query = query_tokens(torch.randn(3, 4, 6, generator=generator))
    module = OpponentProcessing(2, 6, fixed={"focus_diversify": 0.25})
    tensions = module(maps, (4, 6), query)
    assert (tensions.compress_particularize == 0.5).all()
    assert (tensions.exploit_explore == 0.5).all()
    assert (tensions.focus_diversify == 0.25).all()
    assert list(OpponentProcessing(2, 6, fixed=dict.fromkeys(TENSIONS, 0.5)).parameters()) == []


def test_tensions_see_the_layout_and_not_only_the_values(generator):
    module = awakened(generator)
    query = query_tokens(torch.randn(1, 4, 6, generator=generator))
    maps = torch.rand(1, 2, 64, generator=generator)
    shuffled = maps[:, :, torch.randperm(64, generator=generator)]
    one, other = module(maps, (8, 8), query), module(shuffled, (8, 8), query)
    for name in TENSIONS:
        assert not torch.allclose(getattr(one, name), getattr(other, name), atol=1e-4)


def test_tensions_hear_the_question_and_not_its_padding(generator):
    module = awakened(generator)
    maps = torch.rand(1, 2, 24, generator=generator).expand(2, 2, 24)
    words = torch.randn(2, 4, 6, generator=generator)
    mask = torch.tensor([[True, True, True, False]] * 2)
    tensions = module(maps, (4, 6), query_tokens(words, mask=mask))
    assert (tensions.compress_particularize.diff().abs() > 1e-4).all()
    words[:, 3] = 50.0
    again = module(maps, (4, 6), query_tokens(words, mask=mask))
    for name in TENSIONS:
        torch.testing.assert_close(getattr(again, name), getattr(tensions, name))


def test_tensions_of_an_image_do_not_depend_on_its_batch_mates(generator):
    module = awakened(generator)
    maps = torch.rand(4, 2, 24, generator=generator)
    query = query_tokens(torch.randn(4, 3, 6, generator=generator))
    together = module(maps, (4, 6), query)
    alone = module(maps[2:3], (4, 6), query_tokens(query.features[2:3]))
    for name in TENSIONS:
        torch.testing.assert_close(getattr(together, name)[2:3], getattr(alone, name))


def test_worth_and_temperature_follow_their_tension():
    tension = torch.tensor([0.0, 0.5, 1.0])
    torch.testing.assert_close(worth(tension, strength=3.0), torch.tensor([1 / 3, 1.0, 3.0]))
    torch.testing.assert_close(
        temperature(tension, highest=0.4, progress=0.25), torch.tensor([0.0, 0.15, 0.3])
    )
    assert (temperature(tension, highest=0.4, progress=1.0) == 0).all()


def _marginal_relevance_by_hand(relevance, likeness, weight, steps):
    chosen = []
    for _ in range(steps):
        rest = [token for token in range(len(relevance)) if token not in chosen]

        def gain(token):
            alike = max((likeness[token][other] for other in chosen), default=0.0)
            return (1 - weight) * relevance[token] - weight * alike

        chosen.append(max(rest, key=gain))
    return sorted(chosen)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.floats(0, 1), st.floats(0, 1), st.integers(1, 12))
def test_diversity_chooses_what_marginal_relevance_chooses_by_hand(seed, weight, spatial, steps):
    generator = torch.Generator().manual_seed(seed)
    relevance = torch.rand(1, 12, generator=generator, dtype=torch.float64)
    features = torch.randn(1, 12, 5, generator=generator, dtype=torch.float64)
    positions = grid_positions(3, 4)[None].double()
    likeness = torch.nn.functional.cosine_similarity(features[0][:, None], features[0][None], dim=-1).clamp(
        min=0
    )
    near = torch.exp(-(torch.cdist(positions, positions)[0] ** 2) / (2 * 0.1**2))
    both = (spatial * near + (1 - spatial) * likeness).tolist()
    values = diversify(
        relevance,
        features,
        positions,
        torch.tensor([weight], dtype=torch.float64),
        steps=steps,
        spatial=spatial,
    )
    kept = allocate_top_k(values, steps).levels[0].nonzero().flatten().tolist()
    assert kept == _marginal_relevance_by_hand(relevance[0].tolist(), both, weight, steps)


def test_diversity_by_features_alone_keeps_what_token_budgets_diverse_top_k_keeps(generator):
    features = torch.rand(2, 20, 6, generator=generator)  # cosines above 0: the two definitions then agree
    relevance = torch.rand(2, 20, generator=generator)
    stretched = (relevance - relevance.amin(1, True)) / (relevance.amax(1, True) - relevance.amin(1, True))
    tokens = grid_tokens(features, (4, 5))
    theirs = reduce_tokens(tokens, 7, method="relevance-diverse", relevance=relevance, trade_off=0.6)
    values = diversify(stretched, features, tokens.positions, torch.full((2,), 0.4), steps=7, spatial=0.0)
    kept = allocate_top_k(values, 7).levels.bool()
    torch.testing.assert_close(features[kept].reshape(2, 7, 6), theirs.features)


def test_diversity_spreads_tokens_and_none_leaves_relevance_as_it_is(generator):
    positions = grid_positions(12, 12)[None].expand(2, -1, -1)
    peak = torch.exp(-((positions - 0.5) ** 2).sum(-1) / 0.1)
    features = torch.ones(2, 144, 3)
    values = diversify(peak, features, positions, torch.tensor([0.0, 0.8]), steps=20)
    assert torch.equal(values[0], peak[0])
    kept = allocate_top_k(values, 20).levels.bool()
    spread = [positions[image][kept[image]].std(0).sum() for image in (0, 1)]
    assert spread[1] > 1.5 * spread[0]


def test_diversity_of_an_image_with_few_real_tokens_is_as_if_it_were_alone(generator):
    relevance, features = torch.rand(2, 9, generator=generator), torch.randn(2, 9, 4, generator=generator)
    mask = torch.tensor([[True] * 9, [True] * 4 + [False] * 5])
    positions = grid_positions(3, 3).expand(2, -1, -1)
    together = diversify(relevance, features, positions, torch.tensor([0.5, 0.5]), steps=8, mask=mask)
    alone = diversify(relevance[1:, :4], features[1:, :4], positions[1:, :4], torch.tensor([0.5]), steps=4)
    torch.testing.assert_close(together[1:, :4], alone)
    assert (together[1, 4:] == 0).all()


def test_diversity_stops_at_each_images_own_number_of_steps(generator):
    relevance = (
        torch.randint(0, 3, (3, 16), generator=generator) / 2
    )  # ties, which a batch mate could break otherwise
    features, positions = torch.randn(3, 16, 4, generator=generator), grid_positions(4, 4).expand(3, -1, -1)
    steps = torch.tensor([2, 9, 16])
    together = diversify(relevance, features, positions, torch.full((3,), 0.7), steps=steps)
    for image in range(3):
        one = slice(image, image + 1)
        alone = diversify(
            relevance[one], features[one], positions[one], torch.tensor([0.7]), steps=int(steps[image])
        )
        torch.testing.assert_close(together[one], alone)


def test_the_gradient_of_diversity_reaches_relevance_and_weight(generator):
    relevance = torch.rand(1, 9, generator=generator, requires_grad=True)
    weight = torch.tensor([0.3], requires_grad=True)
    features = torch.randn(1, 9, 4, generator=generator)
    diversify(relevance, features, grid_positions(3, 3)[None], weight, steps=4).square().sum().backward()
    assert (relevance.grad != 0).any()
    assert weight.grad != 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: OpponentProcessing(1, None, fixed={"focus": 0.5}), "nearest: 'focus_diversify'"),
        (lambda: OpponentProcessing(1, None, fixed={"focus_diversify": 1.5}), "0..1"),
        (lambda: OpponentProcessing(2, 4)(torch.zeros(1, 2, 6), (2, 3)), "query is needed"),
        (lambda: OpponentProcessing(2, None)(torch.zeros(1, 1, 6), (2, 3)), "built for 2"),
        (lambda: OpponentProcessing(1, None)(torch.zeros(1, 1, 6), (2, 2)), "does not hold"),
        (lambda: OpponentProcessing(1, None)(torch.full((1, 1, 6), torch.nan), (2, 3)), "lie in 0..1"),
        (lambda: worth(torch.zeros(1), strength=0.5), "strength"),
        (lambda: worth(torch.tensor([torch.nan])), "compress_particularize must lie"),
        (lambda: temperature(torch.zeros(1), progress=1.5), "progress"),
        (
            lambda: diversify(
                torch.zeros(1, 4), torch.zeros(1, 4, 2), torch.zeros(1, 4, 2), torch.zeros(1), steps=5
            ),
            "1..4",
        ),
        (
            lambda: diversify(
                torch.full((1, 4), torch.nan),
                torch.zeros(1, 4, 2),
                torch.zeros(1, 4, 2),
                torch.zeros(1),
                steps=1,
            ),
            "relevance must be finite",
        ),
        (
            lambda: diversify(
                torch.zeros(1, 4), torch.zeros(1, 4, 2), torch.zeros(1, 4, 2), torch.ones(1) * 2, steps=1
            ),
            "weight",
        ),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
