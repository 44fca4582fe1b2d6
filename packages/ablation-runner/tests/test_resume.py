"""A stage goes on from its checkpoint: to the same bits on as many ranks, to the same losses on more or fewer."""

import numpy as np
import pytest
from ranks_pool import Ranks, case


@pytest.mark.parametrize("zero_stage", [0, 2, 3])
def test_a_stage_goes_on_from_two_ranks_to_one_and_back(ranks: Ranks, zero_stage: int) -> None:
    assert_goes_on(ranks, "mlp", zero_stage)


@pytest.mark.slow
@pytest.mark.parametrize("zero_stage", [1, 2, 3])
def test_parts_that_do_not_divide_among_the_ranks_go_on(ranks: Ranks, zero_stage: int) -> None:
    assert_goes_on(ranks, "gated-cross-attention", zero_stage)  # a gate is one number


def assert_goes_on(ranks: Ranks, connector: str, zero_stage: int) -> None:
    through, there_and_back = ranks.train(
        case(connector, ranks=2, steps=8, zero_stage=zero_stage),
        case(connector, spans=[(2, 2), (2, 4), (1, 6), (2, 8)], zero_stage=zero_stage),
    )
    assert there_and_back.losses[:4].tolist() == through.losses[:4].tolist()  # on as many ranks
    np.testing.assert_allclose(there_and_back.losses, through.losses, rtol=0, atol=1e-5)
    np.testing.assert_allclose(there_and_back.norms, through.norms, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("zero_stage", [0, 1, 2, 3])
def test_on_as_many_ranks_it_ends_in_the_same_bits(ranks: Ranks, zero_stage: int, precision: str) -> None:
    engine = {"zero_stage": zero_stage, "precision": precision, "accumulation": 2}
    through, resumed = ranks.train(case(ranks=2, steps=6, **engine), case(spans=[(2, 3), (2, 6)], **engine))
    assert resumed.losses.tolist() == through.losses.tolist()
    assert resumed.digest == through.digest
