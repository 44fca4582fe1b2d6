"""What makes a comparison fair: batches and initial weights."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ablation_runner.study import Configuration, Variant
from ablation_runner.trial._seeding import seeded_init
from ablation_runner.trial.inputs.batches import BatchPlan
from ablation_runner.trial.model.assemble import assemble_model
from vlm_fusion import build_tokenizer

QUESTIONS_OF = [[3 * image + number for number in range(1 + image % 4)] for image in range(10)]


def plan_of(*, seed: int = 0, shuffled: bool = False) -> BatchPlan:
    return BatchPlan(QUESTIONS_OF, seed=seed, images_per_step=4, questions_per_image=2, shuffled=shuffled)


@given(seed=st.integers(0, 2**31), step=st.integers(0, 1000))
def test_a_step_sees_the_same_rows_whatever_was_asked_for_before(seed: int, step: int) -> None:
    late, fresh = plan_of(seed=seed), plan_of(seed=seed)
    late.rows(step + 7)
    assert late.rows(step) == fresh.rows(step)


@given(seed=st.integers(0, 2**31), step=st.integers(0, 1000))
def test_the_blind_control_is_asked_the_same_questions(seed: int, step: int) -> None:
    paired, blind = plan_of(seed=seed).rows(step), plan_of(seed=seed, shuffled=True).rows(step)
    assert [row.questions for row in paired] == [row.questions for row in blind]
    assert all(row.shown == row.image for row in paired)


@given(seed=st.integers(0, 2**31))
def test_an_epoch_shows_no_image_twice_and_only_its_own_questions(seed: int) -> None:
    rows = [row for step in range(2) for row in plan_of(seed=seed).rows(step)]
    assert len({row.image for row in rows}) == len(rows) == 8
    for row in rows:
        assert set(row.questions) <= set(QUESTIONS_OF[row.image])
        assert len(row.questions) == min(2, len(QUESTIONS_OF[row.image]))


def test_different_seeds_see_different_batches() -> None:
    assert plan_of(seed=0).rows(0) != plan_of(seed=1).rows(0)


def test_more_images_per_step_than_there_are_is_refused() -> None:
    with pytest.raises(ValueError, match="images_per_step is 4, the training split has 3 images"):
        BatchPlan(QUESTIONS_OF[:3], seed=0, images_per_step=4, questions_per_image=2, shuffled=False)


def configuration(connector: str) -> Configuration:
    return Configuration.model_validate(
        {
            "model": {
                "connector": connector,
                "language_model": {"name": "llama-tiny", "width": 32, "depth": 1},
            },
            "training": {"steps": 1},
        }
    )


@pytest.mark.parametrize("connector", ["mlp", "q-former", "perceiver-resampler", "gated-cross-attention"])
def test_arms_share_the_language_models_initial_weights_bit_for_bit(connector: str) -> None:
    tokenizer = build_tokenizer(["what color", "red"])
    one = assemble_model(configuration("concatenation"), tokenizer, seed=3).language_model
    other = assemble_model(configuration(connector), tokenizer, seed=3).language_model
    weights = dict(other.named_parameters())
    assert all(torch.equal(weight, weights[name]) for name, weight in one.named_parameters())


def test_another_seed_gives_other_weights() -> None:
    tokenizer = build_tokenizer(["what color", "red"])
    one, other = (assemble_model(configuration("mlp"), tokenizer, seed=seed) for seed in (0, 1))
    pairs = list(zip(one.parameters(), other.parameters(), strict=True))
    matrices = [(a, b) for a, b in pairs if a.ndim > 1]
    assert matrices
    assert not any(torch.equal(a, b) for a, b in matrices)


def test_seeded_init_leaves_the_global_generator_as_it_was() -> None:
    before = torch.random.get_rng_state()
    with seeded_init(0, "connector"):
        first = torch.rand(3)
    with seeded_init(0, "connector"):
        again = torch.rand(3)
    assert torch.equal(first, again)
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_variant_keeps_its_options() -> None:
    assert Variant.model_validate({"name": "mlp", "depth": 3}).options() == {"depth": 3}
