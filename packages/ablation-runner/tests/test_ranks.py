"""The same trial on one, two and eight ranks, with and without accumulation, under every ZeRO stage."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SCRIPT = Path(__file__).with_name("rank_losses.py")
CONNECTORS = ["concatenation", "mlp", "q-former", "perceiver-resampler", "gated-cross-attention"]


def case(
    connector: str = "mlp",
    *,
    method: str = "average-pool",
    encoder: str = "frozen",
    objectives: str = "answers",
    ranks: int = 1,
    accumulation: int = 1,
    zero_stage: int = 0,
    steps: int = 10,
) -> dict[str, Any]:
    return {
        "connector": connector,
        "method": method,
        "encoder": encoder,
        "objectives": objectives,
        "ranks": ranks,
        "accumulation": accumulation,
        "zero_stage": zero_stage,
        "steps": steps,
    }


def losses(cases: list[dict[str, Any]], tmp_path: Path) -> np.ndarray:
    """Losses [cases, steps], with an empty extension cache and no compiler to be found."""
    environment = {**os.environ, "TORCH_EXTENSIONS_DIR": str(tmp_path / "extensions"), "PATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, str(SCRIPT), json.dumps(cases)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert not (tmp_path / "extensions").exists(), "an operator was compiled"
    line = next(line for line in done.stdout.splitlines() if line.startswith("losses "))
    return np.array(json.loads(line.removeprefix("losses ")))


def test_ranks_and_accumulation_do_not_change_the_losses(tmp_path: Path) -> None:
    cases = [
        case(),
        case(accumulation=8),
        case(ranks=2),
        case(ranks=2, accumulation=4),
        case(ranks=8),
        case(ranks=2, zero_stage=2),
    ]
    one, *others = losses(cases, tmp_path)
    assert one[0] > 1.5 * one[-1]  # it learns, so that equal losses mean equal gradients
    for found in others:
        np.testing.assert_allclose(found, one, rtol=1e-5)


def test_tokens_drawn_at_random_do_not_depend_on_ranks(tmp_path: Path) -> None:
    cases = [case(method="random"), case(method="random", accumulation=4), case(method="random", ranks=2)]
    one, *others = losses([*cases, case()], tmp_path)
    *others, pooled = others
    for found in others:
        np.testing.assert_allclose(found, one, rtol=1e-5)
    assert not np.allclose(pooled, one, rtol=1e-3)


def test_every_connector_trains_under_zero_3_to_the_losses_of_stage_0(tmp_path: Path) -> None:
    plain = [case(connector, steps=4) for connector in CONNECTORS]
    sharded = [case(connector, ranks=2, zero_stage=3, steps=4) for connector in CONNECTORS]
    found = losses([*plain, *sharded], tmp_path)
    np.testing.assert_allclose(found[len(CONNECTORS) :], found[: len(CONNECTORS)], rtol=1e-5)
    assert len(np.unique(found[: len(CONNECTORS), -1])) == len(CONNECTORS)


def test_an_encoder_is_trained_to_the_same_losses_on_any_ranks_and_zero_stage(tmp_path: Path) -> None:
    full = {"encoder": "full", "steps": 4}
    cases = [case(**full), case(accumulation=4, **full), case(ranks=2, **full)]
    cases += [case(ranks=2, zero_stage=3, **full), case(encoder="lora", steps=4), case(steps=4)]
    one, *others, adapters, frozen = losses(cases, tmp_path)
    for found in others:
        np.testing.assert_allclose(found, one, rtol=1e-5)
    assert adapters[0] == pytest.approx(one[0], rel=1e-6)  # adapters start as nothing
    assert len({round(found[-1], 6) for found in (one, adapters, frozen)}) == 3


def test_objectives_of_pairs_have_the_same_losses_on_any_ranks(tmp_path: Path) -> None:
    every = "contrastive + 0.5 matching + masked-language-modelling + language-modelling"
    words = "masked-language-modelling + 2 language-modelling"
    pairs = {"connector": "q-former", "steps": 4}
    cases = [case(objectives=every, **pairs), case(objectives=every, ranks=2, **pairs)]
    cases += [case(objectives=every, ranks=2, zero_stage=3, **pairs)]
    cases += [case(objectives=words, **pairs), case(objectives=words, accumulation=4, **pairs)]
    one, two, sharded, plain, accumulated = losses(cases, tmp_path)
    np.testing.assert_allclose(two, one, rtol=1e-5)
    np.testing.assert_allclose(sharded, one, rtol=1e-5)
    np.testing.assert_allclose(accumulated, plain, rtol=1e-5)
