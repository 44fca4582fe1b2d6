"""The weights of the ways of knowing, fitted to what is kept of the answers' regions."""

import itertools

import pytest
import torch

from relevance_allocator import allocate_top_k, fit_weights, kept_detail


def recall(maps, weights, wanted, budget):
    mixed = sum(weight * one for weight, one in zip(weights, maps.values(), strict=True))
    return kept_detail(allocate_top_k(mixed, budget), wanted).double().mean().item()


def problem(generator, strengths):
    """Maps that each know something of where the answer is, independently."""
    wanted = torch.zeros(60, 40)
    wanted.scatter_(1, torch.randint(0, 40, (60, 3), generator=generator), 1.0)
    return {
        name: (strength * wanted + torch.rand(60, 40, generator=generator)) / (1 + strength)
        for name, strength in strengths.items()
    }, wanted


def test_no_mixture_on_the_lattice_keeps_more_than_the_fitted_one(generator):
    maps, wanted = problem(generator, {"weak": 0.2, "fair": 0.5, "good": 0.7})
    fitted = fit_weights(maps, wanted, 8, parts=5)
    lattice = [mixture for mixture in itertools.product(range(6), repeat=3) if sum(mixture) == 5]
    best = max(recall(maps, mixture, wanted, 8) for mixture in lattice)
    assert recall(maps, fitted.values(), wanted, 8) == pytest.approx(best)
    assert best > max(recall({"one": one}, (1,), wanted, 8) for one in maps.values())
    assert sum(fitted.values()) == pytest.approx(1)


def test_a_way_that_knows_nothing_gets_no_more_than_it_harms(generator):
    maps, wanted = problem(generator, {"noise": 0.0, "good": 1.5})
    assert fit_weights(maps, wanted, 5)["good"] > 0.5


def test_where_all_mixtures_are_as_good_the_even_one_is_taken():
    one = torch.tensor([[0.0, 1.0, 0.5, 0.2]])
    assert fit_weights({"a": one, "b": one}, torch.tensor([[0.0, 1.0, 0.0, 0.0]]), 1) == {"a": 0.5, "b": 0.5}


def test_images_in_which_nothing_is_wanted_count_for_nothing(generator):
    maps, wanted = problem(generator, {"weak": 0.2, "good": 0.7})
    more = {name: torch.cat([one, torch.rand(9, 40, generator=generator)]) for name, one in maps.items()}
    assert fit_weights(more, torch.cat([wanted, torch.zeros(9, 40)]), 8) == fit_weights(maps, wanted, 8)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit_weights({}, torch.ones(1, 4), 1), "got none"),
        (lambda: fit_weights({"a": torch.rand(1, 4)}, torch.zeros(1, 4), 1), "nothing to fit"),
        (lambda: fit_weights({"a": torch.rand(1, 4)}, torch.ones(1, 4), 5), "1..4, got 5"),
        (lambda: fit_weights({"a": torch.rand(1, 4)}, torch.ones(1, 4), 1, parts=0), "parts must be"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
