"""The same trial on one, two and eight ranks, with and without accumulation, under every ZeRO stage."""

import numpy as np
import pytest
from ranks_pool import Ranks, case

CONNECTORS = ["concatenation", "mlp", "q-former", "perceiver-resampler", "gated-cross-attention"]


def test_ranks_and_accumulation_change_neither_losses_nor_gradient_norms(ranks: Ranks) -> None:
    one, *others = ranks.train(
        case(ranks=1, accumulation=8),
        case(ranks=2, accumulation=4),
        case(ranks=8),
        case(),
        case(ranks=2, zero_stage=2),
    )
    assert one.losses[0] > 1.5 * one.losses[-1]  # it learns, so that equal losses mean equal gradients
    for found in others:
        np.testing.assert_allclose(found.losses, one.losses, rtol=0, atol=1e-5)
        np.testing.assert_allclose(found.norms, one.norms, rtol=1e-4)


def test_tokens_drawn_at_random_do_not_depend_on_ranks(ranks: Ranks) -> None:
    one, *others = ranks.train(
        case(method="random"), case(method="random", accumulation=4), case(method="random", ranks=2)
    )
    (pooled,) = ranks.train(case())
    for found in others:
        np.testing.assert_allclose(found.losses, one.losses, rtol=1e-5)
    assert not np.allclose(pooled.losses, one.losses, rtol=1e-3)


def test_every_connector_trains_under_zero_3_to_the_losses_of_stage_0(ranks: Ranks) -> None:
    plain = ranks.train(*[case(connector, steps=4) for connector in CONNECTORS])
    sharded = ranks.train(*[case(connector, ranks=2, zero_stage=3, steps=4) for connector in CONNECTORS])
    for one, other in zip(plain, sharded, strict=True):
        np.testing.assert_allclose(other.losses, one.losses, rtol=1e-5)
    assert len({found.losses[-1] for found in plain}) == len(CONNECTORS)


def test_an_encoder_is_trained_to_the_same_losses_on_any_ranks_and_zero_stage(ranks: Ranks) -> None:
    one, *others = ranks.train(
        case(encoder="full", steps=4),
        case(encoder="full", steps=4, accumulation=4),
        case(encoder="full", steps=4, ranks=2),
        case(encoder="full", steps=4, ranks=2, zero_stage=3),
    )
    adapters, frozen = ranks.train(case(encoder="lora", steps=4), case(steps=4))
    for found in others:
        np.testing.assert_allclose(found.losses, one.losses, rtol=1e-5)
    assert adapters.losses[0] == pytest.approx(one.losses[0], rel=1e-6)  # adapters start as nothing
    assert len({round(found.losses[-1], 6) for found in (one, adapters, frozen)}) == 3


def test_objectives_of_pairs_have_the_same_losses_on_any_ranks(ranks: Ranks) -> None:
    every = "contrastive + 0.5 matching + masked-language-modelling + language-modelling"
    words = "masked-language-modelling + 2 language-modelling"
    one, two, sharded = ranks.train(
        case("q-former", objectives=every, steps=4),
        case("q-former", objectives=every, steps=4, ranks=2),
        case("q-former", objectives=every, steps=4, ranks=2, zero_stage=3),
    )
    plain, accumulated = ranks.train(
        case("q-former", objectives=words, steps=4),
        case("q-former", objectives=words, steps=4, accumulation=4),
    )
    np.testing.assert_allclose(two.losses, one.losses, rtol=1e-5)
    np.testing.assert_allclose(sharded.losses, one.losses, rtol=1e-5)
    np.testing.assert_allclose(accumulated.losses, plain.losses, rtol=1e-5)
