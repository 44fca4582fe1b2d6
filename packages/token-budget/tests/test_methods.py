"""Every method against a slow definition of its own, image by image."""

import numpy as np
import pytest
import token_budget_references as references
import torch
import torch.nn.functional as F

from token_budget import reduce_tokens, visual_tokens

ROWS, COLUMNS, DIM = 4, 6, 16
COUNT = ROWS * COLUMNS


def make(seed, batch=3, rows=ROWS, columns=COLUMNS, dim=DIM):
    g = torch.Generator().manual_seed(seed)
    count = rows * columns

    def draw(*shape):
        return torch.randn(batch, count, *shape, generator=g)

    return visual_tokens(
        draw(dim),
        grids=torch.tensor([[rows, columns]] * batch),
        positions=torch.rand(batch, count, 2, generator=g),
        extras={
            # Heavy tails, so that the outlier rule of PruMerge has something to find.
            "attention": draw().mul(1.5).exp().softmax(1),
            "keys": draw(5),
            "joint": draw(7),
            "index": torch.arange(float(count)).expand(batch, count).clone(),
        },
    )


def kept(tokens):
    return tokens.extras["index"].long().tolist()


def rows_of(tokens):
    return zip(
        tokens.features.double().numpy(),
        tokens.extras["keys"].double().numpy(),
        tokens.extras["attention"].double().numpy(),
        strict=True,
    )


@pytest.mark.parametrize("k", [1, 2, 7, 16, 23])
def test_divprune_is_the_greedy_max_min_set(k):
    tokens = make(k)
    expected = [references.divprune(x, k) for x in tokens.features.double().numpy()]
    assert kept(reduce_tokens(tokens, k, method="divprune")) == expected


@pytest.mark.parametrize("k", [1, 2, 7, 15])
@pytest.mark.parametrize("opposite", [False, True])
def test_cdpruner_adds_the_token_of_largest_determinant(k, opposite):
    tokens, query = make(k), torch.randn(3, 7, generator=torch.Generator().manual_seed(5))
    relevance = F.cosine_similarity(tokens.extras["joint"], query[:, None], dim=2).double().numpy()
    sign = -1 if opposite else 1
    expected = [
        references.greedy_determinant(x, sign * r, k)
        for x, r in zip(tokens.features.double().numpy(), relevance, strict=True)
    ]
    assert kept(reduce_tokens(tokens, k, method="cdpruner", query=query, opposite=opposite)) == expected


def test_cdpruner_keeps_the_exact_count_beyond_the_rank_of_the_features():
    tokens = make(0, dim=3)
    relevance = tokens.extras["attention"]
    out = reduce_tokens(tokens, 20, method="cdpruner", relevance=relevance)
    assert [len(set(row)) for row in kept(out)] == [20, 20, 20]


@pytest.mark.parametrize("trade_off", [0.0, 0.5, 0.8])
def test_diverse_top_k_is_maximal_marginal_relevance(trade_off):
    tokens = make(3)
    relevance = tokens.extras["keys"][..., 0]
    expected = [
        references.marginal_relevance(x, r, 9, trade_off)
        for x, r in zip(tokens.features.double().numpy(), relevance.double().numpy(), strict=True)
    ]
    out = reduce_tokens(tokens, 9, method="relevance-diverse", relevance=relevance, trade_off=trade_off)
    assert kept(out) == expected


def test_diverse_top_k_without_diversity_is_top_k():
    tokens = make(4)
    relevance = tokens.extras["keys"][..., 0]
    diverse = reduce_tokens(tokens, 9, method="relevance-diverse", relevance=relevance, trade_off=1.0)
    assert kept(diverse) == kept(reduce_tokens(tokens, 9, method="relevance-top-k", relevance=relevance))


def test_top_k_takes_the_cosine_of_query_and_joint_embedding():
    tokens, query = make(4), torch.randn(3, 7)
    relevance = F.cosine_similarity(tokens.extras["joint"], query[:, None], dim=2)
    assert kept(reduce_tokens(tokens, 5, method="relevance-top-k", query=query)) == [
        sorted(np.argsort(-row)[:5].tolist()) for row in relevance.numpy()
    ]


@pytest.mark.parametrize("k", [23, 13, 12, 7, 3, 1])
def test_tome_merges_the_groups_of_the_definition(k):
    tokens = make(k)
    out = reduce_tokens(tokens, k, method="tome")
    for image, (x, keys, _) in enumerate(rows_of(tokens)):
        groups = references.tome(x, keys, k)
        assert out.sizes[image].tolist() == [len(group) for group in groups]
        expected = np.stack([x[group].mean(0) for group in groups])
        np.testing.assert_allclose(out.features[image].numpy(), expected, atol=1e-5)


def test_tome_compares_features_where_there_are_no_keys():
    tokens = make(1)
    bare = tokens._replace(extras={})
    twin = tokens._replace(extras={"keys": tokens.features})
    assert torch.equal(*(reduce_tokens(t, 9, method="tome").features for t in (bare, twin)))


def test_tome_halves_in_the_rounds_of_the_issue():
    tokens = visual_tokens(torch.randn(1, 576, 8, generator=torch.Generator().manual_seed(0)))
    out = reduce_tokens(tokens, 64, method="tome")
    assert out.mask.shape == (1, 64)
    assert out.sizes.sum() == 576


@pytest.mark.parametrize("k", [1, 6, 16, 20])
@pytest.mark.parametrize("share", [5 / 32, 0.5, 1.0, 0.0])
def test_visionzip_keeps_dominant_tokens_and_averages_the_rest(k, share):
    tokens = make(k)
    out = reduce_tokens(tokens, k, method="visionzip", contextual=share)
    for image, row in enumerate(rows_of(tokens)):
        expected = references.visionzip(*row, k, share)
        values = np.stack([expected[i] for i in sorted(expected)])
        np.testing.assert_allclose(out.features[image].numpy(), values, atol=1e-5)


@pytest.mark.parametrize(("budget", "contextual"), [(64, 10), (128, 20), (192, 30)])
def test_visionzip_splits_the_budget_as_the_paper_does(budget, contextual):
    attention = torch.rand(1, 576, generator=torch.Generator().manual_seed(0))
    tokens = visual_tokens(torch.randn(1, 576, 4), extras={"attention": attention})
    out = reduce_tokens(tokens, budget, method="visionzip")
    dominant = set(attention[0].topk(budget - contextual).values.tolist())
    unchanged = {
        value
        for value, size in zip(out.extras["attention"][0].tolist(), out.sizes[0], strict=True)
        if size == 1
    }
    assert dominant <= unchanged
    assert out.sizes.sum() == 576


@pytest.mark.parametrize("k", [1, 3, 8, 20])
@pytest.mark.parametrize("neighbours", [0, 3, 32])
def test_prumerge_plus_averages_the_nearest_dropped_tokens(k, neighbours):
    tokens = make(k)
    out = reduce_tokens(tokens, k, method="prumerge-plus", neighbours=neighbours)
    for image, row in enumerate(rows_of(tokens)):
        expected = references.prumerge_plus(*row, k, neighbours)
        order = sorted(expected)
        np.testing.assert_allclose(out.features[image].numpy(), [expected[i] for i in order], atol=1e-5)
        assert torch.equal(out.positions[image], tokens.positions[image][order])
        assert out.sizes[image].tolist() == [1 + min(neighbours, COUNT - k)] * k


@pytest.mark.parametrize("method", ["tome", "visionzip", "prumerge-plus"])
def test_keys_in_half_precision_decide_as_the_same_numbers_in_single(method):
    # The mean over heads and the merged keys of ToMe's rounds must not be rounded to bfloat16 in between.
    for seed in range(20):
        g = torch.Generator().manual_seed(seed)
        keys, attention = torch.randn(3, 49, 3, 6, generator=g), torch.rand(3, 49, 4, generator=g)
        half = {"keys": keys.bfloat16(), "attention": attention.bfloat16()}
        features = torch.randn(3, 49, 16, generator=g)
        low, high = (
            reduce_tokens(visual_tokens(features, extras=extras), 13, method=method).sizes
            for extras in (half, {name: extra.float() for name, extra in half.items()})
        )
        assert torch.equal(low, high)


@pytest.mark.parametrize("method", ["cdpruner", "relevance-diverse"])
@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -float("inf")])
def test_a_relevance_that_is_not_finite_is_refused_where_it_is_scaled(method, wrong):
    tokens = make(0)
    relevance = torch.rand(3, COUNT)
    relevance[1, 4] = wrong
    with pytest.raises(ValueError, match="not finite"):
        reduce_tokens(tokens, 5, method=method, relevance=relevance)


@pytest.mark.parametrize("method", ["cls-attention", "visionzip", "prumerge-plus"])
def test_attention_that_is_no_number_is_refused(method):
    tokens = make(0)
    tokens.extras["attention"][1, 4] = torch.nan
    with pytest.raises(ValueError, match=r"NaN|at least 0, got nan"):
        reduce_tokens(tokens, 5, method=method)


def test_prumerge_plus_finds_outliers_within_each_image():
    flat = torch.full((1, 24), 0.5)
    flat[0, 3] = 2.0
    wild = torch.linspace(0, 100, 24)[None]
    tokens = visual_tokens(torch.randn(2, 24, 4), extras={"attention": torch.cat([flat, wild])})
    out = reduce_tokens(tokens, 1, method="prumerge-plus", neighbours=0)
    # Over the batch together 2.0 would be no outlier, and the one token kept would be the middle one.
    assert torch.equal(out.features[0, 0], tokens.features[0, 3])


def test_cls_attention_averages_heads():
    tokens = make(2)
    heads = torch.rand(3, COUNT, 4)
    out = reduce_tokens(
        tokens._replace(extras=tokens.extras | {"attention": heads}), 5, method="cls-attention"
    )
    assert kept(out) == [sorted(np.argsort(-row)[:5].tolist()) for row in heads.mean(2).numpy()]


def test_ties_go_to_the_lower_index():
    tokens = make(2)
    relevance = torch.tensor([0.0, 1.0] * 12).expand(3, -1)
    assert kept(reduce_tokens(tokens, 3, method="relevance-top-k", relevance=relevance)) == [[1, 3, 5]] * 3


def test_uniform_takes_the_middles_of_equal_stretches():
    tokens = make(0)
    assert kept(reduce_tokens(tokens, 4, method="uniform"))[0] == [3, 9, 15, 21]
    assert kept(reduce_tokens(tokens, 5, method="uniform"))[0] == [2, 7, 12, 16, 21]


def test_random_draws_every_token_equally_often():
    tokens = visual_tokens(torch.zeros(4000, 12, 1), extras={"index": torch.arange(12.0).expand(4000, 12)})
    out = reduce_tokens(tokens, 3, method="random", generator=torch.Generator().manual_seed(0))
    counts = torch.bincount(out.extras["index"].long().flatten(), minlength=12)
    # Chi-square with 11 degrees of freedom: 31.3 is exceeded once in a thousand.
    assert ((counts - 1000.0) ** 2 / 1000).sum() < 31.3
    pairs = torch.stack([out.extras["index"][:, 0] * 12 + out.extras["index"][:, 2]])
    assert len(pairs.unique()) == 12 * 11 // 2 - 11
